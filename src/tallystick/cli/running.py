"""How a server is run by a command: its port, its logs, its start and its end."""

import errno
import gc
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tallystick.domain.errors import Unavailable

# First needed some time after the start, and slow to import.
_LATER = ("aiohttp", "jwt", "jinja2", "babel.dates", "segno")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, before anything slow is begun. Raises Unavailable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(
                f"Port {port} is in use: stop what listens there, or choose another with "
                f"--port {port + 1 if port < 65535 else 0}."
            ) from error
        raise Unavailable(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error


def until_stopped(log_level: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it with the logs on standard error; Ctrl-C is a good end."""
    import uvloop

    from tallystick import logs

    logs.configure(log_level, readable=sys.stderr.isatty())
    with suppress(KeyboardInterrupt):
        uvloop.run(work())


def quick_start() -> None:
    """Put off what makes imports slow: collecting garbage, and tracebacks in colour."""
    # Importing makes many objects, and nearly all of them stay.
    gc.disable()
    if "rich" not in sys.modules:
        # structlog takes it where it is found, for tracebacks that our logs never show so; without
        # it a tenth of the start is saved.
        sys.modules["rich"] = None  # type: ignore[assignment]
        import structlog  # noqa: F401 - looks for it once

        del sys.modules["rich"]


def warm_up() -> None:
    """The server is ready: collect garbage again, and import beside it what comes next."""
    import asyncio
    from importlib import import_module

    gc.freeze()
    gc.enable()
    for name in _LATER:
        asyncio.get_running_loop().run_in_executor(None, import_module, name)

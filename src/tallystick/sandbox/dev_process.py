"""A server with simulated gateways as a process of its own, which can be killed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tallystick.cli.server import ServerClient
from tallystick.domain.errors import Unavailable

PATIENCE_S: Final = 30.0
_OURS: Final = ("TALLYSTICK_", "ONEPAY_", "CRON_SECRET")


class DevProcess:
    """`tallystick dev` in a folder. Rate limits are off: here all callers are ours."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder / 'tallystick.db'}"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, Any] = {}

    @property
    def server(self) -> ServerClient:
        """The running server, with an admin key."""
        return ServerClient(self._ready["url"], self._ready["secretKey"])

    def start(self) -> None:
        """Start, at the same address as before if there was one. Raises Unavailable."""
        port = self._ready["url"].rpartition(":")[2] if self._ready else "0"
        words = ["dev", "--json", "--port", port, "--database", self.database]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        log = self.folder / "log.txt"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "tallystick.cli", *words],
                cwd=self.folder,
                env=clean | {"TALLYSTICK_RATE_LIMITS": "false"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise Unavailable(f"The server did not start: {log.read_text()[-2000:]}")
        self._ready = json.loads(line)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        """End it in peace."""
        self._end(subprocess.Popen.terminate)

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        how(process)
        process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()

    def difference(self) -> list[str]:
        """Where the simulators' own books and ours are not equal to the unit; one line for each.

        Only for one that is stopped.
        """
        from tallystick.cli.offline_hub import with_offline_hub
        from tallystick.sandbox.simulators.books import Books
        from tallystick.sandbox.wiring import books_of
        from tallystick.store import ledger

        async def ours(hub: Any) -> dict[tuple[str, str], int]:
            return await hub.database.read(ledger.balances)  # type: ignore[no-any-return]

        balances = with_offline_hub(self.database, ours)
        path = books_of(self.database)
        books = Books(path if path.is_absolute() else self.folder / path)
        try:
            theirs = {
                (f"clearing:{name}", currency): total
                for name in books.gateways()
                for currency, total in books.book(name).totals().items()
            }
        finally:
            books.close()
        held = {key: total for key, total in balances.items() if key[0].startswith("clearing:")}
        return [
            f"{account} {currency}: the gateway has {theirs.get((account, currency), 0)}, "
            f"we have {held.get((account, currency), 0)}."
            for account, currency in sorted(theirs.keys() | held.keys())
            if theirs.get((account, currency), 0) != held.get((account, currency), 0)
        ]

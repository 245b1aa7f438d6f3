"""Structured logs on standard error: one line per thing, and never a secret."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

_SECRET: Final = re.compile(
    r"(tsk_|tct_|whsec_|sbx_|Bearer\s+|Apikey\s+)[A-Za-z0-9_\-.=+/]+", re.IGNORECASE
)

_CODE: Final = re.compile(r"(/api/gift-cards/)[^/]+", re.IGNORECASE)


def configure(level: str, *, readable: bool) -> None:
    """JSON lines, or lines for people. Called once, before the first log line."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    # A slow reader of a stream is dropped by leaving its answer unfinished, on purpose.
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def without_codes(path: str) -> str:
    """The path of a request as a log may have it: the code of a gift card is cut out."""
    return _CODE.sub(r"\1…", path)


def _is_news(record: logging.LogRecord) -> bool:
    return "without completing response" not in record.getMessage()


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut out whatever looks like one of our secrets, wherever it stands."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRET.sub(r"\1…", value)
    return event

"""The server's side of HTTP/1.1: uvicorn's own, with an end to what a stranger may send at it.

The parser keeps an unfinished header line as it grows, copying it each time: three connections with
an endless one took all of the processor and hundreds of megabytes. What is refused here has not
reached the application.
"""

import asyncio
import secrets
from typing import Any, ClassVar, Final

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tallystick.domain.errors import HeadTooLarge, HubError, Invalid, TargetTooLong, TooSlow
from tallystick.web import metrics, problems

LONGEST_TARGET: Final = 8_192
LARGEST_HEAD: Final = 32_768
MOST_LINES: Final = 100
FRAMING: Final = 8
"""Bytes around each byte of a body that are still taken: chunks of one byte need five."""

# The parser is given so much at once, so that it never holds much more than what is allowed.
_PIECE: Final = 8_192
# A client that is still sending hears why it is refused only if it is not cut off at once.
_LINGER_S: Final = 2.0
_LINGER: Final = 1_048_576


class CappedHttp(HttpToolsProtocol):
    """One connection. Heads, targets and the time in which a request is sent have an end."""

    request_s: ClassVar[float] = 10.0

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self._refused = False
        self._discarded = 0
        self._refusal: HubError | None = None
        self._half_sent = self._in_head = self._has_begun = self._rest_is_lost = False
        # Of the message that is being read: bytes of the body, all other bytes.
        self._body = self._around = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has connected, and has as long to ask as everybody."""
        super().connection_made(transport)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        self._drop_timer()

    def data_received(self, data: bytes) -> None:
        """Give it to the parser in pieces, and look after each how far the message has grown."""
        if self._refused:
            self._discard(len(data))
            return
        self._rest_is_lost = False
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            super().data_received(piece)
            self._around += len(piece)
            if self._around > LARGEST_HEAD + _PIECE + FRAMING * self._body:
                self._refuse(_head_too_large())
            if self._is_over():
                return
        if self._timer is None and (self._half_sent or not self._is_answering()):
            self._set_timer()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._half_sent = self._in_head = True
        self._body = self._around = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the target has come."""
        super().on_url(url)
        if len(self.url) > LONGEST_TARGET:
            self._stop(
                TargetTooLong(
                    f"The address is longer than {LONGEST_TARGET} bytes; send less in its query."
                )
            )

    def on_headers_complete(self) -> None:
        """The head is there: the application begins."""
        if len(self.headers) > MOST_LINES:
            self._stop(_head_too_large())
        self._in_head = False
        super().on_headers_complete()
        self._has_begun = True
        # Lines after a body are no part of the head, which the application reads meanwhile.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        self._body += len(body)
        self._around -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of the request is there."""
        self._half_sent = False
        self._drop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser did not take, in the form of all our errors."""
        self._refuse(self._refusal or Invalid("This is not a request of HTTP/1.1."))

    def _unsupported_upgrade_warning(self) -> None:
        """We speak nothing else: the request is answered as it is (RFC 9110, 7.8)."""
        self._rest_is_lost = True
        self._half_sent = False
        self._drop_timer()

    def _stop(self, error: HubError) -> None:
        """End the parser's work from within it."""
        self._refusal = error
        raise HttpParserError(error.detail)

    def _refuse(self, error: HubError) -> None:
        """Say why, unless an answer is under way on this line already, and hang up."""
        self._refused = True
        metrics.REQUESTS.labels("4xx").inc()
        self._drop_timer()
        self._unset_keepalive_if_required()
        if self._is_answering():
            own, cycle = not self._in_head and not self.pipeline, self.cycle
            if not own or cycle.response_started:
                self.transport.close()
                return
            # What works on the request hears that nobody waits for it.
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write(_written(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _LINGER:
            self.transport.abort()

    def _is_over(self) -> bool:
        return self._refused or self._rest_is_lost or self.transport.is_closing()

    def _is_answering(self) -> bool:
        return self._has_begun and not self.cycle.response_complete

    def _set_timer(self) -> None:
        self._timer = self.loop.call_later(self.request_s, self._too_slow)

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            # It is we who do not read.
            self._set_timer()
        elif self._half_sent:
            self._refuse(
                TooSlow(f"The request was not there within {self.request_s:g} s; send it again.")
            )
        else:
            self.transport.close()


def capped_http(request_s: float) -> type[CappedHttp]:
    """The protocol with so many seconds for each request."""
    seconds = request_s

    class Timed(CappedHttp):
        request_s = seconds

    return Timed


def _head_too_large() -> HeadTooLarge:
    return HeadTooLarge(
        f"The request has more than {LARGEST_HEAD} bytes or {MOST_LINES} lines of headers; "
        "send fewer, or clear this site's cookies."
    )


def _written(error: HubError) -> bytes:
    """The whole answer as it goes over the line."""
    request_id = "req_" + secrets.token_hex(8)
    answer = problems.response(error, request_id, {"connection": "close"})
    lines = [*answer.raw_headers, (b"x-request-id", request_id.encode())]
    head = b"".join(b"%b: %b\r\n" % pair for pair in lines)
    return STATUS_LINE[error.status] + head + b"\r\n" + bytes(answer.body)

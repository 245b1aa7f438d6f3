"""Webhooks in: raw bytes to the flow, the gateway's own answer back. The hottest route."""

from typing import Final

from starlette.types import Receive, Scope, Send

from tallystick.domain.errors import HubError, NoticeNotAuthentic
from tallystick.flows.hub import Hub
from tallystick.flows.receive import receive
from tallystick.gateways.base import Answer, AnswersInquiries, RawNotice
from tallystick.web import metrics
from tallystick.web.bodies import LARGEST_NOTICE, read_body

ALIASES: Final = {
    "/api/payos/webhook": "payos",
    "/api/v1/payments/lankapay/callback": "govpay",
}
_POST: Final = frozenset({"POST"})
_PREFIX: Final = "/api/webhooks/"


def gateway_of(path: str) -> str | None:
    """The gateway that this path takes notices for, or None where it is another route."""
    if path.startswith(_PREFIX):
        return path[len(_PREFIX) :] or None
    if path in ALIASES:
        return ALIASES[path]
    if path.startswith("/api/v1/payments/") and path.endswith("/callback"):
        return path[len("/api/v1/payments/") : -len("/callback")]
    return None


def notice_methods(hub: Hub, name: str) -> frozenset[str]:
    """How this gateway's notices come; POST for one that we do not know."""
    gateway = hub.gateways.get(name)
    return _POST if gateway is None else gateway.capabilities.notice_methods


async def answer_notice(hub: Hub, name: str, raw: RawNotice) -> Answer:
    """Take in one notice, count it, and refuse it in the gateway's own form where it has one.

    Raises HubError where it has none.
    """
    known = name if name in hub.gateways else "unknown"
    try:
        answer = await receive(hub, name, raw)
    except HubError as error:
        refused = isinstance(error, NoticeNotAuthentic)
        metrics.NOTICES.labels(known, "not_authentic" if refused else error.code).inc()
        gateway: object = hub.gateways.get(name)
        if not isinstance(gateway, AnswersInquiries):
            raise
        return gateway.refuse(error)
    metrics.NOTICES.labels(known, "kept").inc()
    return answer


async def take_notice(hub: Hub, name: str, scope: Scope, incoming: Receive, send: Send) -> None:
    """One notice. Anything but 2xx means that nothing of it was kept. Raises HubError."""
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    raw = RawNotice(
        headers=headers,
        body=await read_body(headers, incoming, LARGEST_NOTICE),
        query=scope["query_string"].decode("latin-1"),
        received_at=hub.now(),
        method=scope["method"],
    )
    answer = await answer_notice(hub, name, raw)
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-type", answer.content_type.encode()),
                (b"content-length", str(len(answer.body)).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": answer.body})

"""Call back: the workflow that waits for a task is told what came of it, signed, until it hears."""

import base64
import json
from typing import Any, Final

import structlog

from tallystick.domain.document import instant
from tallystick.domain.errors import Conflict, NotFound, NotReached
from tallystick.domain.sealing import CALLBACKS, derived
from tallystick.domain.standard_webhooks import signature
from tallystick.flows.cancel import cancel
from tallystick.flows.hub import Hub
from tallystick.outbound import post
from tallystick.products.tasks import rows
from tallystick.products.tasks.deliver import COMPLETED

TIMEOUT_S: Final = 10.0

log = structlog.get_logger()


def callback_key(hub: Hub) -> bytes:
    """The key that all callbacks of this server are signed with."""
    return derived(hub.secret, CALLBACKS).newest


def callback_secret(hub: Hub) -> str:
    """The same, as Standard Webhooks writes it; the merchant's libraries take it as it is."""
    return "whsec_" + base64.b64encode(callback_key(hub)).decode()


async def call_back(hub: Hub, payload: dict[str, Any]) -> None:
    """Tell the workflow; a job, repeated for three days until it is answered with 2xx.

    Always with the same id and body, so that the other side can tell a repeat. Of a session without
    money nothing is told once another has paid the task. Raises
    AddressRefused, NotReached.
    """
    task = await hub.database.read(lambda tx: rows.find(tx, payload["taskId"]))
    if task is None:
        raise NotFound("There is no such task.")
    # Those from before sessions without money were told have no type and no time.
    kind, at = payload.get("type", COMPLETED), payload.get("at") or instant(task.completed_at)
    if kind != COMPLETED and task.completed_at is not None:
        log.info("callback_out_of_date", task=task.id, type=kind)
        return
    told = {"id": payload["messageId"], "type": kind, "timestamp": at, "data": payload["data"]}
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    # The other side compares it with its own clock, which no sandbox moves.
    stamp = str(int(hub.clock.real_now().timestamp()))
    headers = {
        "content-type": "application/json",
        "user-agent": "Tallystick",
        "webhook-id": payload["messageId"],
        "webhook-timestamp": stamp,
        "webhook-signature": signature(callback_key(hub), payload["messageId"], stamp, body),
    }
    reply = await post(
        task.callback_url, headers, body, allow_loopback=hub.sandbox, timeout_s=TIMEOUT_S
    )
    log.info("called_back", task=task.id, status=reply.status)
    if not reply.accepted:
        raise NotReached(f"The callback was answered {reply.status}; it wants a 2xx.")


async def close_session(hub: Hub, payload: dict[str, Any]) -> None:
    """Take back the offer of a session whose task was completed in another; a job.

    One that is over, or has money on its way, is left as it is: what comes is reviewed.
    """
    try:
        await cancel(hub, payload["paymentId"])
    except Conflict as error:
        log.info("session_left", payment=payload["paymentId"], why=error.detail)

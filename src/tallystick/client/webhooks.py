"""Checks that an event came from your hub, and gives you its content."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tallystick.client.errors import WebhookVerificationError
from tallystick.domain import standard_webhooks
from tallystick.domain.errors import NoticeNotAuthentic


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    tolerance_s: float = 300,
) -> dict[str, Any]:
    """The event in an authentic notice, by Standard Webhooks.

    `body` is what came, byte for byte; `secrets` is the endpoint's `whsec_…`, or several while you
    change it. Keep `webhook-id` of what you have done: an event may come more than once.
    Raises WebhookVerificationError and nothing else, whatever was sent.
    """
    given = (secrets,) if isinstance(secrets, str) else secrets
    keys = [key for one in given if (key := standard_webhooks.decoded_key(one))]
    if not keys or len(keys) != len(given):
        raise WebhookVerificationError("The secret is not one of an endpoint (whsec_…).")
    try:
        lower = {name.lower(): value for name, value in headers.items()}
        window = timedelta(seconds=tolerance_s)
        standard_webhooks.check(lower, body, keys, datetime.now(UTC), window)
        event = json.loads(body)
    except (NoticeNotAuthentic, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise WebhookVerificationError(f"The notice is not authentic: {error}") from error
    if not isinstance(event, dict):
        raise WebhookVerificationError("The notice is authentic, but holds no event.")
    return event

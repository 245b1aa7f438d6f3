"""Notices are checked with one function that fails in one way."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.client import WebhookVerificationError, verify_webhook
from tallystick.domain.standard_webhooks import signature

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()
EVENT = {"id": "evt_1", "type": "payment.paid", "data": {"id": "pay_1"}}
BODY = json.dumps(EVENT).encode()


def signed(body: bytes = BODY, ago_s: int = 0, key: bytes = KEY) -> dict[str, str]:
    """The headers of an authentic notice."""
    stamp = str(int(datetime.now(UTC).timestamp()) - ago_s)
    return {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": stamp,
        "Webhook-Signature": signature(key, "evt_1", stamp, body),
    }


def test_an_authentic_notice_gives_its_event():
    assert verify_webhook(BODY, signed(), SECRET) == EVENT


def test_while_a_secret_is_changed_either_will_do():
    assert verify_webhook(BODY, signed(), [OTHER, SECRET]) == EVENT


@pytest.mark.parametrize(
    ("body", "sign", "secrets"),
    [
        pytest.param(BODY + b" ", signed, SECRET, id="one byte more"),
        pytest.param(BODY, signed, OTHER, id="another secret"),
        pytest.param(BODY, partial(signed, key=b"x"), SECRET, id="another signature"),
        pytest.param(BODY, dict, SECRET, id="no headers"),
        pytest.param(BODY, partial(signed, ago_s=400), SECRET, id="too old"),
        pytest.param(BODY, partial(signed, ago_s=-400), SECRET, id="ahead"),
        pytest.param(b"[]", partial(signed, b"[]"), SECRET, id="no event"),
        pytest.param(b"{", partial(signed, b"{"), SECRET, id="no JSON"),
        pytest.param(BODY, partial(signed, key=b""), "", id="an empty secret"),
        pytest.param(BODY, signed, [], id="no secret"),
        pytest.param(BODY, signed, [SECRET, "whsec_?"], id="one secret that is none"),
    ],
)
def test_all_else_is_refused(body, sign, secrets):
    # Signed now and not when the tests were collected, which may be long ago.
    headers = sign()

    with pytest.raises(WebhookVerificationError):
        verify_webhook(body, headers, secrets)


def test_the_tolerance_is_yours():
    assert verify_webhook(BODY, signed(ago_s=400), SECRET, tolerance_s=1000) == EVENT


NAMES = st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature", "x"])


@given(st.binary(), st.dictionaries(NAMES, st.text()), st.one_of(st.text(), st.lists(st.text())))
def test_nothing_that_anybody_sends_raises_anything_else(body, headers, secrets):
    with pytest.raises(WebhookVerificationError):
        verify_webhook(body, headers, secrets)


@given(st.text(alphabet="0123456789", max_size=11), st.floats(allow_nan=False))
def test_no_time_and_no_tolerance_raises_anything_else(stamp, tolerance_s):
    headers = {**signed(), "webhook-timestamp": stamp}
    headers["webhook-signature"] = signature(KEY, "evt_1", stamp, BODY)

    with suppress(WebhookVerificationError):
        assert verify_webhook(BODY, headers, SECRET, tolerance_s) == EVENT

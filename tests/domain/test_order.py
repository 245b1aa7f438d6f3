"""The states of an order, all pairs; licences that verify offline; places that can be named."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from tallystick.domain.access import Place, place
from tallystick.products.orders.licence import Claims, public_key, read, sign
from tallystick.products.orders.rules import STEPS, OrderStatus, Step

SECRET = b"a secret of thirty-two characters"
CLAIMS = Claims("lic_1", "ord_1", "pro", 3, datetime(2026, 11, 20, 9, 0, 0, 5, tzinfo=UTC))


def test_nothing_leads_back_from_refunded_and_nothing_unpaid_is_refunded():
    after = {(was, step): STEPS.get((was, step), was) for was, step in product(OrderStatus, Step)}

    assert {after[OrderStatus.REFUNDED, step] for step in Step} == {OrderStatus.REFUNDED}
    assert after[OrderStatus.FAILED, Step.ALL_BACK] is OrderStatus.FAILED
    assert after[OrderStatus.COMPLETED, Step.LAPSED] is OrderStatus.COMPLETED
    assert after[OrderStatus.FAILED, Step.DELIVERED] is OrderStatus.COMPLETED


def test_a_licence_is_verified_with_the_public_key_alone():
    key = sign(SECRET, CLAIMS)

    assert read(public_key(SECRET), key) == {
        "id": "lic_1", "order": "ord_1", "product": "pro", "seats": 3,
        "issued": "2026-11-20T09:00:00Z",
    }  # fmt: skip


def test_one_changed_character_of_a_licence_is_found_out():
    key, public = sign(SECRET, CLAIMS), public_key(SECRET)

    # The last character carries bits that are not part of the signature.
    for index in range(len(key) - 1):
        other = "A" if key[index] != "A" else "B"
        assert read(public, key[:index] + other + key[index + 1 :]) is None, index


@pytest.mark.parametrize("text", ["", "TSL1", "TSL1..", "TSL1.e30.", "é.é.é", "TSL1.e30.AAAA"])
def test_what_is_no_licence_is_none(text):
    assert read(public_key(SECRET), text) is None


def test_a_licence_of_another_merchant_is_none_of_ours():
    assert read(public_key(SECRET), sign(b"another secret of that many bytes", CLAIMS)) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("us/plugins", Place("us", "plugins", is_team=False)),
        ("us/teams/customers", Place("us", "customers", is_team=True)),
        ("us", None),
        ("us/..", None),
        ("us/a/b/c", None),
        ("us/a?b", None),
    ],
)
def test_a_place_is_a_repository_or_a_team(text, found):
    assert place(text) == found

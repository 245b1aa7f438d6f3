"""Which addresses are one customer's, and which may be two people's."""

from __future__ import annotations

import pytest

from tallystick.domain.same_mailbox import same_mailbox


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mai.tran+2@gmail.com", "MaiTran@googlemail.com"),
        ("m.a.i@gmail.com", " mai+shop+more@GMAIL.com "),
        ("mai+a@outlook.com", "mai@outlook.com"),
        ("mai+a@hotmail.co.uk", "mai@hotmail.co.uk"),
        ("mai+a@me.com", "mai@icloud.com"),
        ("mai+a@fastmail.com", "mai@fastmail.com"),
        ("mai.tran+a@pm.me", "mai_tran@protonmail.com"),
        ("mai-shop@yahoo.com", "mai@yahoo.com"),
        ("Mai@Example.vn", "mai@example.vn"),
    ],
)
def test_addresses_that_reach_one_mailbox_are_one_customer(one, other):
    assert same_mailbox(one) == same_mailbox(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mai+a@example.vn", "mai@example.vn"),
        ("m.ai@example.vn", "mai@example.vn"),
        ("m.ai@outlook.com", "mai@outlook.com"),
        ("mai-shop@gmail.com", "mai@gmail.com"),
        ("mai@outlook.com", "mai@hotmail.com"),
        ("mai@gmail.com.vn", "mai@gmail.com"),
        ("mai-linh@example.vn", "mai@example.vn"),
    ],
)
def test_addresses_that_may_be_two_peoples_are_two_customers(one, other):
    assert same_mailbox(one) != same_mailbox(other)

"""Addresses that open a bank app: what is filled in, and when there are none."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tallystick.domain.bank_apps import APPS, bank_links
from tallystick.domain.vietqr import BANKS, TO_CARD, VietQR

CODE = VietQR("970436", "0123499999", 50_000, "TS7K2M9QX")
HERE = "https://pay.example/pay/Qx7KpR2m?a=1&b=2"


def test_every_app_is_given_the_whole_transfer_and_the_way_back():
    links = bank_links(CODE, "CÔNG TY & CON", HERE)

    for (title, url), (app, name) in zip(links, APPS.items(), strict=True):
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        assert title == name
        assert query == {
            "app": app, "ba": "0123499999@vcb", "am": "50000", "tn": "TS7K2M9QX",
            "bn": "CÔNG TY & CON", "url": HERE,
        }  # fmt: skip


# From the changelog of vietqr.io, 2.18: account, bank, amount and memo of its own example.
def test_the_address_is_written_as_the_documentation_writes_it():
    links = dict(bank_links(VietQR("970415", "22102025", 2000, "ck"), None, "https://payos.vn"))

    start = "https://dl.vietqr.io/pay?app=mb&ba=22102025@icb&am=2000&tn=ck&url="
    assert links["MB"].startswith(start)


@pytest.mark.parametrize(
    "code",
    [replace(CODE, amount=None), replace(CODE, memo=None), replace(CODE, service=TO_CARD),
     replace(CODE, bank_bin="970424"), replace(CODE, bank_bin="000000")],
)  # fmt: skip
def test_a_transfer_that_cannot_be_filled_in_whole_opens_nothing(code):
    assert bank_links(code, None, HERE) == ()


def test_the_apps_are_those_of_banks_that_we_know():
    assert set(APPS.values()) <= set(BANKS.values())

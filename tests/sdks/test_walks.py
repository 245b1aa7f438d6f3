"""Each gateway's public SDK works with our simulator as its merchant would use it, without a flaw.

A simulator that only our own adapter can talk to would prove nothing about the gateway.
"""

from __future__ import annotations

import pytest

from tallystick.domain.vietqr import VietQR
from tests.infra.sdks import NODE
from tests.sdks.stand import SEPAY, standing

pytestmark = pytest.mark.slow


def test_payos_python_sdk_makes_pays_cancels_and_checks_every_notice(walk):
    walk("payos_1", "payos-1.1.0")


@pytest.mark.parametrize("version", ["v2026_04", "v2027_01"])
def test_polar_sdk_1_reads_every_answer_and_notice(walk, version):
    walk("polar_1", "polar-sdk-1.0.2", version=version)


def test_polar_sdk_0_reads_every_answer_and_notice(walk):
    walk("polar_0", "polar-sdk-0.32.0")


def test_values_of_tomorrow_come_only_where_an_act_asks_for_them(walk, tmp_path):
    # On a server of its own: lists of the shared one must stay readable to everybody.
    with standing(tmp_path) as here:
        walk("polar_tomorrow", "polar-sdk-1.0.2", url=here.url)


def test_payos_node_sdk_makes_pays_cancels_and_checks_every_notice(walk):
    walk("payos_node", NODE)


def test_sepay_python_sdk_reads_transfers_and_accounts(walk):
    code = VietQR(SEPAY.bank_bin, SEPAY.account_number, 50_000, "TS7K2M9QX").payload()

    walk("sepay_0", "sepay-0.1.0", memo="TS7K2M9QX", page=f"https://sepay.example/bank?qr={code}")


def test_sepay_pg_node_sdk_opens_lists_and_cancels_orders(walk):
    walk("sepay_pg_node", NODE)


def test_onepay_library_signs_the_way_there_and_believes_the_way_back(walk):
    walk("vn_payments", NODE)

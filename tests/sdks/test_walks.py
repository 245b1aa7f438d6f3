"""Each gateway's public SDK works with our simulator as its merchant would use it, without a flaw.

A simulator that only our own adapter can talk to would prove nothing about the gateway.
"""

from __future__ import annotations

import pytest

from tests.sdks.stand import standing

pytestmark = pytest.mark.slow


def test_payos_python_sdk_makes_pays_cancels_and_checks_every_notice(walk):
    walk("payos_1", "payos-1.1.0")


@pytest.mark.parametrize("version", ["v2026_04", "v2026_10", "v2027_01"])
def test_polar_sdk_1_reads_every_answer_and_notice(walk, version):
    walk("polar_1", "polar-sdk-1.0.2", version=version)


def test_polar_sdk_0_reads_every_answer_and_notice(walk):
    walk("polar_0", "polar-sdk-0.32.0")


def test_values_of_tomorrow_come_only_where_an_act_asks_for_them(walk, tmp_path):
    # On a server of its own: lists of the shared one must stay readable to everybody.
    with standing(tmp_path) as here:
        walk("polar_tomorrow", "polar-sdk-1.0.2", url=here.url)

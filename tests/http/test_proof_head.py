"""The head of the proof is told where a lost disk does not reach: in the log and in metrics."""

from __future__ import annotations

import json

from tests.http.shop import Shop, eventually


def newest(shop: Shop) -> tuple[int, str]:
    """The last link that is in the database."""
    return shop.rows("SELECT n, hash FROM proof_links ORDER BY n DESC LIMIT 1")[0]


def heads(shop: Shop) -> list[str]:
    """The heads that the server has logged."""
    lines = [json.loads(one) for one in shop.server.stderr.splitlines() if '"proof_head"' in one]
    return [one["head"] for one in lines]


def test_a_payment_is_linked_a_moment_later_and_its_head_is_in_the_log_and_in_the_metrics(shop):
    sale = shop.payment()
    sale.act("pay")
    sale.becomes("paid")
    [receipt] = shop.rows(f"SELECT id FROM receipts WHERE payment_id = '{sale.id}'")[0]

    eventually(
        lambda: shop.rows(f"SELECT n FROM proof_links WHERE leaves LIKE '%{receipt}%'"), bool
    )
    eventually(lambda: heads(shop), lambda told: "{}-{}".format(*newest(shop)) in told[-1:])

    links, hash_ = newest(shop)
    assert shop.metric("tallystick_proof_links") == links
    assert shop.metric("tallystick_proof_head") == int(hash_[:12], 16)
    shop.audit()

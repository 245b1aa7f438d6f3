"""Calls of every function of the store that puts its statement together: each filter once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from tallystick.products import SEALED_COLUMNS
from tallystick.products.gift_cards import rows as gift_cards
from tallystick.products.orders import coupon_rows
from tallystick.products.orders import personal_rows as buyers
from tallystick.products.orders import rows as orders
from tallystick.products.orders.rows import Search
from tallystick.products.orders.tables import orders as orders_table
from tallystick.products.revenue import commission_rows, referrer_rows, sale_rows
from tallystick.products.tasks import rows as tasks
from tallystick.products.wallets import rows as wallets
from tallystick.products.wallets import topup_rows
from tallystick.store import (
    addresses,
    checkup,
    credits,
    dashboard_sessions,
    deliveries,
    effects,
    feed,
    links,
    notices,
    payments,
    proof_chain,
    pruning,
    questions,
    reconciliation,
    refunds,
    schedules,
    sealed,
    timers,
    webhook_endpoints,
    witness,
)
from tests.store.large import END, FIRST, START

Call = Callable[[Connection], Any]
DAY: Final = timedelta(days=1)
SPANS: Final = ((None, None), (END - DAY, None), (None, END - DAY), (END - 2 * DAY, END - DAY))
PLACES: Final = (None, (END - DAY, "z"))
NAME: Final = str(FIRST + 9_000)
FIRST_DAY: Final = START + DAY
PRUNED: Final = {"before": FIRST_DAY, "up_to": 10}
ENDPOINT: Final = f"webhook_endpoints_{FIRST + 1}"


def lists(page: Callable[..., Any], *filters: dict[str, Any]) -> list[Call]:
    """A list with each filter, from its beginning and from a place on; and for each span."""
    calls = [
        _call(page, filters=one, span=(None, None), after=place)
        for one in filters
        for place in PLACES
    ]
    return [*calls, *(_call(page, filters={}, span=span, after=PLACES[1]) for span in SPANS)]


def _call(page: Callable[..., Any], **values: Any) -> Call:
    return lambda tx: page(tx, limit=50, **values)


def _others(column: sealed.Sealed) -> Call:
    after = [f"x_{NAME}"] * len(column.key)
    return lambda tx: sealed.other(tx, column, b"header", after, 10)


def _reseal(tx: Connection) -> None:
    """A value sealed anew, in the first column that is."""
    row = (*[f"x_{NAME}"] * len(sealed.SEALED[0].key), b"old")
    sealed.replace(tx, sealed.SEALED[0], row, b"new", {})  # type: ignore[arg-type]


def _prune(tx: Connection, name: str) -> None:
    """Some rows of a walk go; of a table with a key of two, PostgreSQL cannot be asked so."""
    if len(pruning.WALKS[name].key) == 1:
        pruning.drop(tx, name, [(f"{pruning.WALKS[name].table.name}_{NAME}",)], PRUNED)


def _line(tx: Connection, line: str) -> None:
    """What is asked about next at one gateway."""
    list(questions._by_rank(tx, line, END, 10, lambda _: False))


def _payments(tx: Connection, *, filters: Any, span: Any, **values: Any) -> Any:
    return payments.page(
        tx, filters=filters, created_after=span[0], created_before=span[1], **values
    )


def _tasks(tx: Connection, *, filters: Any, span: Any, **values: Any) -> Any:
    return tasks.page(tx, filters=filters, created_after=span[0], created_before=span[1], **values)


def _topups(tx: Connection, *, filters: Any, **values: Any) -> Any:
    wish = {"owner_id": None, "phases": (), **filters}
    return topup_rows.page(tx, **wish, **values)


def _cards(tx: Connection, *, filters: Any, span: Any, after: Any, limit: int) -> Any:
    return gift_cards.page(tx, [(name, [one]) for name, one in filters.items()], span, after, limit)


def _links(tx: Connection, *, filters: Any, span: Any, **values: Any) -> Any:
    phases = filters.get("phases", ())
    return links.page(tx, phases=phases, created_after=span[0], created_before=span[1], **values)


def _deliveries(tx: Connection, *, filters: Any, **values: Any) -> Any:
    return deliveries.page(tx, ENDPOINT, state=filters.get("state"), **values)


def _commissions(tx: Connection, *, filters: Any, **values: Any) -> Any:
    return commission_rows.page(tx, wanted=filters, **values)


def _orders(tx: Connection, *, filters: Any, span: Any, after: Any, limit: int) -> Any:
    return orders.page(tx, Search(filters, *span), after, limit)


def _numbered(tx: Connection, *, filters: Any, span: Any, after: Any, limit: int) -> Any:
    return orders.numbered_page(tx, Search(filters, *span), 2, limit)


def _differences(tx: Connection, *, filters: Any, **values: Any) -> Any:
    return reconciliation.page(tx, filters=filters, resolved=None, **values)


def _referrers(tx: Connection, *, filters: Any, **values: Any) -> Any:
    return referrer_rows.page(tx, **values)


def _coupons(tx: Connection, *, filters: Any, **values: Any) -> Any:
    return coupon_rows.page(tx, code=filters.get("code"), **values)


def _entries(tx: Connection, *, filters: Any, span: Any, **values: Any) -> Any:
    return wallets.entries(
        tx, "wallet:owner_3", created_after=span[0], created_before=span[1], **values
    )


ORDER_FILTERS: Final[tuple[dict[str, Any], ...]] = (
    {"status": "refunded"}, {"gateway": "polar"}, {"product_type": f"products_{FIRST + 2}"},
    {"email_lookup": ["buyer8@example.com", "buyer9@example.com"]}, {"owner_id": "owner_9"},
    {"team_id": "team_100"},
    {"review": "coupon_used_up"},
)  # fmt: skip

SAMPLES: Final[dict[str, list[Call]]] = {
    "checkup.database_facts": [checkup.database_facts],
    "revenue.commission_rows.page": lists(_commissions, {"status": "pending"},
                              {"referrer_id": f"referrers_{FIRST + 2}"},
                              {"order_id": f"orders_{NAME}"}),
    "orders.coupon_rows.page": lists(_coupons, {"code": "TEN"}),
    "credits._page": [
        _call(credits.page, state=state, span=span, after=place)
        for state in ("waiting", "decided", "all")
        for span in SPANS
        for place in PLACES
    ],
    "deliveries.page": lists(_deliveries, {"state": "dead"}),
    "deliveries.redeliver": [
        lambda tx: deliveries.redeliver(tx, ENDPOINT, END, event_id=f"outbox_{NAME}"),
        lambda tx: deliveries.redeliver(tx, ENDPOINT, END, since=END - timedelta(hours=6)),
        lambda tx: deliveries.redeliver(tx, ENDPOINT, END, since=END - timedelta(hours=6),
                                        patterns=("payment.paid",)),
    ],
    "dashboard_sessions.forget": [lambda tx: dashboard_sessions.forget(tx, END)],
    "feed.page": [
        lambda tx: feed.page(tx, after=9_000, limit=50),
        lambda tx: feed.page(tx, after=9_000, limit=50, patterns=("payment.*",)),
    ],
    "feed.page createdAfter": [
        lambda tx: feed.page(tx, after=0, limit=50, span=(END - DAY, None)),
    ],
    "links._one": [
        lambda tx: links.find(tx, f"payment_links_{NAME}"),
        lambda tx: links.by_short_code(tx, f"short_code_{NAME}"),
        lambda tx: links.of_payment(tx, f"payments_{NAME}"),
    ],
    "orders.personal_rows.customer": [lambda tx: buyers.customer(tx, [f"customer_{NAME}"], "x")],
    "effects.page": lists(
        effects.page, {"state": "dead", "kind": None}, {"state": None, "kind": None}
    ),
    "links.page": lists(_links, {"phases": ()}, {"phases": ("open", "processing")},
                        {"phases": ("paid",)}),
    "notices.page": [
        _call(notices.page, filters=one, span=span, after=after)
        for one in ({}, {"gateway": "polar"}, {"payment": f"payments_{NAME}"},
                    {"state": "unreadable"}, {"state": "orphan"})
        for span in SPANS
        for after in (None, f"inbox_{NAME}")
    ],
    "orders.rows.numbered_page": lists(_numbered, {"status": "refunded"}, {"gateway": "polar"}, {}),
    "orders.rows.page": lists(_orders, *ORDER_FILTERS),
    "payments.page": lists(_payments, {"phase": "canceled"}, {"gateway": "polar"},
                           {"owner_id": "owner_9"}, {"reference": f"reference_{NAME}"},
                           {"amount_state": "over"}, {"review": None},
                           {"owner_id": "owner_9", "phase": "paid"}),
    "proof_chain._following": [proof_chain.waits],
    "witness.place": [witness.place],
    "pruning.drop": [partial(_prune, name=name) for name in pruning.WALKS],
    "pruning.drop_aged": [
        partial(pruning.drop_aged, name=name, before=FIRST_DAY) for name in pruning.AGED
    ],
    "pruning.stretch": [
        partial(pruning.stretch, name=name, after=None, values=PRUNED) for name in pruning.WALKS
    ],
    "questions._rows": [
        partial(_line, line=line) for line in ("sepay", questions.NOBODY)
    ],
    "reconciliation.page": lists(_differences, {}),
    "revenue.referrer_rows.page": lists(_referrers, {}),
    "refunds.page": lists(refunds.page, {"state": "manual"}, {"gateway": "polar"},
                          {"payment_id": f"payments_{NAME}"}),
    "revenue.sale_rows.rolled": [lambda tx: sale_rows.rolled(tx, None, None)],
    "revenue.sale_rows.summed": [lambda tx: sale_rows.summed(tx, sale_rows.Span(END - DAY, END))],
    "schedules.let_go": [schedules.let_go],
    "addresses.plain": [lambda tx: addresses.plain(tx, orders_table, 10)],
    "addresses.seal": [
        lambda tx: addresses.seal(tx, orders_table, [(f"orders_{NAME}", "x", b"x")])
    ],
    "sealed.other": [_others(one) for one in SEALED_COLUMNS],
    "sealed.replace": [_reseal],
    "sealed.samples": [lambda tx: list(sealed.samples(tx, SEALED_COLUMNS))],
    "wallets.topup_rows.page": lists(_topups, {}, {"phases": ("open", "processing")},
                         {"owner_id": "owner_9"},
                         {"owner_id": "owner_9", "phases": ("paid",)}),
    "gift_cards.rows.page": lists(_cards, {"state": "active"}, {"payment_id": f"payments_{NAME}"},
                             {"email_lookup": "email_lookup_9"}),
    "tasks.rows.page": lists(_tasks, {"state": "IN_PROGRESS"}, {"reference": "reference_9"}),
    "timers.pull_back": [lambda tx: timers.pull_back(tx, END)],
    "wallets.rows.entries": lists(_entries, {}),
    "webhook_endpoints.page": [
        lambda tx: webhook_endpoints.page(tx, span=(None, None), after=None, limit=50)
    ],
    "webhook_endpoints.remove": [lambda tx: webhook_endpoints.remove(tx, ENDPOINT)],
}  # fmt: skip

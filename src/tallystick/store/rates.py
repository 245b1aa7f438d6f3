"""Exchange rates as they were last heard, and the worth that was frozen with things."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tallystick.domain.errors import CurrencyUnknown
from tallystick.domain.exchange import Rate, Rates, RateSource, Valued, plain
from tallystick.store.schema.rates import exchange_rates, valuations

FRESH_FOR: Final = timedelta(hours=1)
_ALL = select(exchange_rates.c.currency, exchange_rates.c.per_dollar, exchange_rates.c.as_of)
_ONE = _ALL.where(exchange_rates.c.currency == bindparam("currency"))
_OLDER = delete(exchange_rates).where(exchange_rates.c.as_of < bindparam("as_of"))
_sqlite_heard, _pg_heard = sqlite_insert(exchange_rates), pg_insert(exchange_rates)
_HEARD = {
    "sqlite": _sqlite_heard.on_conflict_do_update(
        index_elements=["currency"],
        set_={name: _sqlite_heard.excluded[name] for name in ("per_dollar", "as_of")},
    ),
    "postgresql": _pg_heard.on_conflict_do_update(
        index_elements=["currency"],
        set_={name: _pg_heard.excluded[name] for name in ("per_dollar", "as_of")},
    ),
}
_FREEZE = insert(valuations)


def remember(tx: Connection, per_dollar: Mapping[str, Decimal], as_of: datetime) -> None:
    """Keep what the live source said, in place of what it said before."""
    rows = [
        {"currency": currency, "per_dollar": plain(rate), "as_of": as_of}
        # Always in the same order, so that two refreshers never wait for each other.
        for currency, rate in sorted(per_dollar.items())
    ]
    tx.execute(_HEARD[tx.dialect.name], rows)
    tx.execute(_OLDER, {"as_of": as_of})


def known(tx: Connection, floor: Mapping[str, Decimal], now: datetime) -> Rates:
    """The best that can be known without asking anybody: the cache, fresh or not, or the floor."""
    below = Rates(floor, RateSource.FALLBACK, now)
    rows = tx.execute(_ALL).all()
    if not rows:
        return below
    per_dollar = {row.currency: Decimal(row.per_dollar) for row in rows}
    as_of = min(row.as_of for row in rows)
    return Rates(per_dollar, _layer(as_of, now), as_of, below)


def rate_of(
    tx: Connection, currency: str, floor: Mapping[str, Decimal], now: datetime
) -> Rate | None:
    """The same for one currency, or None where nobody knows it."""
    row = tx.execute(_ONE, {"currency": currency}).first()
    cached = {} if row is None else {currency: Decimal(row.per_dollar)}
    as_of = now if row is None else row.as_of
    below = Rates(floor, RateSource.FALLBACK, now)
    try:
        return Rates(cached, _layer(as_of, now), as_of, below).of(currency)
    except CurrencyUnknown:
        return None


def freeze(tx: Connection, receipt_id: str, worth: Valued, now: datetime) -> None:
    """Write down what a receipt is worth, for good."""
    rate = worth.rate
    values = {
        "receipt_id": receipt_id, "amount": worth.amount.minor, "currency": worth.amount.currency,
        "usd_cents": worth.usd_cents, "rate": plain(rate.per_dollar), "rate_source": rate.source,
        "rate_as_of": rate.as_of, "frozen_at": now,
    }  # fmt: skip
    tx.execute(_FREEZE, values)


def _layer(as_of: datetime, now: datetime) -> RateSource:
    return RateSource.CACHED if now - as_of < FRESH_FOR else RateSource.EXPIRED

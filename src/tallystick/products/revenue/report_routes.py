"""Reports over HTTP, as JSON and CSV: revenue, and what is left for the maintainers."""

import re
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from tallystick.domain.errors import Invalid
from tallystick.domain.exchange import BASE
from tallystick.products.revenue import report as flow
from tallystick.products.revenue.answers import (
    MaintainerRevenueAnswer,
    RevenueAnswer,
    RevenueLineAnswer,
)
from tallystick.products.revenue.report import Border, Revenue, Wanted
from tallystick.products.revenue.sale_rows import Totals
from tallystick.web import tables
from tallystick.web.depends import HubDep, LimitedCaller
from tallystick.web.description import answers, query, text_answer
from tallystick.web.schema_parts import ref

router = APIRouter(tags=["reports"])
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_WORDS: Final = 100
_COLUMNS: Final = (
    "provider", "currency", "orderCount", "amount", "usdCents", "refundCount", "refundedAmount",
    "refundedUsdCents",
)  # fmt: skip
_REVENUE: Final = {
    "startDate": "A day, or an instant.", "endDate": "A day, which is included, or an instant.",
    "timeZone": "Where days begin; the merchant's where it is not given.",
}  # fmt: skip
_MAINTAINED: Final = {
    "start": "The first day; that of this month where it is not given.",
    "end": "The last day, which is included; that of this month where it is not given.",
    "timeZone": "Where days begin.",
}  # fmt: skip
_PRODUCTS: Final = {"productIds": "Only these products, with commas."}
REVENUE: Final = query(_REVENUE, {**_PRODUCTS, "provider": "Only these gateways, with commas."})
_MAINTAINERS: Final = query(_MAINTAINED, _PRODUCTS)


@router.get(
    "/api/admin/revenue", summary="What was sold, at the rates of the sales",
    openapi_extra=REVENUE, responses=answers(ref("Revenue")),
)  # fmt: skip
async def revenue(request: Request, hub: HubDep, who: LimitedCaller) -> Any:
    """All filters hold together. Refunds count on the day that they were made. CSV by Accept."""
    who.needs("reader")
    wanted = wanted_revenue(request)
    found = await flow.revenue(hub, wanted)
    if tables.wants_csv(request):
        return tables.csv_answer("revenue.csv", _COLUMNS, [_line(line) for line in found.lines])
    return _revenue(found, wanted.providers or tuple(sorted(hub.gateways)))


@router.get(
    "/api/admin/revenue.csv", summary="The same as CSV", response_class=Response,
    openapi_extra=REVENUE, responses=text_answer("text/csv"),
)  # fmt: skip
async def revenue_csv(request: Request, hub: HubDep, who: LimitedCaller) -> Any:
    """A line for each provider and currency; the same filters."""
    return await revenue(request, hub, who)


@router.get(
    "/api/admin/maintainer-revenue", summary="What is left for the maintainers",
    openapi_extra=_MAINTAINERS, responses=answers(ref("MaintainerRevenue")),
)  # fmt: skip
async def maintainers(request: Request, hub: HubDep, who: LimitedCaller) -> Any:
    """Revenue less refunds, fees, a share of the running costs, and tax on what is left."""
    who.needs("reader")
    wanted = Wanted(
        _border(request, "start"), _border(request, "end"), _zone(request),
        _words(request, "productIds"),
    )  # fmt: skip
    found, (first, last) = await flow.maintainers(hub, wanted)
    told: MaintainerRevenueAnswer = {
        "grossRevenue": found.gross,
        "platformFees": found.fees,
        "operatingCosts": found.costs,
        "taxDeduction": found.tax,
        "netPayout": found.net,
        "currency": BASE,
        "refunded": found.refunded,
        "start": first.isoformat(),
        "end": last.isoformat(),
    }
    if tables.wants_csv(request):
        return tables.csv_answer("maintainer-revenue.csv", tuple(told), [told])
    return told


@router.get(
    "/api/admin/maintainer-revenue.csv", summary="The same as CSV", response_class=Response,
    openapi_extra=_MAINTAINERS, responses=text_answer("text/csv"),
)  # fmt: skip
async def maintainers_csv(request: Request, hub: HubDep, who: LimitedCaller) -> Any:
    """One line; the same filters."""
    return await maintainers(request, hub, who)


def wanted_revenue(request: Request) -> Wanted:
    """What the query of a revenue report asks for; the page asks the same. Raises Invalid."""
    return Wanted(
        _border(request, "startDate"), _border(request, "endDate"), _zone(request),
        _words(request, "productIds"), _words(request, "provider"),
    )  # fmt: skip


def _revenue(found: Revenue, providers: tuple[str, ...]) -> RevenueAnswer:
    by_provider = Counter(dict.fromkeys(providers, 0))
    by_currency, sources = Counter[str](), Counter[str]()
    for line in found.lines:
        by_provider[line.provider] += line.usd_cents
        by_currency[line.currency] += line.amount
        sources.update(line.sources)
    return {
        "totalUsdCents": found.total,
        "byProvider": dict(by_provider),
        "byCurrency": dict(by_currency),
        "orderCount": found.orders,
        "averageOrderValueCents": found.average,
        "refundedUsdCents": found.refunded,
        "netUsdCents": found.total - found.refunded,
        "conversionSources": {source: count for source, count in sources.items() if count},
        "timeZone": found.zone,
        "lines": [_line(line) for line in found.lines],
    }


def _line(line: Totals) -> RevenueLineAnswer:
    return {
        "provider": line.provider,
        "currency": line.currency,
        "orderCount": line.orders,
        "amount": line.amount,
        "usdCents": line.usd_cents,
        "refundCount": line.refunds,
        "refundedAmount": line.refunded,
        "refundedUsdCents": line.refunded_usd_cents,
    }


def _border(request: Request, name: str) -> Border:
    """A day, an instant with its zone, or None. Raises Invalid."""
    text = request.query_params.get(name)
    if not text:
        return None
    words = "a day such as 2026-11-20, or a time such as 2026-11-20T09:00:00Z"
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            if not 1970 <= day.year <= 9000:
                raise ValueError
            return day
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or not 1970 <= at.year <= 9000:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{name} is {words}.", ((name, words),)) from None


def _zone(request: Request) -> str | None:
    return request.query_params.get("timeZone") or None


def _words(request: Request, name: str) -> tuple[str, ...]:
    """Words with commas between them, or the parameter several times. Raises Invalid."""
    given = ",".join(request.query_params.getlist(name)).split(",")
    found = tuple(dict.fromkeys(word.strip() for word in given if word.strip()))
    if len(found) > _MOST_WORDS or any(len(word) > 100 for word in found):
        words = f"at most {_MOST_WORDS} names of up to 100 characters"
        raise Invalid(f"{name} has {words}.", ((name, words),))
    return found

"""The revenue report as a page: the same query as the API and the CSV."""

from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from tallystick.domain.exchange import BASE
from tallystick.domain.money import Money
from tallystick.products.revenue import report
from tallystick.products.revenue.report_routes import REVENUE, wanted_revenue
from tallystick.web.dashboard import page_of
from tallystick.web.depends import HubDep, LimitedCaller

router = APIRouter(include_in_schema=False)
_TEMPLATES: Final = Path(__file__).parent / "templates"


@router.get("/dashboard/revenue", openapi_extra=REVENUE)
async def revenue(request: Request, hub: HubDep, who: LimitedCaller) -> HTMLResponse:
    """What was sold, at the rates of the sales, by gateway and currency."""
    who.needs("reader")
    found = await report.revenue(hub, wanted_revenue(request))
    asked = {name: value for name, value in request.query_params.items() if value}
    lines = [
        {
            "provider": line.provider, "currency": line.currency, "orders": line.orders,
            "sold": Money(line.amount, line.currency), "refunds": line.refunds,
            "returned": Money(line.refunded, line.currency), "usd": Money(line.usd_cents, BASE),
        }
        for line in found.lines
    ]  # fmt: skip
    return page_of(
        "dashboard_revenue.html", hub, who, own=_TEMPLATES, title="Revenue", lines=lines,
        zone=found.zone,
        asked=asked, csv="/api/admin/revenue.csv" + (f"?{urlencode(asked)}" if asked else ""),
        total=Money(found.total, BASE), returned=Money(found.refunded, BASE),
        average=Money(found.average, BASE), orders=found.orders, providers=sorted(hub.gateways),
    )  # fmt: skip

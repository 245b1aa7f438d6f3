"""A merchant's page at an address of its own follows a payment at the hub's."""

from __future__ import annotations

import pytest

from tests.clients.test_browser_faults import until
from tests.http.shop import Shop

PREFLIGHT = {
    "origin": "https://shop.example.com",
    "access-control-request-method": "GET",
    "access-control-request-headers": "authorization,if-none-match",
}


@pytest.mark.parametrize("streams", ["with streams", "without"])
def test_the_element_on_a_page_of_another_origin_tells_the_truth(quick, road, shop: Shop, streams):
    sale = shop.payment()
    if streams == "without":
        quick.route("**/stream", lambda route: route.abort())
    quick.goto(f"{road.url}/elsewhere")

    quick.evaluate(
        """([hub, id, token]) => {
          element.setAttribute("base-url", hub);
          element.setAttribute("payment", id);
          element.token = token;
        }""",
        [shop.server.url, sale.id, sale.token],
    )
    until(quick, "Waiting for your payment")
    sale.act("pay")
    until(quick, "Paid")


@pytest.mark.parametrize("end", ["status", "stream"])
def test_browsers_are_told_that_they_may_read_a_status(shop: Shop, end):
    path = f"/api/payments/{shop.payment().id}/{end}"

    asked = shop.send("OPTIONS", path, token=None, headers=PREFLIGHT)
    refused = shop.get(path, token=None, headers={"origin": "https://shop.example.com"})

    assert asked.status == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers
    assert refused.status == 401
    assert refused.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/api/payments", "/api/payments/pay_1/cancel", "/pay/status"])
def test_everything_else_stays_closed_to_other_origins(shop: Shop, path):
    asked = shop.send("OPTIONS", path, token=None, headers=PREFLIGHT)
    told = shop.get(path, headers={"origin": "https://shop.example.com"})

    assert asked.status == 204
    assert "access-control-allow-origin" not in {*asked.headers, *told.headers}

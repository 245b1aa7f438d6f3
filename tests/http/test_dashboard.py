"""The operator's pages: a door that opens once, roles, and what is shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.http.callers import key_of
from tests.http.shop import Sale, Shop

HTML = {"accept": "text/html"}


def path_of(url: str) -> str:
    """A link without its server."""
    return "/" + url.split("/", 3)[3]


def invited(shop: Shop, role: str) -> str:
    """Where a new link leads."""
    answer = shop.post("/api/dashboard-links", json={"role": role})
    assert answer.status == 201, answer.text
    return path_of(answer.data["url"])


def enter(shop: Shop, role: str = "admin") -> dict[str, str]:
    """The headers of a browser that came in."""
    answer = shop.get(invited(shop, role), token=None)
    assert answer.status == 303
    assert "HttpOnly" in answer.headers["set-cookie"]
    return {**HTML, "cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_link_opens_the_dashboard_once_however_many_use_it_at_once(shop):
    door = invited(shop, "operator")

    with ThreadPoolExecutor(8) as people:
        statuses = list(people.map(lambda _: shop.get(door, token=None).status, range(8)))

    assert sorted(statuses) == [303, *[401] * 7]


def test_without_a_session_the_dashboard_says_how_to_get_in(shop):
    answer = shop.get("/dashboard", token=None, headers=HTML)

    assert answer.status == 401
    assert "tallystick dashboard" in answer.text


def test_an_operator_sees_what_came_in_and_why(shop):
    sale = shop.chosen_link(amount=12_345)
    sale.act("overpay")
    sale.becomes("paid")
    me = enter(shop, "reader")

    home = shop.get("/dashboard?show=review", token=None, headers=me)
    page = shop.get(f"/dashboard/payments/{sale.id}", token=None, headers=me)

    assert (home.status, page.status) == (200, 200)
    assert sale.id in home.text
    assert "12,345" in page.text
    assert "Why it is paid" in page.text
    assert sale.token not in page.text


def test_a_payment_is_found_by_the_merchants_reference(shop):
    sale = shop.link()
    me = enter(shop)

    found = shop.get(f"/dashboard?q={sale.id}", token=None, headers=me)
    missed = shop.get("/dashboard?q=nothing-like-it", token=None, headers=me)

    assert sale.id in found.text
    assert "There is no payment with this id or reference" in missed.text


def test_a_reader_may_look_and_not_touch(shop):
    sale = shop.link()
    reader, operator = enter(shop, "reader"), enter(shop, "operator")
    cancel = f"/dashboard/payments/{sale.id}/cancel"

    refused = shop.post(cancel, token=None, raw="", headers=reader)
    done = shop.post(cancel, token=None, raw="", headers=operator)

    assert (refused.status, done.status) == (403, 303)
    assert sale.link_status()["currentStatus"] == "CANCELED"


def test_another_sites_page_cannot_use_the_session(shop):
    sale = shop.link()
    me = {**enter(shop, "operator"), "sec-fetch-site": "cross-site"}

    answer = shop.post(f"/api/payments/{sale.id}/cancel", token=None, raw="", headers=me)

    assert answer.status == 403
    assert sale.link_status()["currentStatus"] == "OPEN"


def test_who_signs_out_is_out_also_with_a_copied_cookie(shop):
    me = enter(shop)

    left = shop.post("/dashboard/leave", token=None, raw="", headers=me)

    assert left.status == 303
    assert shop.get("/dashboard", token=None, headers=me).status == 401


@pytest.mark.parametrize("role", ["operator", "reader"])
def test_only_an_admin_invites(shop, role):
    answer = shop.post("/api/dashboard-links", json={"role": role}, token=key_of(shop, role))

    assert answer.status == 403


def test_an_unknown_role_is_refused(shop):
    answer = shop.post("/api/dashboard-links", json={"role": "king"})

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")


def test_the_revenue_page_tells_what_the_report_tells(shop):
    me = enter(shop, "reader")
    wish = {"email": "mai@example.com", "productType": "pro", "gateway": "payos", "currency": "VND"}
    order = shop.post("/api/orders", json=wish).data
    sale = Sale(shop, order["paymentId"], "")
    sale.act("pay")
    sale.becomes("paid")

    page = shop.get("/dashboard/revenue?provider=payos", token=None, headers=me)
    other = shop.get("/dashboard/revenue?provider=polar", token=None, headers=me)
    report = shop.get("/api/admin/revenue?provider=payos").json

    assert report["orderCount"] >= 1
    assert f"<dd>{report['orderCount']}</dd>" in page.text
    assert "/api/admin/revenue.csv?provider=payos" in page.text
    assert "No order was paid in this time" in other.text


def test_a_date_that_is_none_is_explained_on_the_revenue_page(shop):
    answer = shop.get("/dashboard/revenue?startDate=soon", token=None, headers=enter(shop))

    assert answer.status == 400
    assert "a day such as" in answer.text

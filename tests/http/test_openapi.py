"""The API description: true of every answer, and complete enough to write a client from."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.http.shop import Shop

METHODS = {"get", "post", "put", "patch", "delete"}
EXAMPLES = 10
# What moves the clock by years, waits for ever, or is a page for people.
LEFT_OUT = re.compile(r"^/_sim/|/stream$|^/pay/|^/docs")
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def operations(shop: Shop) -> dict[str, dict[str, Any]]:
    """Every operation of the description, by method and path."""
    paths = shop.get("/openapi.json").json["paths"]
    return {
        f"{method.upper()} {path}": told
        for path, methods in paths.items()
        for method, told in methods.items()
        if method in METHODS
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("known", [False, True], ids=["made-up ids", "real ids"])
def test_no_described_operation_fails_or_answers_what_is_not_described(shop, known):
    schema = schemathesis.openapi.from_dict(shop.get("/openapi.json").json)
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    ids = real_ids(shop) if known else {}

    for operation in found:
        if not LEFT_OUT.search(operation.path) and ("{" in operation.path or not known):
            explore(shop, operation, ids)

    assert shop.metric('tallystick_requests_total{status="5xx"}') == 0


def real_ids(shop: Shop) -> dict[str, str]:
    """What the parameters in paths may stand for."""
    sale = shop.chosen_link()
    sale.act("underpay")
    sale.becomes("open", amountState="partial")
    return {"payment_id": sale.id, "link_id": sale.link_id, "name": "tidy", "gateway": "payos"}


def explore(shop: Shop, operation: Any, ids: dict[str, str]) -> None:
    """Call one operation with a handful of generated requests."""
    secret = shop.server.cron_secret if operation.path.startswith("/api/jobs") else None
    headers = {"authorization": f"Bearer {secret or shop.server.secret_key}"}

    @BOUNDED
    @given(case=operation.as_strategy())
    def call(case: Case) -> None:
        known = {name: ids[name] for name in case.path_parameters if name in ids}
        case.path_parameters = {**case.path_parameters, **known}
        case.call_and_validate(
            base_url=shop.server.url,
            headers=headers,
            timeout=30,
            checks=[
                not_a_server_error,
                content_type_conformance,
                response_schema_conformance,
                status_code_conformance,
            ],
        )

    call()


@pytest.mark.sqlite_only
def test_every_operation_says_what_it_is_for(shop):
    silent = [name for name, told in operations(shop).items()
              if not (told.get("summary") and told.get("tags"))]  # fmt: skip

    assert silent == []


@pytest.mark.sqlite_only
def test_every_operation_has_a_name_of_its_own(shop):
    names = [told["operationId"] for told in operations(shop).values()]

    assert len(names) == len(set(names))


@pytest.mark.sqlite_only
def test_every_operation_says_how_it_refuses(shop):
    problem = "application/problem+json"
    silent = [
        name for name, told in operations(shop).items()
        if problem not in told["responses"].get("4XX", {}).get("content", {})
    ]  # fmt: skip

    assert silent == []


@pytest.mark.sqlite_only
def test_problems_are_described_member_by_member(shop):
    document = shop.get("/openapi.json").json
    answer = document["paths"]["/api/payments"]["post"]["responses"]["4XX"]

    schema = resolved(document, answer["content"]["application/problem+json"]["schema"])

    assert set(schema["required"]) >= {
        "type", "title", "status", "detail", "code", "requestId", "error"
    }  # fmt: skip
    assert "errors" in schema["properties"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("path", "names"), [
    ("/api/payments", {"limit", "cursor", "createdAfter", "createdBefore", "phase", "amountState",
                       "gateway", "ownerId", "reference"}),
    ("/api/payment-links", {"limit", "cursor", "createdAfter", "createdBefore", "currentStatus"}),
    ("/api/unmatched", {"limit", "cursor", "createdAfter", "createdBefore", "state"}),
])  # fmt: skip
def test_lists_name_their_filters(shop, path, names):
    parameters = operations(shop)[f"GET {path}"]["parameters"]

    assert {one["name"] for one in parameters if one["in"] == "query"} == names
    assert all(one["schema"] for one in parameters)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", ["/api/payments", "/api/payment-links"])
def test_creating_says_that_it_takes_an_idempotency_key(shop, path):
    parameters = operations(shop)[f"POST {path}"]["parameters"]

    assert "Idempotency-Key" in {one["name"] for one in parameters if one["in"] == "header"}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("operation", [
    "POST /api/webhooks/{gateway}", "POST /api/payos/webhook",
    "POST /api/v1/payments/{gateway}/callback", "GET /api/payments/{payment_id}/stream",
    "GET /api/payment-links/{link_id}/stream",
])  # fmt: skip
def test_the_hot_routes_are_described_too(shop, operation):
    assert operation in operations(shop)


@pytest.mark.sqlite_only
def test_the_description_names_the_proofs_that_are_taken(shop):
    schemes = shop.get("/openapi.json").json["components"]["securitySchemes"]

    assert {scheme["type"] for scheme in schemes.values()} <= {"http", "apiKey"}
    assert any(scheme.get("scheme") == "bearer" for scheme in schemes.values())
    assert any(scheme.get("name") == "x-cron-secret" for scheme in schemes.values())


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("path", "schema"), [
    ("/api/payments", "Payment"), ("/api/payment-links", "PaymentLink"),
])  # fmt: skip
def test_what_is_described_is_what_is_answered(shop, path, schema):
    shop.chosen_link()
    described = shop.get("/openapi.json").json["components"]["schemas"][schema]["properties"]

    answered = shop.get(path).data[0]

    assert answered.keys() == described.keys()


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed."""
    if "$ref" in schema:
        return dict(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    return schema

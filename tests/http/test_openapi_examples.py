"""The API description as programs read it: whole, with an example everywhere, and our events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

import tallystick
from tallystick.products import WEB_PARTS
from tallystick.web.event_schemas import EVENTS
from tallystick.web.example_bodies import BODIES
from tests.http.shop import Shop

# Nothing here depends on the database.
pytestmark = pytest.mark.sqlite_only
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.get("/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation and every event, by what it is."""
    named = {f"{method.upper()} {path}": told for path, methods in document["paths"].items()
             for method, told in methods.items() if method in METHODS}  # fmt: skip
    return named | {kind: item["post"] for kind, item in document["webhooks"].items()}


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each form of its body and of its answers that went well."""
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from answer.get("content", {}).items()


def test_every_reference_leads_somewhere(document):
    text = json.dumps(document)
    names = set(re.findall(r'"\$ref": "([^"]+)"', text))

    lost = {name for name in names if not name.startswith("#/components/schemas/")}
    lost |= {name for name in names - lost
             if name.rpartition("/")[2] not in document["components"]["schemas"]}  # fmt: skip

    assert lost == set()
    assert "$defs" not in text


def test_every_answer_in_json_has_a_shape(document):
    shapeless = [
        name for name, told in operations(document).items()
        for kind, content in contents(told)
        if kind == "application/json" and "webhook" not in name and "callback" not in name
        and not ({"$ref", "properties", "items"} & content["schema"].keys())
    ]  # fmt: skip

    assert shapeless == []


def test_every_operation_has_an_example_that_fits(document):
    bare = []
    for name, told in operations(document).items():
        forms = [content for _, content in contents(told)]
        places = [one for one in told.get("parameters", ()) if "example" in one]
        if not (places or any("example" in one for one in forms)):
            bare.append(name)
        for kind, content in contents(told):
            assert "example" in content, (name, kind)
            schema = {**content.get("schema", {}), "components": document["components"]}
            wrong = [one.message for one in Draft202012Validator(schema).iter_errors(
                content["example"])]  # fmt: skip
            assert wrong == [], (name, wrong, content["example"])

    assert bare == []


def test_every_body_is_shown_as_it_can_be_sent(shop, document):
    shown = {}
    for name, told in operations(document).items():
        content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
        method, _, path = name.partition(" ")
        if path and not path.startswith("/_sim/clock") and content:
            places = {one["name"]: one["example"] for one in told.get("parameters", ())
                      if one["in"] == "path"}  # fmt: skip
            shown[name] = shop.send(method, path.format(**places), json=content["example"])
            title = content["schema"]["$ref"].rpartition("/")[2]
            assert title in BODIES, f"{name}: write an example body of {title}"

    refused = {name: answer.text for name, answer in shown.items()
               if answer.status in {400, 413, 415, 422} or answer.status >= 500}  # fmt: skip
    assert refused == {}
    assert len(shown) > 30


def test_every_event_that_is_told_is_described_as_a_webhook(document):
    source = "".join(path.read_text() for path in Path(tallystick.__file__).parent.rglob("*.py")
                     if "simulators" not in path.parts)  # fmt: skip
    told = set(re.findall(r'"((?:refund|giftcard|order|topup|task|commission)\.[a-z_]+)"', source))

    known = {**EVENTS, **WEB_PARTS.events}
    assert told <= known.keys()
    assert document["webhooks"].keys() == known.keys()


def test_events_are_what_their_description_says(shop, document):
    sale = shop.chosen_link()
    sale.act("pay")
    sale.becomes("paid")
    shop.post(f"/api/payments/{sale.id}/refunds", json={"amount": 1000})
    shop.post("/api/gift-cards", json={"email": "an@shop.example", "amount": 100_000}, token=None)

    found = shop.get("/api/events?limit=200").data

    for event in found:
        operation = document["webhooks"][event["type"]]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        sent = {"type": event["type"], "timestamp": event["timestamp"], "data": event["data"]}
        whole = {**schema, "components": document["components"]}
        wrong = [one.message for one in Draft202012Validator(whole).iter_errors(sent)]
        assert wrong == [], event
    assert {"payment.paid", "payment.opened"} <= {event["type"] for event in found}

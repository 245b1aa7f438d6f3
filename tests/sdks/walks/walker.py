"""What every walk can use: where the simulators are, the payer's acts, and what was heard."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any
from urllib.request import Request, urlopen

GIVEN: dict[str, Any] = json.loads(os.environ["WALK"])
URL: str = GIVEN["url"]
KEYS: dict[str, Any] = GIVEN["keys"]


def act(gateway: str, reference: str, name: str, **more: Any) -> dict[str, Any]:
    """The payer, or the gateway, does something; its notices are sent before this returns."""
    return _post("/act", {"gateway": gateway, "reference": reference, "act": name, **more})


def deliver() -> None:
    """Let the notices go out that an answer of the API has caused."""
    _post("/deliver", {})


def heard(gateway: str, about: str) -> list[dict[str, Any]]:
    """Every notice of a gateway that has this text in it: its headers, its body, its query."""
    told: list[dict[str, Any]] = _post("/heard", {"gateway": gateway, "about": about})
    return told


def refused(call: Any, *kinds: type[Exception]) -> str:
    """What the SDK says of a call that must fail, in one of these ways."""
    try:
        call()
    except kinds as error:
        return str(error)
    raise AssertionError("the call was answered, and should have been refused")


def tell(value: Any) -> None:
    """Hand a walk's result to the test."""
    sys.stdout.write(json.dumps(value) + "\n")


def unheard(call: Any) -> None:
    """Make a call to an address that only records what it is asked."""
    with suppress(Exception):
        call()


def _post(path: str, wish: dict[str, Any]) -> Any:
    request = Request(URL + path, json.dumps(wish).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)

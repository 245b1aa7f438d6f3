"""Clients that others' generators make from the API description, in TypeScript and in Python."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.http.shop import Shop
from tests.infra import programs

# Nothing here depends on the database.
pytestmark = pytest.mark.sqlite_only

SHOP_IN_TYPESCRIPT = """
import type { components, paths, webhooks } from "./schema";

type List = paths["/api/payments"]["get"]["responses"]["200"]["content"]["application/json"];
type Filters = NonNullable<paths["/api/payments"]["get"]["parameters"]["query"]>;
type Wish = paths["/api/payments"]["post"]["requestBody"]["content"]["application/json"];
type GivenBack =
  paths["/api/payments/{payment_id}/refunds"]["post"]["requestBody"]["content"]["application/json"];
type Paid = webhooks["payment.paid"]["post"]["requestBody"]["content"]["application/json"];

const wish: Wish = { amount: 50000, currency: "VND", gateway: "payos" };
const filters: Filters = { phase: "paid", limit: 10 };
const refund: GivenBack = { amount: 1000, account: { bankBin: "970418", accountNumber: "88451" } };
// @ts-expect-error a gateway is needed
const wrong: Wish = { amount: 50000, currency: "VND" };
// @ts-expect-error there is no such phase
const unknown: Filters = { phase: "shipped" };

export function total(list: List): number {
  return list.data.reduce((sum, payment) => sum + payment.received, 0);
}
export function heard(event: Paid): components["schemas"]["Payment"] {
  const kind: "payment.paid" = event.type;
  void [kind, wish, filters, refund, wrong, unknown];
  return event.data;
}
"""
SHOP_IN_PYTHON = """
import sys

from hub_client import AuthenticatedClient
from hub_client.api.payments import payments_list, payments_show
from hub_client.models import CreatePayment, Problem

url, key, payment_id = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=key) as client:
    listed = payments_list.sync(client=client, limit=5)
    one = payments_show.sync(payment_id, client=client)
    refused = payments_show.sync("pay_nobody", client=client)
assert isinstance(refused, Problem) or refused is None, refused
wish = CreatePayment.from_dict({"amount": 1, "currency": "VND", "gateway": "payos"})
assert wish.to_dict()["amount"] == 1
print(one.data.amount, one.data.currency, one.data.phase, len(listed.data))
"""


@pytest.fixture
def described(shop: Shop, tmp_path: Path) -> Path:
    """The API description as a file."""
    file = tmp_path / "openapi.json"
    file.write_text(shop.get("/openapi.json").text)
    return file


def run(*command: Any, folder: Path) -> str:
    """What a program says; it must end well."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_openapi_typescript_makes_types_that_a_strict_program_is_checked_by(described):
    node, packages, folder = programs.node(), programs.typescript(), described.parent
    (folder / "shop.ts").write_text(SHOP_IN_TYPESCRIPT)
    made = packages / "openapi-typescript/bin/cli.js"

    run(node, made, described, "-o", "schema.d.ts", folder=folder)
    run(node, packages / "typescript/bin/tsc", "--strict", "--noEmit", "--target", "es2022",
        "--module", "esnext", "--moduleResolution", "bundler", "shop.ts",
        folder=folder)  # fmt: skip


def test_openapi_python_client_makes_a_client_that_reads_our_answers(shop, described):
    folder, generator = described.parent, programs.python_client()
    (folder / "settings.yml").write_text("post_hooks: []\n")
    sale = shop.payment()

    run(generator / "openapi-python-client", "generate", "--path", described, "--meta", "none",
        "--config", "settings.yml", "--output-path", "hub_client", "--fail-on-warning",
        folder=folder)  # fmt: skip
    (folder / "shop.py").write_text(SHOP_IN_PYTHON)
    said = run(generator / "python", "shop.py", shop.server.url, shop.server.secret_key, sale.id,
               folder=folder)  # fmt: skip

    assert said.split()[:3] == ["50000", "VND", "open"]

"""`tallystick tax-id`: opened beside the server with its secret, and with no other."""

from __future__ import annotations

import json

from tests.cli.conftest import environment_of, refused

WISH = {"email": "mai@example.vn", "productType": "pro", "gateway": "sepay"}


def test_a_tax_id_is_read_with_the_servers_secret_and_with_no_other(tallystick, server):
    order = server.post("/api/orders", json={**WISH, "taxId": "0312345678"}).data["id"]
    without = server.post("/api/orders", json=WISH).data["id"]
    here = environment_of(server.database)
    (ring,) = server.folder.parent.rglob("*.dev-keys")
    secret = {"TALLYSTICK_SECRET_KEY": json.loads(ring.read_text())["secret_key"]}

    assert tallystick("tax-id", order, **here, **secret).stdout == "0312345678\n"
    assert "no order" in refused(tallystick("tax-id", without, **here, **secret))
    other = {"TALLYSTICK_SECRET_KEY": "0" * 64}
    assert "secret key changed" in refused(tallystick("tax-id", order, **here, **other))
    assert "TALLYSTICK_SECRET_KEY" in refused(tallystick("tax-id", order, **here))

"""`tallystick forget`: says what was erased, and refuses what it cannot erase in words."""

from __future__ import annotations

from tests.cli.conftest import environment_of, refused

WISH = {"amount": 5000, "currency": "VND", "gateway": "sandbox"}


def test_forget_prints_what_went_and_the_bytes_are_gone(tallystick, server):
    key = {"token": server.secret_key}
    made = server.post("/api/payments", json=WISH, **key).data["id"]
    server.post("/_sim/act", json={"paymentId": made, "act": "pay"}, **key)
    server.post("/_sim/clock", json={"advance": 10}, **key)

    done = tallystick(
        "forget", made, "--reason", "asked by letter", **environment_of(server.database)
    )

    [notice] = server.get(f"/api/notices?payment={made}", **key).json["data"]
    assert done.returncode == 0, done.stderr
    assert "raw bytes" in done.stdout
    assert "1  payments" in done.stdout
    assert server.get(f"/api/notices/{notice['id']}", **key).data["rawKept"] is False


def test_forget_refuses_what_is_unknown_or_unfinished(tallystick, server):
    made = server.post("/api/payments", json=WISH, token=server.secret_key).data["id"]
    here = environment_of(server.database)

    assert "still be paid" in refused(tallystick("forget", made, **here))
    assert "no payment" in refused(tallystick("forget", "pay_9", **here))
    assert "Nothing was bought" in refused(tallystick("forget", "nobody@example.com", **here))

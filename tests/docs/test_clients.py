"""The Python examples of docs/clients.md run as they stand, against a running hub."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.infra import shared
from tests.test_tidy import ROOT

PAGE = (ROOT / "docs" / "clients.md").read_text()
EXAMPLES = re.findall(r"^```python test\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PATIENCE_S = 110
# What the page tells in words: a key, and somebody who pays.
BEFORE = """
import json, urllib.request
KEY = {key!r}
def PAY(reference):
    body = json.dumps({{"reference": reference, "act": "pay"}}).encode()
    headers = {{"Authorization": "Bearer " + KEY, "Content-Type": "application/json"}}
    urllib.request.urlopen(urllib.request.Request({url!r} + "/_sim/act", body, headers)).read()
"""


def test_the_examples_do_what_the_page_says(live_server, tmp_path):
    server = live_server()
    said = []
    for example in EXAMPLES:
        words = BEFORE.format(key=server.secret_key, url=server.url)
        words += example.replace("http://127.0.0.1:8787", server.url)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", words], cwd=tmp_path, timeout=PATIENCE_S,
            env=shared.plain_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)

    blocking, awaiting = said
    assert "PAID 50000 Paid." in blocking
    assert "arrived" in blocking
    assert re.search(r"^pay_\w{26} 50000 VND$", awaiting, re.MULTILINE)


def test_the_table_names_every_method():
    from tallystick.client import Tallystick
    from tallystick.client.endpoints import Resource

    hub = Tallystick("http://127.0.0.1:1")
    for name, group in vars(hub).items():
        if isinstance(group, Resource):
            methods = [one for one in vars(type(group)) if not one.startswith("_")]
            assert f"hub.{name}`" in PAGE, name
            for method in methods:
                assert re.search(rf"[` ]{method}[` ]", PAGE), f"hub.{name}.{method}"
    hub.close()

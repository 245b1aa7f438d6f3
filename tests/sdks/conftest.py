"""The server that all walks share, and how a walk is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.infra import sdks
from tests.infra.programs import ROOT, node
from tests.sdks.stand import ONEPAY_VPC, PAYOS, POLAR, SEPAY, SEPAY_PG, Stand, standing

WALKS = Path(__file__).parent / "walks"
KEYS = {
    "payos": asdict(PAYOS), "polar": asdict(POLAR), "sepay": asdict(SEPAY),
    "sepay_pg": asdict(SEPAY_PG), "onepay_vpc": asdict(ONEPAY_VPC),
}  # fmt: skip
Walk = Callable[..., Any]


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The simulators, for every walk of this session."""
    with standing(tmp_path_factory.mktemp("stand")) as here:
        yield here


@pytest.fixture
def walk(stand: Stand) -> Walk:
    """Take a walk with an SDK in a process of its own; the answer is what it prints at its end.

    The process sees the SDK's folder, this checkout and the standard library, so that no package
    of ours is taken for one that the SDK would not bring along.
    """

    def take(name: str, sdk: str, **given: Any) -> Any:
        folder = sdks.sdk(sdk)
        told = {"url": stand.url, "keys": KEYS, **given}
        environment = {"PATH": os.environ["PATH"], "WALK": json.dumps(told), "NO_PROXY": "*"}
        if sdk == sdks.NODE:
            command = [str(node()), str(WALKS / f"{name}.cjs")]
            environment["NODE_PATH"] = str(folder / "node_modules")
        else:
            command = [sys.executable, "-S", "-s", "-m", f"tests.sdks.walks.{name}"]
            environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{name} with {sdk}:\n{done.stderr[-6000:]}"
        return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else None

    return take

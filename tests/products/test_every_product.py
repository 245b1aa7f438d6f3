"""Every product passes the conformance suite."""

from __future__ import annotations

import ast
from pathlib import Path

from tallystick.products import PRODUCTS

HERE = Path(__file__).parent


def test_every_product_passes_the_conformance_suite():
    wanted = {
        one.name: "PartsConformance" if one.fulfilment is None else "ProductConformance"
        for one in PRODUCTS
    }

    assert {name: base_of(HERE / f"test_{name}.py") for name in wanted} == wanted


def base_of(path: Path) -> str:
    """What the one class of a module is derived from."""
    [found] = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    return ast.unparse(found.bases[0])

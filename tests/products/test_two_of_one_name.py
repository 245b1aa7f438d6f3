"""Two products that claim one name are told at the start, and neither wins silently."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.products import PRODUCTS, extensions_of, fulfilments_of, web_parts_of
from tallystick.products.tasks.product import PRODUCT as TASKS
from tallystick.settings import Settings
from tests.store.house import SECRET


def test_two_products_with_one_purpose_stop_the_start():
    with pytest.raises(ValueError, match="purposes called task"):
        fulfilments_of([*PRODUCTS, TASKS], SECRET, Settings(_env_file=None))


def test_two_products_with_one_effect_stop_the_start():
    with pytest.raises(ValueError, match="effects called"):
        extensions_of([*PRODUCTS, replace(TASKS, look_ups={}, jobs={}, emails={})])


def test_two_products_with_one_event_stop_the_start():
    with pytest.raises(ValueError, match=r"events called task\."):
        web_parts_of([*PRODUCTS, TASKS])

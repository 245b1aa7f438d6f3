"""Revenue sells nothing by itself: what it adds to the server has its place all the same."""

from __future__ import annotations

from tallystick.products.revenue.product import PRODUCT
from tests.products.conformance import PartsConformance


class TestRevenue(PartsConformance):
    """What is sold is what orders sell; its own stories are in tests/flows and tests/http."""

    product = PRODUCT
    package = "tallystick.products.revenue"

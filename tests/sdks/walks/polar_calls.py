"""What Polar's Python SDK 1.x sends for each call that our adapter makes too."""

from polar.v2026_04 import Polar

from tests.sdks.walks.walker import GIVEN, KEYS, unheard

client = Polar(KEYS["polar"]["access_token"], base_url=GIVEN["address"])
page = {"page": 1, "limit": 100}

for service, name, given in GIVEN["calls"]:
    wish = {**page, "sorting": None, **given} if name == "list" else given
    unheard(lambda: getattr(getattr(client, service), name)(**wish))  # noqa: B023 - called at once

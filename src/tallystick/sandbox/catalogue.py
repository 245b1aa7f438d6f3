"""Every gateway as `tallystick dev` simulates it.

A new gateway is one entry more in `SIMULATED`.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tallystick.gateways.base import Gateway, Wire
from tallystick.gateways.govpay import GovPay, GovPayAccount
from tallystick.gateways.onepay import OnePay, OnePayAccount
from tallystick.gateways.onepay_vpc import OnePayVPC, OnePayVPCAccount
from tallystick.gateways.payos import PayOS, PayOSAccount
from tallystick.gateways.polar import Polar, PolarAccount
from tallystick.gateways.sepay import SePay, SePayAccount
from tallystick.gateways.sepay_pg import SePayPG, SePayPGAccount
from tallystick.sandbox.adapter import Sandbox, SandboxAccount
from tallystick.sandbox.simulators import (
    govpay,
    onepay,
    onepay_vpc,
    payos,
    polar,
    sandbox,
    sepay,
    sepay_pg,
)
from tallystick.sandbox.simulators.context import SimulatorFactory
from tallystick.settings import Settings

Keys: TypeAlias = Mapping[str, str]
_hex: Final = secrets.token_hex


@dataclass(frozen=True, slots=True)
class SimulatedGateway:
    """A gateway with both of its sides.

    `draw` makes the secrets that they share. `simulator` is the gateway's side. `adapter` is ours,
    the same as in production, which cannot tell the difference: it is given the hub's address.
    """

    name: str
    draw: Callable[[], dict[str, str]]
    simulator: Callable[[Keys], SimulatorFactory]
    adapter: Callable[[Keys, str, Wire], Gateway]
    chosen: Callable[[Settings], Keys] = lambda _: {}
    """Keys that a person may set for the adapter also where the gateway is simulated."""


def _sepay_keys(keys: Keys) -> sepay.SePayKeys:
    return sepay.SePayKeys(keys["api_token"], keys["webhook_secret"])


def _sepay_account(keys: sepay.SePayKeys, hub: str) -> SePayAccount:
    return SePayAccount(
        keys.account_number,
        keys.bank_bin,
        "TALLYSTICK DEMO",
        (keys.webhook_secret,),
        api_token=keys.api_token,
        base_url=f"{hub}/_sim/sepay/v2",
        page_url=f"{hub}/_sim/sepay/bank",
    )


def _chosen_for_govpay(settings: Settings) -> Keys:
    """The key that callers put questions with."""
    key = settings.govpay_inquiry_key
    return {} if key is None else {"inquiry_key": key.get_secret_value()}


_PAYOS: Final = SimulatedGateway(
    "payos",
    draw=lambda: {"client_id": _hex(16), "api_key": _hex(16), "checksum_key": _hex(32)},
    simulator=lambda keys: payos.payos(payos.PayOSKeys(**keys)),
    adapter=lambda keys, hub, wire: PayOS(
        PayOSAccount(
            keys["client_id"], keys["api_key"], (keys["checksum_key"],),
            f"{hub}/_sim/payos", f"{hub}/_sim/payos",
        ),
        wire,
    ),
)  # fmt: skip
_SANDBOX: Final = SimulatedGateway(
    "sandbox",
    draw=lambda: {"api_key": f"sbx_{_hex(16)}", "webhook_secret": _hex(32)},
    simulator=lambda keys: sandbox.sandbox(sandbox.SandboxKeys(**keys)),
    adapter=lambda keys, hub, wire: Sandbox(
        SandboxAccount(keys["api_key"], (keys["webhook_secret"],), f"{hub}/_sim/sandbox"), wire
    ),
)
_SEPAY: Final = SimulatedGateway(
    "sepay",
    draw=lambda: {"api_token": _hex(24), "webhook_secret": _hex(24)},
    simulator=lambda keys: sepay.sepay(_sepay_keys(keys)),
    adapter=lambda keys, hub, wire: SePay(_sepay_account(_sepay_keys(keys), hub), wire),
)
_SEPAY_PG: Final = SimulatedGateway(
    "sepay_pg",
    draw=lambda: {"merchant_id": "SP-TALLYSTICK", "secret_key": f"spsk_{_hex(20)}"},
    simulator=lambda keys: sepay_pg.sepay_pg(
        sepay_pg.SePayPGKeys(keys["merchant_id"], keys["secret_key"])
    ),
    adapter=lambda keys, hub, wire: SePayPG(
        SePayPGAccount(
            keys["merchant_id"], (keys["secret_key"],), f"{hub}/_sim/sepay_pg/v1",
            f"{hub}/_sim/sepay_pg/v1/checkout/init",
        ),
        wire,
    ),
)  # fmt: skip
_ONEPAY: Final = SimulatedGateway(
    "onepay",
    draw=lambda: {"client_id": _hex(12), "api_key": _hex(24)},
    simulator=lambda keys: onepay.onepay(onepay.OnePayKeys(**keys)),
    adapter=lambda keys, hub, wire: OnePay(
        OnePayAccount(keys["client_id"], keys["api_key"], f"{hub}/_sim/onepay"), wire
    ),
)
_ONEPAY_VPC: Final = SimulatedGateway(
    "onepay_vpc",
    draw=lambda: {
        "merchant": "TALLYSTICK", "access_code": _hex(4).upper(),
        "hash_key": _hex(16).upper(), "user": "op01", "password": _hex(8),
    },
    simulator=lambda keys: onepay_vpc.onepay_vpc(
        onepay_vpc.OnePayVPCKeys(
            keys["merchant"], keys["access_code"], keys["hash_key"], keys["user"],
            keys["password"],
        )
    ),
    adapter=lambda keys, hub, wire: OnePayVPC(
        OnePayVPCAccount(
            keys["merchant"], keys["access_code"], (keys["hash_key"],), keys["user"],
            keys["password"], f"{hub}/api/webhooks/onepay_vpc", f"{hub}/_sim/onepay_vpc",
        ),
        wire,
    ),
)  # fmt: skip
_POLAR: Final = SimulatedGateway(
    "polar",
    draw=lambda: {
        "access_token": f"polar_oat_{_hex(20)}", "webhook_secret": f"whsec_{_hex(20)}",
        "product_id": "6a1b0a3e-0000-4000-8000-000000000001",
    },
    simulator=lambda keys: polar.polar(polar.PolarKeys(**keys)),
    adapter=lambda keys, hub, wire: Polar(
        PolarAccount(
            keys["access_token"], (keys["webhook_secret"],), keys["product_id"],
            f"{hub}/_sim/polar/v1",
        ),
        wire,
    ),
)  # fmt: skip
_GOVPAY: Final = SimulatedGateway(
    "govpay",
    draw=lambda: {
        "client_id": "GOVPAY", "client_secret": _hex(24), "transaction_key": _hex(16),
        "subinst_id": "001", "service_id": "002",
    },
    simulator=lambda keys: govpay.govpay(govpay.GovPayKeys(**keys)),
    adapter=lambda keys, _, __: GovPay(
        GovPayAccount(
            keys["client_id"], keys["client_secret"], (keys["transaction_key"],),
            keys["subinst_id"], keys["service_id"],
            keys.get("inquiry_key") or keys["client_secret"],
        )
    ),
    chosen=_chosen_for_govpay,
)  # fmt: skip

SIMULATED: Final = (
    _PAYOS,
    _SANDBOX,
    _SEPAY,
    _SEPAY_PG,
    _ONEPAY,
    _ONEPAY_VPC,
    _POLAR,
    _GOVPAY,
)

"""Every gateway that there is: how it is made for real, and how it is made to be played.

A new gateway is one function and one line at the end of this file.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

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

Keys = Mapping[str, str]
_DRAWN: Final = secrets.token_hex


@dataclass(frozen=True, slots=True)
class SimulatedGateway:
    """A gateway as `tallystick dev` plays it.

    `draw` makes the secrets that the two sides share, `part` the simulator, and `adapter` the same
    adapter as in production, which cannot tell the difference: it is given the hub's address.
    """

    draw: Callable[[], dict[str, str]]
    part: Callable[[Keys], SimulatorFactory]
    adapter: Callable[[Keys, str, Wire], Gateway]
    said: Callable[[Settings], Keys] = lambda _: {}
    """Keys of ours, which a person may choose also where the gateway is played."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One gateway. `real` is None for one that exists as a simulator only."""

    name: str
    played: SimulatedGateway
    real: Callable[[Settings, Wire], Gateway] | None = None


def real_gateway(entry: Entry, settings: Settings, wire: Wire) -> Gateway:
    """One whose settings are complete. Raises NotConfigured where they make no sense."""
    assert entry.real is not None  # noqa: S101 - complete settings are those of a real gateway
    return entry.real(settings, wire)


def real_gateways(settings: Settings, wire: Wire) -> list[Gateway]:
    """The gateways whose settings are complete."""
    return [
        real_gateway(entry, settings, wire)
        for entry in GATEWAYS
        if entry.real is not None and settings.is_complete(entry.name)
    ]


def former_gateways(settings: Settings, wire: Wire) -> list[Gateway]:
    """The same for the accounts of before that are not those of now. Raises ValueError."""
    now = {(one.name, one.account) for one in real_gateways(settings, wire)}
    made = {entry.name: entry.real for entry in GATEWAYS if entry.real is not None}
    complete = [(name, before) for name, before in settings.before() if before.is_complete(name)]
    former = [made[name](before, wire) for name, before in complete]
    return [one for one in former if (one.name, one.account) not in now]


def _said(secret: SecretStr | str | None) -> str:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else secret or ""


def _several(secret: SecretStr | None) -> tuple[str, ...]:
    """A secret, or several with commas while one is being replaced."""
    return tuple(part.strip() for part in _said(secret).split(",") if part.strip())


def _payos(settings: Settings, wire: Wire) -> Gateway:
    account = PayOSAccount(
        _said(settings.payos_client_id),
        _said(settings.payos_api_key),
        _several(settings.payos_checksum_key),
        settings.payos_base_url,
    )
    return PayOS(account, wire)


_PAYOS: Final = SimulatedGateway(
    draw=lambda: {"client_id": _DRAWN(16), "api_key": _DRAWN(16), "checksum_key": _DRAWN(32)},
    part=lambda keys: payos.payos(payos.PayOSKeys(**keys)),
    adapter=lambda keys, hub, wire: PayOS(
        PayOSAccount(
            keys["client_id"], keys["api_key"], (keys["checksum_key"],),
            f"{hub}/_sim/payos", f"{hub}/_sim/payos",
        ),
        wire,
    ),
)  # fmt: skip
_SANDBOX: Final = SimulatedGateway(
    draw=lambda: {"api_key": f"sbx_{_DRAWN(16)}", "webhook_secret": _DRAWN(32)},
    part=lambda keys: sandbox.sandbox(sandbox.SandboxKeys(**keys)),
    adapter=lambda keys, hub, wire: Sandbox(
        SandboxAccount(keys["api_key"], (keys["webhook_secret"],), f"{hub}/_sim/sandbox"), wire
    ),
)


def _sepay(settings: Settings, wire: Wire) -> Gateway:
    account = SePayAccount(
        _said(settings.sepay_account_number),
        _said(settings.sepay_bank_bin),
        _said(settings.sepay_account_name),
        _several(settings.sepay_webhook_secret),
        _several(settings.sepay_webhook_api_key),
        _said(settings.sepay_api_token),
        settings.sepay_base_url,
    )
    return SePay(account, wire)


_SEPAY: Final = SimulatedGateway(
    draw=lambda: {"api_token": _DRAWN(24), "webhook_secret": _DRAWN(24)},
    part=lambda keys: sepay.sepay(_sepay_keys(keys)),
    adapter=lambda keys, hub, wire: SePay(_played_sepay(_sepay_keys(keys), hub), wire),
)


def _sepay_keys(keys: Keys) -> sepay.SePayKeys:
    return sepay.SePayKeys(keys["api_token"], keys["webhook_secret"])


def _played_sepay(keys: sepay.SePayKeys, hub: str) -> SePayAccount:
    return SePayAccount(
        keys.account_number,
        keys.bank_bin,
        "TALLYSTICK DEMO",
        (keys.webhook_secret,),
        api_token=keys.api_token,
        base_url=f"{hub}/_sim/sepay/v2",
        page_url=f"{hub}/_sim/sepay/bank",
    )


def _sepay_pg(settings: Settings, wire: Wire) -> Gateway:
    account = SePayPGAccount(
        _said(settings.sepay_pg_merchant_id),
        _several(settings.sepay_pg_secret_key),
        settings.sepay_pg_base_url,
        settings.sepay_pg_checkout_url,
    )
    return SePayPG(account, wire)


_SEPAY_PG: Final = SimulatedGateway(
    draw=lambda: {"merchant_id": "SP-TALLYSTICK", "secret_key": f"spsk_{_DRAWN(20)}"},
    part=lambda keys: sepay_pg.sepay_pg(
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


def _onepay(settings: Settings, wire: Wire) -> Gateway:
    account = OnePayAccount(
        _said(settings.onepay_client_id),
        _said(settings.onepay_api_key),
        settings.onepay_api_base_url,
    )
    return OnePay(account, wire)


_ONEPAY: Final = SimulatedGateway(
    draw=lambda: {"client_id": _DRAWN(12), "api_key": _DRAWN(24)},
    part=lambda keys: onepay.onepay(onepay.OnePayKeys(**keys)),
    adapter=lambda keys, hub, wire: OnePay(
        OnePayAccount(keys["client_id"], keys["api_key"], f"{hub}/_sim/onepay"), wire
    ),
)


def _onepay_vpc(settings: Settings, wire: Wire) -> Gateway:
    account = OnePayVPCAccount(
        _said(settings.onepay_merchant),
        _said(settings.onepay_access_code),
        _several(settings.onepay_hash_key),
        _said(settings.onepay_user),
        _said(settings.onepay_password),
        f"{settings.base_url.rstrip('/')}/api/webhooks/onepay_vpc",
        settings.onepay_base_url,
    )
    return OnePayVPC(account, wire)


_ONEPAY_VPC: Final = SimulatedGateway(
    draw=lambda: {
        "merchant": "TALLYSTICK", "access_code": _DRAWN(4).upper(),
        "hash_key": _DRAWN(16).upper(), "user": "op01", "password": _DRAWN(8),
    },
    part=lambda keys: onepay_vpc.onepay_vpc(
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


def _polar(settings: Settings, wire: Wire) -> Gateway:
    account = PolarAccount(
        _said(settings.polar_access_token),
        _several(settings.polar_webhook_secret),
        settings.polar_product_id or "",
        settings.polar_base_url,
        settings.polar_account,
    )
    return Polar(account, wire)


_POLAR: Final = SimulatedGateway(
    draw=lambda: {
        "access_token": f"polar_oat_{_DRAWN(20)}", "webhook_secret": f"whsec_{_DRAWN(20)}",
        "product_id": "6a1b0a3e-0000-4000-8000-000000000001",
    },
    part=lambda keys: polar.polar(polar.PolarKeys(**keys)),
    adapter=lambda keys, hub, wire: Polar(
        PolarAccount(
            keys["access_token"], (keys["webhook_secret"],), keys["product_id"],
            f"{hub}/_sim/polar/v1",
        ),
        wire,
    ),
)  # fmt: skip


def _govpay(settings: Settings, _: Wire) -> Gateway:
    account = GovPayAccount(
        _said(settings.govpay_client_id),
        _said(settings.govpay_client_secret),
        _several(settings.govpay_transaction_key),
        _said(settings.govpay_subinst_id),
        _said(settings.govpay_service_id),
        _said(settings.govpay_inquiry_key),
    )
    return GovPay(account)


_GOVPAY: Final = SimulatedGateway(
    draw=lambda: {
        "client_id": "GOVPAY", "client_secret": _DRAWN(24), "transaction_key": _DRAWN(16),
        "subinst_id": "001", "service_id": "002",
    },
    part=lambda keys: govpay.govpay(govpay.GovPayKeys(**keys)),
    adapter=lambda keys, _, __: GovPay(
        GovPayAccount(
            keys["client_id"], keys["client_secret"], (keys["transaction_key"],),
            keys["subinst_id"], keys["service_id"],
            keys.get("inquiry_key") or keys["client_secret"],
        )
    ),
    said=lambda settings: {"inquiry_key": _said(settings.govpay_inquiry_key)},
)  # fmt: skip

GATEWAYS: Final = (
    Entry("payos", _PAYOS, _payos),
    Entry("sandbox", _SANDBOX),
    Entry("sepay", _SEPAY, _sepay),
    Entry("sepay_pg", _SEPAY_PG, _sepay_pg),
    Entry("onepay", _ONEPAY, _onepay),
    Entry("onepay_vpc", _ONEPAY_VPC, _onepay_vpc),
    Entry("polar", _POLAR, _polar),
    Entry("govpay", _GOVPAY, _govpay),
)

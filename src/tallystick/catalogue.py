"""The gateways that a merchant can have: how each is made of its settings.

A new gateway is one function and one line at the end of this file; how `tallystick dev` simulates
it is in `tallystick.sandbox.catalogue`.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from pydantic import SecretStr

from tallystick.gateways.base import Gateway, Wire
from tallystick.gateways.govpay import GovPay, GovPayAccount
from tallystick.gateways.onepay import OnePay, OnePayAccount
from tallystick.gateways.onepay_vpc import OnePayVPC, OnePayVPCAccount
from tallystick.gateways.payos import PayOS, PayOSAccount
from tallystick.gateways.polar import Polar, PolarAccount
from tallystick.gateways.sepay import SePay, SePayAccount
from tallystick.gateways.sepay_pg import SePayPG, SePayPGAccount
from tallystick.settings import Settings

Make: TypeAlias = Callable[[Settings, Wire], Gateway]
"""Called with complete settings. Raises NotConfigured where they make no sense."""


def real_gateways(settings: Settings, wire: Wire) -> list[Gateway]:
    """The gateways whose settings are complete. Raises NotConfigured."""
    return [make(settings, wire) for name, make in GATEWAYS.items() if settings.is_complete(name)]


def former_gateways(settings: Settings, wire: Wire) -> list[Gateway]:
    """The same for the accounts of before that are not those of now. Raises ValueError."""
    now = {(one.name, one.account) for one in real_gateways(settings, wire)}
    complete = [(name, before) for name, before in settings.before() if before.is_complete(name)]
    former = [GATEWAYS[name](before, wire) for name, before in complete]
    return [one for one in former if (one.name, one.account) not in now]


def _text(secret: SecretStr | str | None) -> str:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else secret or ""


def _several(secret: SecretStr | None) -> tuple[str, ...]:
    """A secret, or several with commas while one is being replaced."""
    return tuple(part.strip() for part in _text(secret).split(",") if part.strip())


def _payos(settings: Settings, wire: Wire) -> Gateway:
    account = PayOSAccount(
        _text(settings.payos_client_id),
        _text(settings.payos_api_key),
        _several(settings.payos_checksum_key),
        settings.payos_base_url,
    )
    return PayOS(account, wire)


def _sepay(settings: Settings, wire: Wire) -> Gateway:
    account = SePayAccount(
        _text(settings.sepay_account_number),
        _text(settings.sepay_bank_bin),
        _text(settings.sepay_account_name),
        _several(settings.sepay_webhook_secret),
        _several(settings.sepay_webhook_api_key),
        _text(settings.sepay_api_token),
        settings.sepay_base_url,
    )
    return SePay(account, wire)


def _sepay_pg(settings: Settings, wire: Wire) -> Gateway:
    account = SePayPGAccount(
        _text(settings.sepay_pg_merchant_id),
        _several(settings.sepay_pg_secret_key),
        settings.sepay_pg_base_url,
        settings.sepay_pg_checkout_url,
    )
    return SePayPG(account, wire)


def _onepay(settings: Settings, wire: Wire) -> Gateway:
    account = OnePayAccount(
        _text(settings.onepay_client_id),
        _text(settings.onepay_api_key),
        settings.onepay_api_base_url,
    )
    return OnePay(account, wire)


def _onepay_vpc(settings: Settings, wire: Wire) -> Gateway:
    account = OnePayVPCAccount(
        _text(settings.onepay_merchant),
        _text(settings.onepay_access_code),
        _several(settings.onepay_hash_key),
        _text(settings.onepay_user),
        _text(settings.onepay_password),
        f"{settings.base_url.rstrip('/')}/api/webhooks/onepay_vpc",
        settings.onepay_base_url,
    )
    return OnePayVPC(account, wire)


def _polar(settings: Settings, wire: Wire) -> Gateway:
    account = PolarAccount(
        _text(settings.polar_access_token),
        _several(settings.polar_webhook_secret),
        settings.polar_product_id or "",
        settings.polar_base_url,
        settings.polar_account,
    )
    return Polar(account, wire)


def _govpay(settings: Settings, _: Wire) -> Gateway:
    account = GovPayAccount(
        _text(settings.govpay_client_id),
        _text(settings.govpay_client_secret),
        _several(settings.govpay_transaction_key),
        _text(settings.govpay_subinst_id),
        _text(settings.govpay_service_id),
        _text(settings.govpay_inquiry_key),
    )
    return GovPay(account)


GATEWAYS: Final[Mapping[str, Make]] = {
    "payos": _payos,
    "sepay": _sepay,
    "sepay_pg": _sepay_pg,
    "onepay": _onepay,
    "onepay_vpc": _onepay_vpc,
    "polar": _polar,
    "govpay": _govpay,
}
"""By the name that payments and settings have for it."""

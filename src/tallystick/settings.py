"""What a merchant sets: environment variables and a `.env` file, read once at the start."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from tallystick.domain.amount_limits import USUAL
from tallystick.domain.days import zone
from tallystick.domain.errors import Invalid
from tallystick.domain.payment import LatePolicy, Tolerance
from tallystick.domain.sealing import Masters
from tallystick.former_accounts import settings_before
from tallystick.mail_address import mail_faults
from tallystick.setting_types import (
    AmountLimits,
    GatewayFee,
    JobNames,
    OfferedAmounts,
    Origins,
    Rates,
)

SHORTEST_SECRET: Final = 32
SHORTEST_CRON_SECRET: Final = 16

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "payos": ("payos_client_id", "payos_api_key", "payos_checksum_key"),
    "sepay": ("sepay_account_number", "sepay_bank_bin"),
    "sepay_pg": ("sepay_pg_merchant_id", "sepay_pg_secret_key"),
    "onepay": ("onepay_client_id", "onepay_api_key"),
    "onepay_vpc": ("onepay_merchant", "onepay_access_code", "onepay_hash_key", "onepay_user",
                   "onepay_password"),
    "polar": ("polar_access_token", "polar_webhook_secret"),
    "govpay": ("govpay_client_id", "govpay_client_secret", "govpay_transaction_key",
               "govpay_subinst_id", "govpay_service_id"),
}  # fmt: skip
"""The settings that each gateway cannot do without: all of them, or none."""


def _literal(name: str, words: str, default: Any = None) -> Any:
    """A setting whose name users have already, without our prefix."""
    return Field(
        default=default, validation_alias=AliasChoices(name, name.lower()), description=words
    )


class Settings(BaseSettings):
    """Every setting with its default. Names in the environment carry the prefix TALLYSTICK_."""

    model_config = SettingsConfigDict(
        env_prefix="TALLYSTICK_", env_file=".env", extra="ignore", populate_by_name=True
    )

    database_url: str = Field(
        "sqlite:///tallystick.db",
        description="`sqlite:///file.db`, or `postgresql://user@host/name`.",
    )
    redis_url: str | None = Field(
        None,
        description="Live pushes and rate limits across processes, such as `redis://host/0`.",
    )
    base_url: str = Field(
        "http://127.0.0.1:8787",
        description="The public address, for links and webhooks; https in production.",
    )
    allowed_origins: Origins = Field(
        (),
        description="Origins of your shop's own pages that may sell from the browser, with commas, "
        "such as `https://shop.example.com`.",
    )
    return_origins: Origins = Field(
        (),
        description="The origins that payers may be sent back to (`returnUrl`, `cancelUrl`), with "
        "commas: `https://shop.example.com`. Without it only pages of ours; any under `dev`.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="The master secret that all other keys are derived from; 32 or more. While it "
        "is replaced: the new one, a comma, the old one.",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        description="HS256 secret of the tokens that your app signs for users; 32 or more.",
    )
    jwks_url: str | None = Field(
        None, description="Where the keys are published that your app signs such tokens with."
    )
    cron_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("CRON_SECRET", "cron_secret"),
        description="What cron proves itself by at `/api/jobs`; 16 characters or more.",
    )

    payos_client_id: str | None = Field(None, description="payOS: the payment channel.")
    payos_api_key: SecretStr | None = Field(None, description="payOS: its API key.")
    payos_checksum_key: SecretStr | None = Field(
        None, description="payOS: its checksum key; several with commas while one is replaced."
    )
    payos_base_url: str = Field(
        "https://api-merchant.payos.vn", description="payOS: the address of its API."
    )

    sepay_account_number: str | None = Field(None, description="SePay: your bank account.")
    sepay_bank_bin: str | None = Field(None, description="SePay: the bank's six digits (NAPAS).")
    sepay_account_name: str | None = Field(None, description="SePay: whose account it is.")
    sepay_webhook_secret: SecretStr | None = Field(
        None, description="SePay: the webhook's HMAC secret; the better of the two modes."
    )
    sepay_webhook_api_key: SecretStr | None = Field(
        None, description="SePay: the key of the webhook's `Apikey` mode."
    )
    sepay_api_token: SecretStr | None = Field(
        None, description="SePay: the user API's token, to ask about transfers ourselves."
    )
    sepay_base_url: str = Field(
        "https://userapi.sepay.vn/v2", description="SePay: the address of its user API."
    )

    sepay_pg_merchant_id: str | None = Field(None, description="SePay's hosted checkout: you.")
    sepay_pg_secret_key: SecretStr | None = Field(
        None, description="SePay's hosted checkout: signs and asks; several with commas."
    )
    sepay_pg_base_url: str = Field(
        "https://pgapi.sepay.vn/v1", description="SePay's hosted checkout: its API's address."
    )
    sepay_pg_checkout_url: str = Field(
        "https://pay.sepay.vn/v1/checkout/init",
        description="SePay's hosted checkout: where the payer's browser posts the form.",
    )

    onepay_client_id: str | None = _literal("ONEPAY_CLIENT_ID", "OnePay's order API: the client.")
    onepay_api_key: SecretStr | None = _literal("ONEPAY_API_KEY", "OnePay's order API: its key.")
    onepay_api_base_url: str = _literal(
        "ONEPAY_API_BASE_URL", "OnePay's order API: its address.", "https://api.onepay.vn"
    )
    onepay_merchant: str | None = Field(None, description="OnePay redirect: the merchant.")
    onepay_access_code: str | None = Field(None, description="OnePay redirect: the access code.")
    onepay_hash_key: SecretStr | None = Field(
        None, description="OnePay redirect: the hash key in hex; several with commas."
    )
    onepay_user: str | None = Field(None, description="OnePay redirect: who asks (queryDR).")
    onepay_password: SecretStr | None = Field(None, description="OnePay redirect: the password.")
    onepay_base_url: str = Field("https://onepay.vn", description="OnePay redirect: the address.")

    polar_access_token: SecretStr | None = Field(None, description="Polar: the access token.")
    polar_webhook_secret: SecretStr | None = Field(
        None, description="Polar: the webhook secret; several with commas."
    )
    polar_account: str = Field(
        "polar", min_length=1, max_length=64,
        description="Polar: a name for your organization; another one when you change to another.",
    )  # fmt: skip
    polar_product_id: str | None = Field(
        None, description="Polar: the product of our checkouts; else your oldest one-time product."
    )
    polar_base_url: str = Field("https://api.polar.sh/v1", description="Polar: its API's address.")

    govpay_client_id: str | None = Field(None, description="GovPay+: the client it signs in as.")
    govpay_client_secret: SecretStr | None = Field(None, description="GovPay+: its secret.")
    govpay_transaction_key: SecretStr | None = Field(
        None, description="GovPay+: the TransactionKey header; several with commas."
    )
    govpay_subinst_id: str | None = Field(None, description="GovPay+: your sub-institution.")
    govpay_service_id: str | None = Field(None, description="GovPay+: your service.")
    govpay_inquiry_key: SecretStr | None = Field(
        None, description="GovPay+: who may inquire (X-API-Key)."
    )

    former_accounts: dict[str, list[dict[str, SecretStr]]] = Field(
        default_factory=dict,
        description="JSON: accounts that gateways had before and that are still listened to, each "
        'with the settings that were others: `{"sepay": [{"account_number": "0011"}]}`.',
    )

    smtp_url: SecretStr | None = Field(
        None,
        description="Where mail goes: `smtp://user:password@host:587`, `starttls://…` or "
        "`smtps://…`; without it, letters are files in the mail folder.",
    )
    mail_from: str | None = Field(
        None, description="The sender's address; `no-reply@` the public host where it is not set."
    )
    mail_folder: str = Field(
        "tallystick-mail", description="The folder that letters are put in without SMTP."
    )
    gift_card_prefix: str = Field(
        "HOL-GIFT-",
        pattern=r"^[A-Z0-9-]{0,20}$",
        description="What the codes of gift cards begin with: capitals, digits and hyphens.",
    )
    exchange_rate_url: str | None = Field(
        None,
        description="The live source of exchange rates: answers `base` USD and `rates`.",
    )
    exchange_rate_floor: Rates = Field(
        default_factory=lambda: {"VND": Decimal(24_500), "LKR": Decimal(300)},
        description='Units for one US dollar where nothing else is known: `{"VND": "24500"}`.',
    )
    raw_days: int = Field(
        90, ge=1, le=3650,
        description="Days for which the bytes of notices and answers are kept, sealed.",
    )  # fmt: skip
    time_zone: str = Field(
        "UTC", description="Where your days begin, for reports, such as `Asia/Ho_Chi_Minh`."
    )
    operating_costs_usd_cents: int = Field(
        50_000, ge=0, description="Running costs a month, shared by revenue, in US cents."
    )
    tax_percent: Decimal = Field(
        Decimal(17), ge=0, le=100, decimal_places=2,
        description="Tax on what revenue leaves after fees and costs; never on a loss.",
    )  # fmt: skip
    gateway_fees: dict[str, list[GatewayFee]] = Field(
        default_factory=dict,
        description="JSON in place of entries of the table of fees: "
        '`{"polar": [{"since": "2026-05-27", "percent": "3.8", "usdCents": 40}]}`.',
    )

    github_token: SecretStr | None = Field(
        None, description="GitHub: a token that may invite buyers to your repositories and teams."
    )
    github_base_url: str = Field("https://api.github.com", description="GitHub: its API's address.")

    merchant_name: str | None = Field(None, description="Who is paid, as the pay pages say it.")
    coupon_hold_s: int = Field(
        1_800, ge=60, le=86_400,
        description="Seconds in which a buyer's unpaid order holds its coupon and can be paid.",
    )  # fmt: skip
    gift_card_limits: AmountLimits = Field(
        USUAL,
        description="JSON: least and greatest amount of a gift card per currency, in minor units: "
        '`{"VND": [10000, 5000000]}`. A currency that is not named has no limits.',
    )
    gift_card_amounts: OfferedAmounts = Field(
        default_factory=dict,
        description="JSON: the amounts of gift cards per currency, in minor units: "
        '`{"VND": [100000, 200000]}`. No others are sold then; empty: any within the limits.',
    )
    topup_limits: AmountLimits = Field(USUAL, description="The same of a wallet top-up.")
    offer_patience_s: float = Field(
        5.0, gt=0, le=60,
        description="Seconds that a buyer waits for a gateway; then its page shows the offer.",
    )  # fmt: skip
    late_policy: LatePolicy = Field(
        LatePolicy.AUTO_FULFIL,
        description="The full amount after the deadline: `auto_fulfil`, `review`, `auto_refund`.",
    )
    underpayment_tolerance_percent: Decimal = Field(
        Decimal(0), ge=0, lt=100, decimal_places=2,
        description="How much less than what is due still pays it, in percent.",
    )  # fmt: skip
    processing_review_after_s: int = Field(
        86_400, ge=60, description="Seconds in flight after which a person should look."
    )
    task_session_s: int = Field(
        900, ge=60, le=86_400, description="Seconds in which a started task can be paid."
    )
    request_s: float = Field(
        10.0, gt=0, le=60, description="Seconds in which a request must have been sent to its end."
    )
    streams: bool = Field(
        True, description="`false` refuses every stream (503); pages and clients poll then."
    )
    stream_heartbeat_s: float = Field(
        15.0, gt=0, le=30, description="Seconds between the heartbeats of a stream."
    )
    stream_life_s: float = Field(
        600.0, gt=0, description="Seconds after which a stream ends and the browser comes again."
    )
    streams_per_payment: int = Field(5, ge=1, description="Open streams of one payment.")
    streams_per_client: int = Field(20, ge=1, description="Open streams of one client address.")
    streams_per_user: int = Field(10, ge=1, description="Open streams of one of your users.")
    streams_in_all: int = Field(20_000, ge=1, description="Open streams of one process.")
    rate_limits: bool = Field(True, description="`false` turns all rate limits off.")
    rate_limit_overrides: dict[str, str] = Field(
        default_factory=dict,
        description='JSON in place of entries of the table, `{"polling": "600 per 15 minutes"}`.',
    )
    trusted_proxies: int = Field(
        0, ge=0, description="How many reverse proxies of yours stand in front and are believed."
    )
    scheduler: bool = Field(
        True, description="Whether the server does the background work too (see `work`)."
    )
    jobs_off: JobNames = Field(
        (), description="Jobs that do not run, with commas, such as `audit,tidy`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged."
    )

    @property
    def masters(self) -> Masters:
        """The master secrets, the one in force first."""
        given = "" if self.secret_key is None else self.secret_key.get_secret_value()
        parts = [part.strip() for part in given.split(",")] if "," in given else [given]
        return Masters.of(*(part.encode() for part in parts if part))

    @property
    def tolerance(self) -> Tolerance:
        """How much less than what is due is enough, where nothing else is said of a payment."""
        return Tolerance(basis_points=int(self.underpayment_tolerance_percent * 100))

    @property
    def secure(self) -> bool:
        """Whether the public address is https, so that cookies may say Secure."""
        return urlsplit(self.base_url).scheme == "https"

    def faults(self) -> list[str]:
        """What must be mended before this may run in production, one sentence each."""
        found = []
        masters = self.masters.secrets
        if not masters or min(map(len, masters)) < SHORTEST_SECRET:
            found.append(
                "TALLYSTICK_SECRET_KEY is missing or shorter than 32 characters: "
                "set it to the output of `tallystick keys secret`."
            )
        if not self.secure:
            found.append(
                "TALLYSTICK_BASE_URL is not https: set it to the public https address, "
                "for example https://pay.example.com."
            )
        found += self._short_secrets()
        found += mail_faults(self.smtp_url)
        found += self._former_faults()
        for name, needed in NEEDED.items():
            missing = [field for field in needed if not getattr(self, field)]
            if missing and len(missing) < len(needed):
                names = ", ".join(variable(field) for field in missing)
                found.append(f"{name} is half set up: set {names} too, or none of its settings.")
        try:
            zone(self.time_zone)
        except Invalid as error:
            found.append(f"TALLYSTICK_TIME_ZONE: {error.detail}")
        if not any(map(self.is_complete, NEEDED)):
            found.append("No gateway is configured: set the keys of at least one gateway.")
        return found

    def _short_secrets(self) -> Iterator[str]:
        """Those that others sign with or send, where they are set and could be guessed."""
        for field, least in (
            ("jwt_secret", SHORTEST_SECRET), ("cron_secret", SHORTEST_CRON_SECRET)
        ):  # fmt: skip
            secret: SecretStr | None = getattr(self, field)
            if secret is not None and len(secret.get_secret_value().strip()) < least:
                yield (
                    f"{variable(field)} is shorter than {least} characters and could be guessed: "
                    "set it, on both sides, to the output of `tallystick keys secret`."
                )

    def before(self) -> Iterator[tuple[str, "Settings"]]:
        """Each gateway's name with the settings of an account that it had. Raises ValueError."""
        return settings_before(self, self.former_accounts, NEEDED)

    def _former_faults(self) -> list[str]:
        try:
            halves = [name for name, before in self.before() if not before.is_complete(name)]
        except ValueError as error:
            return [f"TALLYSTICK_FORMER_ACCOUNTS: {error}"]
        return [
            f"TALLYSTICK_FORMER_ACCOUNTS: an account of {name} is half set up: it needs "
            f"{', '.join(field.removeprefix(f'{name}_') for field in NEEDED[name])}."
            for name in halves
        ]

    def is_complete(self, gateway: str) -> bool:
        """Whether a gateway has every setting that it cannot do without."""
        return gateway in NEEDED and all(getattr(self, field) for field in NEEDED[gateway])


def variable(field: str) -> str:
    """The name of a setting in the environment."""
    alias = Settings.model_fields[field].validation_alias
    return (
        str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"TALLYSTICK_{field.upper()}"
    )

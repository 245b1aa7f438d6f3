"""What a merchant sets: environment variables and a `.env` file, read once at the start."""

from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_SECRET: Final = 32


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
        None, description="Rate limits shared by several processes, for example `redis://host/0`."
    )
    base_url: str = Field(
        "http://127.0.0.1:8787",
        description="The public address, for links and webhooks; https in production.",
    )
    secret_key: SecretStr | None = Field(
        None, description="The master secret that all other keys are derived from; 32 or more."
    )
    jwt_secret: SecretStr | None = Field(
        None, description="HS256 secret of the tokens that your app signs for its users."
    )
    jwks_url: str | None = Field(None, description="Where the keys of such tokens are published.")
    cron_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("CRON_SECRET", "cron_secret"),
        description="What cron proves itself by at `/api/jobs`.",
    )

    payos_client_id: str | None = Field(None, description="payOS: the payment channel.")
    payos_api_key: SecretStr | None = Field(None, description="payOS: its API key.")
    payos_checksum_key: SecretStr | None = Field(
        None, description="payOS: its checksum key; several with commas while one is replaced."
    )
    payos_base_url: str = Field(
        "https://api-merchant.payos.vn", description="payOS: the address of its API."
    )

    merchant_name: str | None = Field(None, description="Who is paid, as the pay pages say it.")
    stream_heartbeat_s: float = Field(
        15.0, gt=0, le=30, description="Seconds between the heartbeats of a stream."
    )
    stream_life_s: float = Field(
        600.0, gt=0, description="Seconds after which a stream ends and the browser comes again."
    )
    streams_per_payment: int = Field(5, ge=1, description="Open streams of one payment.")
    streams_per_client: int = Field(20, ge=1, description="Open streams of one client address.")
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
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged."
    )

    @property
    def secure(self) -> bool:
        """Whether the public address is https, so that cookies may say Secure."""
        return urlsplit(self.base_url).scheme == "https"

    def faults(self) -> list[str]:
        """What must be mended before this may run in production, one sentence each."""
        found = []
        if self.secret_key is None or len(self.secret_key.get_secret_value()) < SHORTEST_SECRET:
            found.append(
                "TALLYSTICK_SECRET_KEY is missing or shorter than 32 characters: "
                "set it to the output of `tallystick keys secret`."
            )
        if not self.secure:
            found.append(
                "TALLYSTICK_BASE_URL is not https: set it to the public https address, "
                "for example https://pay.example.com."
            )
        payos = (self.payos_client_id, self.payos_api_key, self.payos_checksum_key)
        if any(payos) and not all(payos):
            found.append(
                "payOS needs all of TALLYSTICK_PAYOS_CLIENT_ID, _API_KEY and _CHECKSUM_KEY: "
                "copy them from the payment channel's page at my.payos.vn."
            )
        if not any(payos):
            found.append("No gateway is configured: set the keys of at least one gateway.")
        return found

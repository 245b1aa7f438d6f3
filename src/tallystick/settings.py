"""What a merchant sets: environment variables and a `.env` file, read once at the start."""

from typing import Final
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_SECRET: Final = 32


class Settings(BaseSettings):
    """Every setting with its default. Names in the environment carry the prefix TALLYSTICK_."""

    model_config = SettingsConfigDict(
        env_prefix="TALLYSTICK_", env_file=".env", extra="ignore", populate_by_name=True
    )

    database_url: str = "sqlite:///tallystick.db"
    redis_url: str | None = None
    base_url: str = "http://127.0.0.1:8787"
    secret_key: SecretStr | None = None
    jwt_secret: SecretStr | None = None
    jwks_url: str | None = None
    cron_secret: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("CRON_SECRET", "cron_secret")
    )

    payos_client_id: str | None = None
    payos_api_key: SecretStr | None = None
    payos_checksum_key: SecretStr | None = None
    payos_base_url: str = "https://api-merchant.payos.vn"

    merchant_name: str | None = None
    stream_heartbeat_s: float = 15.0
    stream_life_s: float = 600.0
    streams_per_payment: int = 5
    streams_per_client: int = 20
    streams_in_all: int = 20_000
    rate_limits: bool = True
    rate_limit_overrides: dict[str, str] = Field(default_factory=dict)
    trusted_proxies: int = 0
    scheduler: bool = True
    log_level: str = "info"

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

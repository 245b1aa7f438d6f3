"""The accounts that a merchant's gateways had before, as settings: today's, with some others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

Entries = Mapping[str, Sequence[Mapping[str, SecretStr]]]
_Settings = TypeVar("_Settings", bound=BaseSettings)


def settings_before(
    settings: _Settings, accounts: Entries, gateways: Collection[str]
) -> Iterator[tuple[str, _Settings]]:
    """The gateway, and the settings as they were, for each account. Raises ValueError.

    What an entry does not name is as it is now: a bank account may change and the API token stay.
    """
    for gateway, entries in accounts.items():
        if gateway not in gateways:
            known = ", ".join(gateways)
            raise ValueError(f"there is no gateway {gateway[:40]!r}; there are {known}.")
        for entry in entries:
            before = settings.model_copy(update={"former_accounts": {}})
            for name, value in entry.items():
                _set(before, f"{gateway}_{name}", value.get_secret_value())
            yield gateway, before


def _set(before: BaseSettings, field: str, value: str) -> None:
    """The same check as at the start; a refusal must not repeat what may be a secret."""
    if field not in type(before).model_fields:
        raise ValueError(f"there is no setting {field[:60]!r}.")
    try:
        type(before).__pydantic_validator__.validate_assignment(before, field, value)
    except ValidationError:
        raise ValueError(f"{field} has a value that it cannot have.") from None

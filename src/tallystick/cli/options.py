"""The options that several commands share, and the settings that they end in."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.domain.errors import NotConfigured

if TYPE_CHECKING:
    from tallystick.settings import Settings

Database = Annotated[
    str | None,
    typer.Option(
        help="sqlite:///file.db or postgresql://user@host/name; else TALLYSTICK_DATABASE_URL.",
        metavar="URL", show_default=False,
    ),
]  # fmt: skip
Url = Annotated[
    str | None,
    typer.Option(
        envvar="TALLYSTICK_URL", metavar="URL", show_default=False,
        help="The running server. Default: TALLYSTICK_BASE_URL, or this folder's `tallystick dev`.",
    ),
]  # fmt: skip
Key = Annotated[
    str | None,
    typer.Option(
        envvar="TALLYSTICK_API_KEY", metavar="KEY", show_default=False,
        help="A secret key. Default: that of the `tallystick dev` in this folder.",
    ),
]  # fmt: skip


def read_settings(database: str | None = None) -> "Settings":
    """The settings, with the database that the command names. Raises NotConfigured."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from tallystick.settings import Settings
    from tallystick.wrong_values import words_of

    try:
        found = Settings()
    except ValidationError as error:
        # Never with the value: it may be a secret.
        lines = [f"{_variable(one['loc'])}: {words_of(one)}." for one in error.errors()]
        raise NotConfigured("\n".join(lines)) from None
    except SettingsError as error:
        raise NotConfigured(f"A setting cannot be read: {error}.") from None
    if found.jobs_off:
        from tallystick.flows.schedule import refuse_unknown
        from tallystick.products import EXTENSIONS

        refuse_unknown(found.jobs_off, EXTENSIONS)
    url = database or found.database_url
    if not url.startswith(("sqlite:///", "postgresql://")):
        raise NotConfigured(
            "The database's URL begins with sqlite:/// or postgresql://, for example "
            "sqlite:///tallystick.db."
        )
    return found.model_copy(update={"database_url": url})


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "A setting"
    return name if name.isupper() else f"TALLYSTICK_{name.upper()}"

"""What `tallystick dev` keeps beside its database, for the other commands of its folder."""

import json
from pathlib import Path
from typing import Any

from tallystick.domain.errors import NotConfigured


def keys_file(database_url: str) -> Path:
    """Where it is kept."""
    from tallystick.store.database import dev_files

    files = dev_files(database_url)
    return files.with_name(files.name + ".dev-keys")


def read_keys(path: Path) -> dict[str, Any]:
    """What the file holds; nothing where there is none. Raises NotConfigured: it is damaged."""
    try:
        found = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotConfigured(
            f"{path.name} cannot be read, and has the secrets that open this database: put it "
            "back, or start with another database."
        )
    return found


def kept_by_dev(database_url: str, name: str) -> str | None:
    """One of the texts in it. None where it has none, or cannot be read."""
    try:
        found = read_keys(keys_file(database_url)).get(name)
    except (OSError, NotConfigured):
        return None
    return str(found) if found else None

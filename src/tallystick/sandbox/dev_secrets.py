"""The secrets of a development server, kept beside its database so that restarts keep them."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from tallystick.cli.dev_keys import read_keys
from tallystick.private_files import narrow
from tallystick.sandbox.catalogue import SIMULATED


@dataclass(frozen=True, slots=True)
class DevSecrets:
    """`gateways` holds what each simulated gateway and its adapter share."""

    secret_key: str
    cron_secret: str
    jwt_secret: str
    api_key: str
    github_token: str
    gateways: Mapping[str, Mapping[str, str]]
    url: str = ""
    """Where the server listens, or did when it last ran: the commands of its folder ask there."""

    @classmethod
    def at(cls, path: Path) -> Self:
        """Read the file, and draw what is missing: it is written for its owner alone.

        Raises NotConfigured where it is damaged.
        """
        kept = read_keys(path)
        drawn = secrets.token_hex
        found = cls(
            secret_key=kept.get("secret_key") or drawn(32),
            cron_secret=kept.get("cron_secret") or drawn(16),
            jwt_secret=kept.get("jwt_secret") or drawn(32),
            api_key=kept.get("api_key") or "",
            github_token=kept.get("github_token") or f"ghp_{drawn(18)}",
            gateways={one.name: kept.get(one.name) or one.draw() for one in SIMULATED},
        )
        found.write(path)
        return found

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        fresh = path.with_name(path.name + ".new")
        handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        narrow(fresh)
        document = {**asdict(self), **self.gateways}
        del document["gateways"]
        with os.fdopen(handle, "w") as file:
            json.dump(document, file)
        fresh.replace(path)

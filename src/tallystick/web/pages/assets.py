"""The static files of the pages, read once, with an address that changes with their content."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PREFIX: Final = "/static"
_FOLDER: Final = Path(__file__).parent.parent / "static"
_KINDS: Final = {
    ".ico": "image/x-icon",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes over the wire. `gzipped` is for callers that accept it."""

    body: bytes
    gzipped: bytes
    media_type: str
    etag: str


@cache
def assets() -> dict[str, Asset]:
    """Every static file by its name, for example `pay.css`."""
    files = (file for file in sorted(_FOLDER.iterdir()) if file.suffix in _KINDS)
    return {file.name: _read(file) for file in files}


def _read(file: Path) -> Asset:
    body = file.read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return Asset(body, gzip.compress(body, 9, mtime=0), _KINDS[file.suffix], etag)


@cache
def edition() -> str:
    """A short name for the content of all static files together.

    It stands in front of the file name, so that modules which import each other by a relative
    address are always of the same edition.
    """
    marks = "".join(f"{name}{asset.etag}" for name, asset in assets().items())
    return hashlib.sha256(marks.encode()).hexdigest()[:10]


def asset_path(name: str) -> str:
    """The address of a file, to be kept for ever: `/static/<edition>/pay.css`."""
    if name not in assets():
        raise KeyError(name)
    return f"{PREFIX}/{edition()}/{name}"


def find_asset(path: str) -> tuple[Asset, str] | None:
    """The file behind what follows `/static/`, and the Cache-Control to send with it.

    `<edition>/pay.css` may be kept for a year; `pay.css`, or another edition, is asked for anew.
    """
    folder, _, name = path.rpartition("/")
    asset = assets().get(name)
    if asset is None or (folder and not folder.isalnum()):
        return None
    kept = "public, max-age=31536000, immutable" if folder == edition() else "no-cache"
    return asset, kept

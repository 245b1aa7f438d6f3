"""The origin of a web address: scheme, host and port, by which browsers tell sites apart."""

from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


def origin(address: str) -> str:
    """`https://shop.example.com`, with the port where it is not the scheme's own (RFC 6454).

    Raises ValueError for what is no absolute http(s) address.
    """
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("is no http(s) address with a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    return f"{parts.scheme}://{host}" + ("" if port in {None, _PORTS[parts.scheme]} else f":{port}")


def named_origin(text: str) -> str:
    """An origin that was typed as such, with nothing behind the host. Raises ValueError."""
    try:
        parts = urlsplit(text)
        bare = parts.path in {"", "/"} and not (
            parts.query or parts.fragment or "@" in parts.netloc
        )
        if bare and "*" not in text:
            return origin(text)
    except ValueError:
        pass
    raise ValueError(
        f"{text!r} is not an origin: write scheme and host as browsers do, such as "
        "https://shop.example.com, without a path, and each by its name, never *"
    )

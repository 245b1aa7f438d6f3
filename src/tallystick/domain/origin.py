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
    parts = urlsplit(text)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("is not only scheme, host and port")
    if "*" in text:
        raise ValueError("has a *; each origin is named in full")
    return origin(text)

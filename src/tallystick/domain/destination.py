"""Where we may send to: what an address of a merchant's choice must be before we call it."""

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final
from urllib.parse import urlsplit

from tallystick.domain.errors import AddressRefused

PORTS: Final = frozenset({443, 8443})
LONGEST_URL: Final = 2000
Address = IPv4Address | IPv6Address
# The registries of special addresses (RFC 6890, at IANA, 2026), written down because the standard
# library's idea of them changes with its version.
_SPECIAL_V4: Final = tuple(map(IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
# RFC 4291, section 2.4: everything else of IPv6 is loopback, link-local, multicast or unassigned.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_SPECIAL_V6: Final = tuple(map(IPv6Network, (
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)))  # fmt: skip
# RFC 6052: behind these 96 bits a translator reaches the IPv4 address in the last 32.
_NAT64: Final = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that has the right form. Its host must still be resolved, and checked then."""

    scheme: str
    host: str
    port: int


def destination(url: str, *, allow_loopback: bool) -> Destination:
    """Read an address of a merchant's choice.

    It is https on port 443 or 8443, without a user name. `allow_loopback` (only a development
    server) lets in plain http and every port too. Raises AddressRefused.
    """
    if len(url) > LONGEST_URL or not url.isascii() or any(c <= " " or c == "\\" for c in url):
        raise AddressRefused("An address has up to 2000 ASCII characters and no spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("This is no web address.") from error
    schemes = ("https", "http") if allow_loopback else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise AddressRefused(f"The address begins with {' or '.join(schemes)}:// and has a host.")
    if "@" in parts.netloc or "%" in parts.netloc:
        raise AddressRefused("The address has no user name, and nothing escaped in its host.")
    found = Destination(
        parts.scheme, parts.hostname, _usual(parts.scheme) if port is None else port
    )
    if found.port not in PORTS and not (allow_loopback and found.port):
        raise AddressRefused("The address uses port 443 or 8443.")
    _check_literal(found.host, allow_loopback=allow_loopback)
    return found


def check_address(address: Address, *, allow_loopback: bool) -> None:
    """Raises AddressRefused for what is not on the public internet."""
    plain = _unwrapped(address)
    if allow_loopback and plain.is_loopback:
        return
    if not _is_public(plain):
        raise AddressRefused("The address is private, or reserved; only public ones are called.")


def _usual(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _check_literal(host: str, *, allow_loopback: bool) -> None:
    """What can be refused before anything is resolved, so that the merchant hears it at once."""
    if host.rstrip(".").endswith("localhost") and not allow_loopback:
        raise AddressRefused("The address is this machine; only public ones are called.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    check_address(address, allow_loopback=allow_loopback)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _SPECIAL_V6)

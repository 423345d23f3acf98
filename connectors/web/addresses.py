"""Which network addresses may be connected to: public ones, and what is allowed by name.

The check is made on the address that is connected to, after the name has been resolved, and
for every connection anew. So it holds whatever a name resolves to the next time (DNS
rebinding), however a host is written (decimal, octal), and after every redirect.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from rag.connectors.web.failing import FetchError

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a host name, in the order in which they are tried."""

# Translators of IPv6 to IPv4 reach the address in the last 32 bits (RFC 6052).
_TRANSLATED = IPv6Network("64:ff9b::/96")
# Of the special-purpose registries (IANA), what older Pythons take for public.
_SPECIAL = tuple(
    ip_network(one)
    for one in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "3fff::/20")
)


def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says. Raises OSError for an unknown name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether `address` is one of the public internet.

    Private, loopback, link-local, multicast and reserved ones are not, also where IPv6 wraps
    an IPv4 address (mapped, 6to4, NAT64).
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    wrapped = _wrapped(found) if isinstance(found, IPv6Address) else None
    if wrapped is not None:
        return is_public(str(wrapped))
    local = isinstance(found, IPv6Address) and found.is_site_local
    special = local or any(found in network for network in _SPECIAL)
    return found.is_global and not (found.is_multicast or found.is_reserved or special)


class AddressCheck:
    """Resolves host names to addresses that may be connected to; `allow` names exceptions."""

    def __init__(self, allow: Collection[str], resolver: Resolve = resolve) -> None:
        self._allow = frozenset(name.strip("[]").rstrip(".").lower() for name in allow)
        self._resolve = resolver

    def addresses(self, host: str, port: int) -> list[str]:
        """Where to connect for `host`. Raises FetchError where nothing may be connected to."""
        name = host.strip("[]").rstrip(".").lower()
        try:
            found = self._resolve(name, port)
        except (OSError, UnicodeError):
            unknown = f"host '{name}' is not known; check the address and the network"
            raise FetchError(unknown, down=True) from None
        if name in self._allow:
            return list(found)
        public = [address for address in found if is_public(address)]
        if not public:
            raise FetchError(
                f"host '{name}' has a private or reserved network address; "
                f"if it may be read, add it to allow: [{name}]"
            )
        return public


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour

"""Web addresses in one spelling each, so that a page has one name."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx2 import URL

_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LONGEST = 4096
_PORTS = {"http": 80, "https": 443}


def normalised(address: str, base: str = "") -> str | None:
    """The one spelling of an address, seen from the page `base`; None where it is none.

    Scheme and host in lower case, hosts in ASCII (IDNA), no default port, no user name, no
    fragment, no `.` and `..`, escapes only where they are needed (RFC 3986, section 6).
    """
    found = _parsed(address, base)
    if found is None:
        return None
    path = _ESCAPE.sub(_escape, found.raw_path.decode("ascii"))
    spelling = f"{found.scheme}://{_netloc(found)}{path.removesuffix('?')}"
    return spelling if len(spelling) <= _LONGEST else None


def site(address: str) -> str:
    """Host and port of a normalised address: `http` and `https` are the same site."""
    return address.partition("://")[2].partition("/")[0]


def origin(address: str) -> str:
    """Scheme, host and port of a normalised address."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def path_of(address: str) -> str:
    """The path of a normalised address, without the query."""
    rest = address.partition("://")[2]
    return rest[len(rest.partition("/")[0]) :].partition("?")[0]


def authorisation(address: str) -> str | None:
    """The value of the `Authorization` header (Basic) for a user name written into `address`."""
    found = _parsed(address, "")
    if found is None or not found.userinfo:
        return None
    pair = f"{found.username}:{found.password}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


def _parsed(address: str, base: str) -> URL | None:
    from httpx2 import URL, InvalidURL

    cleaned = re.sub(r"[\t\n\r]", "", address).strip()
    try:
        found = URL(base).join(cleaned) if base else URL(cleaned)
        host = found.raw_host.decode("ascii").rstrip(".")
    except (InvalidURL, ValueError, TypeError):
        return None
    if found.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return None
    return found


def _netloc(found: URL) -> str:
    host = found.raw_host.decode("ascii").rstrip(".")
    bracketed = f"[{host}]" if ":" in host else host
    # Where the scheme is written in capitals, httpx2 leaves its default port in place.
    usual = found.port in {None, _PORTS[found.scheme]}
    return bracketed if usual else f"{bracketed}:{found.port}"


def _escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else f"%{match[1].upper()}"

"""Addresses of chat servers, judged before anything is sent."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_TAKEN = "base_url takes an address such as http://localhost:8000/v1"


def fault(base_url: str) -> str | None:
    """What is wrong with the address of a server; None where nothing is."""
    try:
        parts = urlsplit(base_url)
        host, login = ascii_host(parts.hostname or ""), parts.username
        _ = parts.port
    except ValueError:  # a port that is no number, brackets that do not close
        return f"{_TAKEN}, got {base_url!r}"
    if login is not None:
        return "base_url must not hold a login: put the key into an environment variable (key_env)"
    if parts.query or parts.fragment:
        return f"{_TAKEN}, without '?' and '#'"
    printable = re.fullmatch(r"[!-~]*", parts.path) is not None
    if parts.scheme not in {"http", "https"} or not host or not printable:
        return f"{_TAKEN}, got {base_url!r}"
    return None


def ascii_host(host: str) -> str:
    """A host's name as it is looked up. Raises ValueError for what is none."""
    found = host if host.isascii() else host.encode("idna").decode()
    if re.fullmatch(r"[A-Za-z0-9._:%-]*", found) is None:
        raise ValueError(host)
    return found

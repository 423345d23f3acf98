"""A URL that fsspec opens: its file system, and its name without secrets."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rag.connectors.names import printable
from rag.connectors.storage.trouble import told
from rag.errors import MissingExtraError, SourceError
from rag.types import Scalar

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# The package behind each scheme and the extra that brings it; "" for what fsspec has itself.
_BEHIND = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "gs": ("gcsfs", "gs"),
    "gcs": ("gcsfs", "gs"),
    "az": ("adlfs", "az"),
    "abfs": ("adlfs", "az"),
    "abfss": ("adlfs", "az"),
    "sftp": ("paramiko", "sftp"),
    "ssh": ("paramiko", "sftp"),
    "ftp": ("", ""),
    "memory": ("", ""),
}
SCHEMES = tuple(_BEHIND)
# Their listings are of any length, and would stay in memory.
_UNCACHED = ("s3fs", "gcsfs")


class Place:
    """Where `url` leads. `name` is the URL as sources are named: no password, no closing slash.

    `endpoint` is the address of a server that speaks S3; `storage` are options of the file
    system. Raises SourceError for a URL that cannot be one.
    """

    def __init__(self, url: str, endpoint: str | None, storage: Mapping[str, Scalar]) -> None:
        self.scheme, _, self._rest = url.partition("://")
        if self.scheme not in SCHEMES:
            taken = ", ".join(SCHEMES)
            raise SourceError(f"no file system is known for '{_without(url)}' (taken: {taken})")
        self.name = printable(_without(url).rstrip("/"))
        if not self._rest.strip("/") and self.scheme != "memory":
            raise SourceError(f"'{self.name}' names no bucket or host; add one")
        if endpoint is not None and _BEHIND[self.scheme][0] != "s3fs":
            raise SourceError(
                f"endpoint_url is an option of s3:// sources, not of {self.scheme}://"
            )
        self.url = url
        self._endpoint = endpoint
        self._storage = dict(storage)

    def open(self) -> tuple[AbstractFileSystem, str]:
        """The file system, and the path on it. Raises SourceError or MissingExtraError."""
        from fsspec.core import url_to_fs

        package, extra = _BEHIND[self.scheme]
        try:
            if package:
                importlib.import_module(package)
            options = {**self._defaults(package), **self._storage}
            system, path = url_to_fs(self.url, skip_instance_cache=True, **options)
        except ImportError:
            raise MissingExtraError(f"{self.scheme}://", extra) from None
        except Exception as error:  # each file system's library has its own
            raise SourceError(f"cannot open {self.name}: {self.told(error)}") from error
        return system, path.rstrip("/")

    def told(self, error: Exception) -> str:
        """One line about `error`, with no secret in it."""
        line = told(error)
        for secret in self._secrets():
            line = line.replace(secret, "***")
        return line

    def _defaults(self, package: str) -> dict[str, object]:
        options: dict[str, object] = {}
        if package in _UNCACHED:
            options["use_listings_cache"] = False
        if self._endpoint is not None:
            options["endpoint_url"] = self._endpoint
        if package == "paramiko":
            from rag.connectors.storage.hosts import KnownHosts

            options["host_key_policy"] = KnownHosts()
        return options

    def _secrets(self) -> list[str]:
        password = urlsplit(self.url).password or ""
        given = [value for value in self._storage.values() if isinstance(value, str)]
        return [secret for secret in (password, unquote(password), *given) if secret]


def _without(url: str) -> str:
    """`url` without a password; the user's name stays, since it says whose files they are."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    user, at, address = host.rpartition("@")
    return f"{scheme}{mark}{user.partition(':')[0]}{at}{address}{slash}{path}"

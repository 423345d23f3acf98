"""Documents behind a URL: object stores, servers, and archives anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from rag.connectors.formats.catalogue import by_extension, extension, unread
from rag.connectors.formats.format import Format, Parse
from rag.connectors.names import absolute, readable_stem
from rag.connectors.parsing.here import parse_here
from rag.connectors.reading import too_large
from rag.connectors.storage.archive import Kind, archive_kind
from rag.connectors.storage.entry import Entry, Listing
from rag.connectors.storage.packed import LocalFile, Packed, RemoteFile
from rag.connectors.storage.place import SCHEMES, Place
from rag.connectors.storage.tree import Tree, split
from rag.errors import SourceError
from rag.types import Document, Failure, Item, Scalar

_ARCHIVES: dict[str, Kind] = {"zip": "zip", "tar": "tar"}


class RemoteConnector:
    """Lists the files beneath a URL whose extension a registered format reads, or one file.

    `url` is `s3://`, `gs://`, `az://`, `sftp://`, `ftp://` or `memory://`, may end in wildcards
    (`s3://bucket/docs/**/*.md`), and is read as FilesConnector reads folders. What it names
    that ends in `.zip`, `.tar`, `.tar.gz` or the like is opened as an archive, on disk too;
    `zip://*.md::docs.zip` and `tar://notes/**::s3://bucket/docs.tgz` choose among its members.
    Archives within archives are not opened.

    Credentials come from where each file system's own library looks for them, as a rule the
    environment. `endpoint_url` is the address of another server that speaks S3; `storage` are
    further options of the file system, such as `{anon: true}` for a public bucket.
    `max_unpacked` bounds, in bytes, what an archive may unpack to.

    Raises SourceError for a URL that cannot be one, and from `items()` where nothing can be
    listed; MissingExtraError where the file system's package is not installed.
    """

    given: ClassVar[frozenset[str]] = frozenset({"base", "parse"})
    schemes: ClassVar[tuple[str, ...]] = (*SCHEMES, *_ARCHIVES)
    shorthand: ClassVar[str] = "url"

    def __init__(
        self,
        *,
        url: str,
        max_bytes: Annotated[int, Field(ge=1)] = 100_000_000,
        max_unpacked: Annotated[int, Field(ge=1)] = 10_000_000_000,
        endpoint_url: str | None = None,
        storage: Mapping[str, str | int | float | bool] | None = None,
        base: Path | None = None,
        parse: Parse = parse_here,
    ) -> None:
        self._parse = parse
        self._max_bytes = max_bytes
        kind, inner, outer = _parts(url)
        options: Mapping[str, Scalar] = storage or {}
        if "://" not in outer:
            kind = _known(kind, url)
            container = LocalFile(absolute(outer), base)
            self._listing: Listing = Packed(container, kind, inner, max_bytes, max_unpacked)
        elif kind:
            place = Place(outer, endpoint_url, options)
            self._listing = Packed(RemoteFile(place), kind, inner, max_bytes, max_unpacked)
        else:
            fixed, glob = split(outer)
            self._listing = Tree(Place(fixed, endpoint_url, options), glob, max_bytes)

    @property
    def skipped(self) -> Counter[str]:
        """What was passed over, by extension, and as `link`, `special`, `duplicate`, `unnamed`."""
        return self._listing.skipped

    def items(self) -> Iterator[Item | Failure]:
        """Every file, sorted by the parts of its path; what cannot be listed is a Failure."""
        for entry in self._listing.entries():
            if isinstance(entry, Failure):
                yield entry
            elif (reader := by_extension().get(extension(entry.path))) is not None:
                yield self._item(entry, reader)
            elif entry.given:
                yield Failure(entry.source, unread(entry.path))
            else:
                self.skipped[extension(entry.path)] += 1

    def covers(self, source: str) -> bool:
        """Whether `source` lies beneath the URL, and not where listing last failed."""
        return self._listing.covers(source)

    def _item(self, entry: Entry, reader: Format) -> Item | Failure:
        if entry.size is not None and entry.size > self._max_bytes:
            return Failure(entry.source, too_large(entry.size, self._max_bytes))
        version = f"{entry.state}-{reader.name}-{reader.version}" if entry.state else ""
        load = partial(self._load, entry, reader)
        return Item(entry.source, entry.source, version, load, entry.size)

    def _load(self, entry: Entry, reader: Format) -> Document:
        parsed = self._parse(reader, entry.read(), entry.source)
        title = parsed.title or readable_stem(entry.path)
        metadata = {**parsed.metadata, "format": reader.name.lower()}
        return Document(entry.source, entry.source, parsed.text, title, parsed.blocks, metadata)


def _parts(url: str) -> tuple[Kind | None, str, str]:
    """The kind of archive, the part within it, and what holds it: the URL itself for none."""
    first, mark, outer = url.partition("::")
    scheme, _, inner = first.partition("://")
    if scheme in _ARCHIVES:
        if not mark or not outer:
            raise SourceError(f"'{url}' names no archive; write {scheme}://*.md::docs.{scheme}")
        if outer.partition("://")[0] in _ARCHIVES:
            raise SourceError(f"'{url}' is an archive within an archive; unpack the outer one")
        return _ARCHIVES[scheme], inner, outer.removeprefix("file://")
    return archive_kind(url), "", url


def _known(kind: Kind | None, url: str) -> Kind:
    if kind is None:
        raise SourceError(f"'{url}' is neither a URL of storage nor an archive; see use: files")
    return kind

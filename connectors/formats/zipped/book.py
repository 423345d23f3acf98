"""What an EPUB says of itself: the order of its chapters, their names, whether it is locked."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from rag.connectors.formats.zipped.container import Container
from rag.connectors.formats.zipped.package import declared
from rag.connectors.formats.zipped.part import attribute, child, children, tidy, tree, within
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_RIGHTS = ("META-INF/rights.xml", "META-INF/sinf.xml", "META-INF/license.lcpl")
# Fonts are made unusable outside their book in these ways; all else is text that is locked.
_OF_FONTS = frozenset(
    {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
)  # fmt: skip
_PAGES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
_LONGEST_NAME = 300  # characters of a chapter's name
_KNOWN = {
    "title": "title",
    "creator": "author",
    "date": "created",
    "language": "language_declared",
}


class Book:
    """An EPUB. Raises DocumentError where the data is none, is locked, or is damaged."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.container = Container(data, kind)
        if _CONTAINER not in self.container:
            raise DocumentError(f"is not {kind} although its name says so: it is another archive")
        self._refuse_locked()
        roots = within(tree(self.container, _CONTAINER), "rootfile")
        self._path = next((attribute(one, "full-path") for one in roots), "")
        self._package = tree(self.container, self._path)
        self._items = {
            attribute(one, "id"): one for one in children(self._package, "manifest")
        }  # fmt: skip

    def properties(self) -> dict[str, str]:
        """Title, author, day and language, as far as the book names them."""
        metadata = child(self._package, "metadata")
        return {} if metadata is None else declared(metadata, _KNOWN)

    def chapters(self) -> Iterator[tuple[str, str]]:
        """The parts that are read, in order and each once, with the names that they go by.

        A part that the table of contents does not name belongs to the chapter before it.
        """
        names = self._names()
        chapter = ""
        seen: set[str] = set()
        for reference in children(self._package, "spine"):
            item = self._items.get(attribute(reference, "idref"))
            if item is None or attribute(item, "media-type") not in _PAGES:
                continue
            part = _resolved(self._path, attribute(item, "href"))
            if part not in seen and "nav" not in attribute(item, "properties").split():
                chapter = names.get(part, chapter)
                yield part, chapter
            seen.add(part)

    def _names(self) -> dict[str, str]:
        """The first name of each part in the table of contents: EPUB 3's, else EPUB 2's."""
        found: dict[str, str] = {}
        for item in self._items.values():
            part = _resolved(self._path, attribute(item, "href"))
            if part not in self.container:
                continue
            if "nav" in attribute(item, "properties").split():
                return dict(_of_nav(tree(self.container, part), part))
            if attribute(item, "media-type") == "application/x-dtbncx+xml":
                for target, name in _of_ncx(tree(self.container, part), part):
                    found.setdefault(target, name)
        return found

    def _refuse_locked(self) -> None:
        algorithms: set[str] = set()
        if _ENCRYPTION in self.container:
            for one in within(tree(self.container, _ENCRYPTION), "EncryptedData"):
                method = child(one, "EncryptionMethod")
                algorithms.add("" if method is None else attribute(method, "Algorithm"))
        if algorithms - _OF_FONTS or any(name in self.container for name in _RIGHTS):
            raise DocumentError("is locked by DRM; only a copy without it can be indexed")


def _of_nav(root: _Element, part: str) -> Iterator[tuple[str, str]]:
    contents = [one for one in within(root, "nav") if attribute(one, "type") == "toc"]
    links = [link for one in contents for link in within(one, "a")]
    for link in reversed(links):  # so that the first of several names of a part is kept
        yield _resolved(part, attribute(link, "href")), _flat("".join(link.itertext()))


def _of_ncx(root: _Element, part: str) -> Iterator[tuple[str, str]]:
    for point in within(root, "navPoint"):
        label, target = child(point, "navLabel", "text"), child(point, "content")
        if label is not None and target is not None:
            yield _resolved(part, attribute(target, "src")), _flat(label.text or "")


def _flat(text: str) -> str:
    return " ".join(tidy(text).split())[:_LONGEST_NAME]


def _resolved(base: str, reference: str) -> str:
    """The part that a reference in `base` names, without the place within it."""
    path = unquote(reference.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(base), path)).lstrip("/")

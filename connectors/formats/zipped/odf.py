"""OpenDocument packages: their kind, what they declare, and the styles that matter here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.container import Container
from rag.connectors.formats.zipped.package import declared
from rag.connectors.formats.zipped.part import (
    attribute,
    child,
    children,
    local,
    number,
    tree,
    within,
)
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

CONTENT = "content.xml"

_MEDIA_TYPE = "application/vnd.oasis.opendocument."
_KINDS = {"text": "ODT", "spreadsheet": "ODS", "presentation": "ODP"}
_KNOWN: Mapping[str, str] = {
    "title": "title",
    "initial-creator": "author",
    "creator": "author",
    "creation-date": "created",
    "language": "language_declared",
}
_LONGEST_TYPE = 200
_TITLE = "Title"


class OdfPackage:
    """A package of the format `kind`. Raises DocumentError where it is none, or encrypted."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.container = Container(data, kind)
        _require(self._media_type(), kind)
        manifest = "META-INF/manifest.xml"
        if manifest in self.container:
            entries = tree(self.container, manifest)
            if next(within(entries, "encryption-data"), None) is not None:
                raise DocumentError("is encrypted; remove the password and index it again")

    def properties(self) -> dict[str, str]:
        """Title, author and day of creation, as far as the file names them."""
        if "meta.xml" not in self.container:
            return {}
        meta = child(tree(self.container, "meta.xml"), "meta")
        return {} if meta is None else declared(meta, _KNOWN)

    def styles(self) -> OdfStyles:
        """The styles of the whole document; those of `content.xml` are added when it is read."""
        styles = OdfStyles()
        if "styles.xml" in self.container:
            root = tree(self.container, "styles.xml")
            for part in ("styles", "automatic-styles"):
                styles.add(children(root, part))
        return styles

    def _media_type(self) -> str:
        if "mimetype" not in self.container:
            return ""
        return self.container.read("mimetype", _LONGEST_TYPE).decode("ascii", "replace").strip()


class OdfStyles:
    """What styles say of titles, of lists that count, and of tables that are hidden."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._counting: dict[str, set[int]] = {}
        self._hidden: set[str] = set()

    def add(self, styles: list[_Element]) -> None:
        """Take further styles into account."""
        for style in styles:
            name = attribute(style, "name")
            if local(style) == "list-style":
                levels = [one for one in style if local(one) == "list-level-style-number"]
                shown = [one for one in levels if attribute(one, "num-format")]
                self._counting[name] = {number(one, "level", 1) for one in shown}
            elif local(style) == "style":
                self._parents[name] = attribute(style, "parent-style-name")
                table = child(style, "table-properties")
                if table is not None and attribute(table, "display") == "false":
                    self._hidden.add(name)

    def is_title(self, style: str) -> bool:
        """Whether paragraphs of a style, or of what it is based on, are the document's title."""
        return _TITLE in {style, self._parents.get(style)}

    def is_hidden(self, style: str) -> bool:
        """Whether tables of a style are hidden."""
        return style in self._hidden

    def counts(self, style: str, depth: int) -> bool:
        """Whether a list's items at a depth from 0 are numbered."""
        return depth + 1 in self._counting.get(style, ())


def _require(media_type: str, kind: str) -> None:
    rest = media_type.removeprefix(_MEDIA_TYPE).removesuffix("-template").removesuffix("-master")
    found = _KINDS.get(rest, "something else") if rest != media_type else "another archive"
    if found != kind:
        raise DocumentError(
            f"is not {kind} although its name says so: it looks like {found}; "
            "give it the extension of what it is"
        )

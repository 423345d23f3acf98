"""Office Open XML packages: their main part, what parts refer to, and their core properties."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.container import Container
from rag.connectors.formats.zipped.part import attribute, local, root_name, tidy, tree
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROOTS = {"document": "DOCX", "presentation": "PPTX", "workbook": "XLSX"}
CORE: Mapping[str, str] = {
    "title": "title",
    "creator": "author",
    "created": "created",
    "language": "language_declared",
}
# What programs write where nobody gave a title.
_NO_TITLES = frozenset({"PowerPoint Presentation", "Word Document", "Slide 1"})


class Package:
    """A package whose main part is of the format `kind`. Raises DocumentError where it is not."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.container = Container(data, kind)
        self._relations: dict[str, dict[str, tuple[str, str]]] = {}
        if "[Content_Types].xml" not in self.container:
            raise DocumentError(f"is not {kind} although its name says so: it is another archive")
        self.main = self.related("", "officeDocument")
        if not self.main:
            raise DocumentError("is damaged: it names no main part; fetch or export it again")
        if self.main.lower().endswith(".bin"):
            raise DocumentError("is a binary workbook (.xlsb); save it as .xlsx")
        found = _ROOTS.get(root_name(self.container, self.main), "something else")
        if found != kind:
            raise DocumentError(
                f"is not {kind} although its name says so: it looks like {found}; "
                "give it the extension of what it is"
            )

    def tree(self, name: str) -> _Element:
        """A part as a tree."""
        return tree(self.container, name)

    def targets(self, part: str) -> dict[str, tuple[str, str]]:
        """What `part` refers to within the package: by id, the kind and the part's name."""
        if part not in self._relations:
            self._relations[part] = self._read_relations(part)
        return self._relations[part]

    def related(self, part: str, kind: str) -> str:
        """The first part of a kind, such as `styles`, that `part` refers to; "" for none."""
        return next((name for found, name in self.targets(part).values() if found == kind), "")

    def properties(self) -> dict[str, str]:
        """Title, author and day of creation, as far as the file names them."""
        name = self.related("", "core-properties")
        if not name or name not in self.container:
            return {}
        return declared(self.tree(name))

    def _read_relations(self, part: str) -> dict[str, tuple[str, str]]:
        folder, base = posixpath.split(part)
        name = posixpath.join(folder, "_rels", f"{base}.rels")
        if name not in self.container:
            return {}
        return {
            attribute(one, "Id"): (_kind(one), _resolved(folder, attribute(one, "Target")))
            for one in self.tree(name)
            if attribute(one, "TargetMode") != "External"
        }


def reference(element: _Element, name: str = "id") -> str:
    """The id of the relation that an element names; plain attributes of that name are others."""
    for key in element.attrib:  # not `items()`, which takes quadratic time
        if str(key).endswith(f"/relationships}}{name}"):
            return str(element.get(key))
    return ""


def declared(root: _Element, known: Mapping[str, str] = CORE) -> dict[str, str]:
    """What the elements below `root` declare, under the keys of `known`, the first name first."""
    values: dict[str, str] = {}
    for element in root:
        values.setdefault(local(element), " ".join(tidy(element.text or "").split()))
    found: dict[str, str] = {}
    for name, key in known.items():
        if value := values.get(name):
            found.setdefault(key, value)
    if found.get("title") in _NO_TITLES:
        del found["title"]
    return dated(found)


def dated(found: dict[str, str]) -> dict[str, str]:
    """`found` with its `created` cut to a day, or without it where it is no date."""
    day = found.pop("created", "")[:10]
    digits = day.replace("-", "")
    if len(day) == 10 and len(digits) == 8 and digits.isascii() and digits.isdigit():
        found["created"] = day
    return found


def _kind(relation: _Element) -> str:
    return attribute(relation, "Type").rpartition("/")[2]


def _resolved(folder: str, target: str) -> str:
    """The part that a target names: relative to the folder of the part that refers to it."""
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")

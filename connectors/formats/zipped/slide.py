"""One slide of a presentation: its title, and the rest in the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.chart import chart_text
from rag.connectors.formats.zipped.drawing import body_blocks, body_text, table_text
from rag.connectors.formats.zipped.package import Package, reference
from rag.connectors.formats.zipped.part import attribute, child, local, number, within
from rag.connectors.formats.zipped.reading_order import Box, Placed, in_reading_order
from rag.types import BlockKind

if TYPE_CHECKING:
    from lxml.etree import _Element

_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr"})
_BULLETED = frozenset({"", "body", "obj"})
_TRUE = frozenset({"1", "true"})
_PROPERTIES = ("nvSpPr", "nvGrpSpPr", "nvGraphicFramePr")


class SlideReader:
    """Reads slides of one package; the places that layouts give are found once for each."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._layouts: dict[str, dict[tuple[str, str], Box]] = {}

    def read(self, part: str) -> tuple[str, list[tuple[BlockKind, str]]]:
        """The title of a slide, and its other blocks."""
        root = child(self._package.tree(part), "cSld", "spTree")
        shapes = [] if root is None else list(self._shapes(root, part))
        titles = [shape for shape in shapes if _placeholder(shape)[0] in _TITLES]
        title = body_text(child(titles[0], "txBody")) if titles else ""
        others = [shape for shape in shapes if shape not in titles[:1]]
        return title, [block for shape in others for block in self._blocks(shape, part)]

    def notes(self, part: str) -> str:
        """What the speaker notes beneath a slide."""
        name = self._package.related(part, "notesSlide")
        if not name or name not in self._package.container:
            return ""
        root = child(self._package.tree(name), "cSld", "spTree")
        shapes = [] if root is None else list(_children(root))
        bodies = (child(one, "txBody") for one in shapes if _placeholder(one)[0] == "body")
        return "\n".join(filter(None, map(body_text, bodies)))

    def _shapes(self, group: _Element, part: str) -> Iterator[_Element]:
        """The shapes within a group, those of further groups in their place."""
        placed = [Placed(one, self._box(one, part)) for one in _children(group)]
        for one in in_reading_order(placed):
            if local(one) == "grpSp":
                yield from self._shapes(one, part)
            elif _placeholder(one)[0] not in _FURNITURE:
                yield one

    def _blocks(self, shape: _Element, part: str) -> Iterator[tuple[BlockKind, str]]:
        kind, index = _placeholder(shape)
        if (body := child(shape, "txBody")) is not None:
            bulleted = kind in _BULLETED and bool(kind or index)
            yield from body_blocks(body, bulleted=bulleted)
        if (data := child(shape, "graphic", "graphicData")) is None:
            return
        for one in data:
            if local(one) == "tbl":
                yield "table", table_text(one)
            elif local(one) == "chart":
                yield from chart_text(self._package, self._target(part, reference(one)))
            elif local(one) == "relIds":
                yield "list", self._diagram(self._target(part, reference(one, "dm")))

    def _diagram(self, part: str) -> str:
        """The texts of a diagram (SmartArt), in the order of its data."""
        if not part:
            return ""
        points = within(self._package.tree(part), "pt")
        texts = (body_text(child(point, "t")).replace("\n", "\n  ") for point in points)
        return "\n".join(f"- {text}" for text in texts if text)

    def _target(self, part: str, relation: str) -> str:
        name = self._package.targets(part).get(relation, ("", ""))[1]
        return name if name in self._package.container else ""

    def _box(self, shape: _Element, part: str) -> Box | None:
        """Where a shape stands: as it says itself, else as its layout says."""
        if (own := _own_box(shape)) is not None:
            return own
        kind, index = _placeholder(shape)
        inherited = self._inherited(self._package.related(part, "slideLayout"))
        return inherited.get(("", index)) if index else inherited.get((kind, ""))

    def _inherited(self, layout: str) -> dict[tuple[str, str], Box]:
        """The places of a layout's placeholders, by index and by kind, its master's below."""
        if layout not in self._layouts:
            self._layouts[layout] = {}
            master = self._package.related(layout, "slideMaster") if layout else ""
            for name in filter(None, (master, layout)):
                if name in self._package.container:
                    self._layouts[layout] |= self._placeholders(name)
        return self._layouts[layout]

    def _placeholders(self, part: str) -> dict[tuple[str, str], Box]:
        root = child(self._package.tree(part), "cSld", "spTree")
        found: dict[tuple[str, str], Box] = {}
        for shape in () if root is None else _children(root):
            kind, index = _placeholder(shape)
            if (box := _own_box(shape)) is not None:
                found |= {("", index): box, (kind, ""): box}
        return found


def _children(group: _Element) -> Iterator[_Element]:
    """The shapes of a group that are shown and may hold text, or further groups."""
    for one in group:
        name = local(one)
        if name == "AlternateContent":
            if (choice := child(one, "Choice")) is not None:
                yield from _children(choice)
        elif name in {"sp", "grpSp", "graphicFrame"} and not _is_hidden(one):
            yield one


def _named(shape: _Element) -> _Element | None:
    return next((one for one in shape if local(one) in _PROPERTIES), None)


def _is_hidden(shape: _Element) -> bool:
    properties = child(_named(shape), "cNvPr")
    return properties is not None and attribute(properties, "hidden") in _TRUE


def _placeholder(shape: _Element) -> tuple[str, str]:
    """The kind and index of the placeholder that a shape fills; two "" for none."""
    found = child(_named(shape), "nvPr", "ph")
    return ("", "") if found is None else (attribute(found, "type"), attribute(found, "idx"))


def _own_box(shape: _Element) -> Box | None:
    properties = next((one for one in shape if local(one) in {"spPr", "grpSpPr"}), shape)
    place, size = (child(properties, "xfrm", name) for name in ("off", "ext"))
    if place is None or size is None:
        return None
    left, top = number(place, "x"), number(place, "y")
    return Box(left, top, left + number(size, "cx"), top + number(size, "cy"))

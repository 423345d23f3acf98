"""What the styles of a Word document make of paragraphs: headings, by level, and lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.part import attribute, child, number

if TYPE_CHECKING:
    from lxml.etree import _Element

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_CONTENTS = re.compile(r"toc ([1-9]|heading)", re.IGNORECASE)
_BODY = 9  # the outline level of plain text
_MOST_ANCESTORS = 30


@dataclass(frozen=True, slots=True)
class Style:
    """How a paragraph stands in the text: `level` 0 is the title, 1 the highest heading.

    `list_id` and `depth` name the list that it is an item of. `contents`: a line of a table of
    contents.
    """

    level: int | None = None
    list_id: str = ""
    depth: int = 0
    contents: bool = False


class Styles:
    """The paragraph styles of one document."""

    def __init__(self, root: _Element | None) -> None:
        elements = [] if root is None else [one for one in root if attribute(one, "styleId")]
        self._elements = {attribute(one, "styleId"): one for one in elements}
        defaults = (
            key for key, one in self._elements.items()
            if attribute(one, "default") in {"1", "true"} and attribute(one, "type") == "paragraph"
        )  # fmt: skip
        self._default = next(defaults, "")
        self._known: dict[str, Style] = {}

    def of(self, paragraph: _Element) -> Style:
        """What `paragraph` is: by its own properties, else by its style's."""
        properties = child(paragraph, "pPr")
        named = child(properties, "pStyle")
        style_id = self._default if named is None else attribute(named, "val")
        if style_id not in self._known:
            self._known[style_id] = self._style(style_id)
        return _refined(self._known[style_id], properties)

    def _style(self, style_id: str) -> Style:
        """Properties nearest to the style win, so ancestors are applied first."""
        line: list[_Element] = []
        while (element := self._elements.get(style_id)) is not None:
            if element in line or len(line) == _MOST_ANCESTORS:
                break
            line.append(element)
            based = child(element, "basedOn")
            style_id = "" if based is None else attribute(based, "val")
        found = Style()
        for element in reversed(line):
            found = _refined(_named(found, element), child(element, "pPr"))
        return found


def _named(style: Style, element: _Element) -> Style:
    """By the names of built-in styles, which are English in every language of Word."""
    name = child(element, "name")
    called = "" if name is None else attribute(name, "val")
    if _CONTENTS.fullmatch(called):
        return Style(contents=True)
    if called.lower() == "title":
        return Style(level=0)
    heading = _HEADING.fullmatch(called)
    return Style(int(heading[1]), style.list_id, style.depth) if heading else style


def _refined(style: Style, properties: _Element | None) -> Style:
    """`style` as the properties of a paragraph change it."""
    if properties is None:
        return style
    level, list_id, depth = style.level, style.list_id, style.depth
    if (outline := child(properties, "outlineLvl")) is not None:
        outlined = number(outline, "val", _BODY)
        level = outlined + 1 if 0 <= outlined < _BODY else None
    if (numbering := child(properties, "numPr")) is not None:
        named, deep = child(numbering, "numId"), child(numbering, "ilvl")
        list_id = list_id if named is None else attribute(named, "val")
        depth = depth if deep is None else min(max(number(deep, "val"), 0), 8)
    return Style(level, "" if list_id == "0" else list_id, depth, style.contents)

"""The text of a paragraph of OpenDocument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.flow import Paragraph
from rag.connectors.formats.zipped.part import local, number

if TYPE_CHECKING:
    from lxml.etree import _Element

_DROPPED = frozenset(
    {
        "annotation",
        "annotation-end",
        "change",
        "hidden-text",
        "ruby-text",
        "script",
        "object",
        "object-ole",
        "image",
        "desc",
        "notes",
        "tracked-changes",
    }
)
_BOXES = frozenset({"frame", "custom-shape", "rect", "ellipse", "g"})
_MARKS = {"tab": "\t", "line-break": "\n"}
_MOST_SPACES = 100


def read(element: _Element) -> Paragraph:
    """What a reader sees of a `text:p` or `text:h`; what is anchored in it is kept apart."""
    found = Paragraph()
    stack: list[_Element | str] = [element]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            found.parts.append(one)
            continue
        name = local(one)
        if one is not element and one.tail:
            stack.append(_spaced(one.tail))
        if name in _BOXES:
            found.boxes.append(one)
        elif name == "note":
            found.parts.append(one)
        elif name == "s":
            found.parts.append(" " * min(number(one, "c", 1), _MOST_SPACES))
        elif name in _MARKS:
            found.parts.append(_MARKS[name])
        elif name and name not in _DROPPED:
            stack += one[::-1]
            found.parts.append(_spaced(one.text or ""))
    return found


def _spaced(text: str) -> str:
    """Line ends within the markup are spaces; those of the text are elements."""
    return text.replace("\n", " ").replace("\r", " ").replace("\t", " ")

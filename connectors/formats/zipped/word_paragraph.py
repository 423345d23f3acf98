"""The text of a paragraph of Word: with what was inserted, without what was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.flow import Paragraph
from rag.connectors.formats.zipped.part import attribute, child, local

if TYPE_CHECKING:
    from lxml.etree import _Element

_DROPPED = frozenset(
    {
        "del",
        "moveFrom",
        "delText",
        "instrText",
        "delInstrText",
        "Fallback",  # the same once more, for older programs
        "rt",  # pronunciation above the characters
        "pPr",
        "rPr",
        "sdtPr",
    }
)
_MARKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
_NOTES = frozenset({"footnoteReference", "endnoteReference"})
_OFF = frozenset({"0", "false", "off"})


def read(element: _Element) -> Paragraph:
    """What a reader sees of a `w:p`; text boxes anchored in it are kept apart."""
    found = Paragraph()
    fields: list[bool] = []  # open fields, whether past their code
    stack = [element]
    while stack:
        one = stack.pop()
        name = local(one)
        if name in _DROPPED or (name == "r" and _is_hidden(one)):
            continue
        if name == "txbxContent":
            found.boxes.append(one)
        elif name == "fldChar":
            _step(fields, attribute(one, "fldCharType"))
        elif (part := _part(one, name)) is not None:
            found.parts += [part] if all(fields) else []
        else:
            stack += one[::-1]
    return found


def _part(one: _Element, name: str) -> str | _Element | None:
    if name == "t":
        return one.text or ""
    return one if name in _NOTES else _MARKS.get(name)


def _step(fields: list[bool], mark: str) -> None:
    if mark == "begin":
        fields.append(False)
    elif fields and mark == "separate":
        fields[-1] = True
    elif fields and mark == "end":
        fields.pop()


def _is_hidden(run: _Element) -> bool:
    vanish = child(run, "rPr", "vanish")
    return vanish is not None and attribute(vanish, "val") not in _OFF

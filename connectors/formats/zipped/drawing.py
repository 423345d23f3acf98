"""Text and tables of drawings, as slides hold them (DrawingML)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.grid import Grid
from rag.connectors.formats.zipped.part import attribute, child, local, number, tidy, within
from rag.types import BlockKind

if TYPE_CHECKING:
    from lxml.etree import _Element

_AUTOMATIC = frozenset({"slidenum", "datetime"})
_TRUE = frozenset({"1", "true"})
_MARKERS = {"buChar": "-", "buBlip": "-", "buAutoNum": "1", "buNone": ""}


def paragraph_text(paragraph: _Element) -> str:
    """The text of an `a:p`, without numbers and dates that slides fill in by themselves."""
    parts: list[str] = []
    for run in paragraph:
        name = local(run)
        if name == "br":
            parts.append("\n")
        elif name in {"r", "fld"} and not _is_automatic(run):
            parts += [one.text or "" for one in within(run, "t")]
        elif name in {"m", "AlternateContent"}:  # a formula
            parts += [one.text or "" for one in within(run, "t") if not _is_fallback(one, run)]
    return tidy("".join(parts))


def body_text(body: _Element | None) -> str:
    """All paragraphs of a text body, a line each."""
    if body is None:
        return ""
    texts = (paragraph_text(one) for one in body if local(one) == "p")
    return "\n".join(text for text in texts if text)


def body_blocks(body: _Element, *, bulleted: bool) -> Iterator[tuple[BlockKind, str]]:
    """The text of a body in paragraphs and lists; `bulleted` where nothing else is said."""
    counts: Counter[int] = Counter()
    lines: list[tuple[bool, str]] = []
    for paragraph in body:
        if local(paragraph) != "p" or not (text := paragraph_text(paragraph)):
            continue
        depth, marker = _marker(paragraph, "-" if bulleted else "")
        if marker == "1":
            counts[depth] += 1
            marker = f"{counts[depth]}."
        else:
            counts[depth] = 0
        indent = "  " * depth
        shown = f"{marker} {text}".replace("\n", f"\n{indent}  ") if marker else text
        lines.append((bool(marker), (indent if marker else "") + shown))
    for is_list, group in groupby(lines, key=lambda line: line[0]):
        texts = [text for _, text in group]
        if is_list and (len(texts) > 1 or len(lines) > 1):
            yield "list", "\n".join(texts)
        else:
            yield "paragraph", "\n".join(text.removeprefix("- ") for text in texts)


def table_text(table: _Element) -> str:
    """An `a:tbl` as lines of `cell | cell`."""
    grid = Grid()
    for row in table:
        if local(row) != "tr":
            continue
        for cell in row:
            if local(cell) == "tc":
                _cell(grid, cell)
        grid.end_row()
    return grid.text


def _cell(grid: Grid, cell: _Element) -> None:
    if attribute(cell, "vMerge") in _TRUE:
        grid.again()
    elif attribute(cell, "hMerge") in _TRUE:
        grid.cell("")
    else:
        grid.cell(body_text(child(cell, "txBody")))


def _marker(paragraph: _Element, inherited: str) -> tuple[int, str]:
    properties = child(paragraph, "pPr")
    if properties is None:
        return 0, inherited
    depth = min(max(number(properties, "lvl"), 0), 8)
    said = (_MARKERS[name] for one in properties if (name := local(one)) in _MARKERS)
    return depth, next(said, inherited)


def _is_automatic(run: _Element) -> bool:
    return local(run) == "fld" and attribute(run, "type").rstrip("0123456789") in _AUTOMATIC


def _is_fallback(element: _Element, above: _Element) -> bool:
    while element is not above:
        if local(element) == "Fallback":
            return True
        element = element.getparent()
    return False

"""Charts as tables: what a chart shows is kept in its part as names and figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.connectors.formats.zipped.drawing import body_text
from rag.connectors.formats.zipped.grid import Grid
from rag.connectors.formats.zipped.package import Package
from rag.connectors.formats.zipped.part import child, number, tidy, within
from rag.types import BlockKind

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_POINTS = 10_000


def chart_text(package: Package, part: str) -> Iterator[tuple[BlockKind, str]]:
    """A chart's title, and a table of its categories and series."""
    root = child(package.tree(part), "chart") if part else None
    if root is None:
        return
    if title := body_text(child(root, "title", "tx", "rich")):
        yield "paragraph", title
    series = list(within(root, "ser"))
    columns = [_points(one, "val", "yVal") for one in series]
    names = _points(series[0], "cat", "xVal") if series else {}
    grid = Grid()
    for text in ("", *(_name(one) for one in series)):
        grid.cell(text)
    grid.end_row()
    for place in sorted({place for column in (names, *columns) for place in column}):
        for column in (names, *columns):
            grid.cell(column.get(place, ""))
        grid.end_row()
    yield "table", grid.text


def _name(series: _Element) -> str:
    return " ".join(_points(series, "tx").values())


def _points(series: _Element, *names: str) -> dict[int, str]:
    """The values of a part of a series, by their place; figures without stray digits."""
    part = next((found for name in names if (found := child(series, name)) is not None), None)
    points: dict[int, str] = {}
    for point in () if part is None else within(part, "pt"):
        value = child(point, "v")
        if value is not None and len(points) < _MOST_POINTS:
            points.setdefault(number(point, "idx"), _plain(tidy(value.text or "")))
    return points


def _plain(text: str) -> str:
    try:
        return f"{float(text):.15g}" if len(text) > 15 else text
    except ValueError:
        return text

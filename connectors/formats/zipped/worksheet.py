"""The rows of a worksheet, each cell as it is shown."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.connectors.formats.building.rows import Row
from rag.connectors.formats.decoding import clean
from rag.connectors.formats.zipped.container import Container
from rag.connectors.formats.zipped.number_format import plain
from rag.connectors.formats.zipped.part import Stream, attribute, local, within
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_CELLS = 5_000_000  # of one workbook
MOST_CELL_CHARACTERS = 200_000_000  # of one workbook

_MOST_MERGED = 20_000  # regions of one sheet
_MOST_REACHING = 256  # regions that reach down over one row
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
_REGION = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6}):([A-Z]{1,3})([1-9]\d{0,6})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(slots=True)
class Counted:
    """How much was read of a workbook so far. Raises DocumentError beyond the limits."""

    cells: int = 0
    characters: int = 0
    without_value: int = 0  # formulas that no program has worked out yet

    def add(self, text: str, cells: int = 1) -> None:
        """Count cells that each show `text`."""
        self.cells += cells
        self.characters += cells * len(text)
        if self.cells > MOST_CELLS or self.characters > MOST_CELL_CHARACTERS:
            raise DocumentError(
                f"holds more than {MOST_CELLS:,} cells or {MOST_CELL_CHARACTERS:,} characters; "
                "split it"
            )


@dataclass(slots=True)
class Merged:
    """Cells that span rows: what the top one shows is said in each row that it spans."""

    starting: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    _reaching: dict[int, tuple[int, str]] = field(default_factory=dict)

    def fill(self, number: int, cells: dict[int, str]) -> None:
        """Add to the cells of row `number` those that reach down to it."""
        for column, (last, text) in list(self._reaching.items()):
            if number > last:
                del self._reaching[column]
            else:
                cells.setdefault(column, text)
        for column, last in self.starting.get(number, ()):
            if column in cells and len(self._reaching) < _MOST_REACHING:
                self._reaching[column] = (last, cells[column])


class SheetReader:
    """Reads sheets: `strings` is what cells share, `formats` shows numbers by style."""

    def __init__(
        self,
        container: Container,
        strings: Sequence[str],
        formats: Sequence[Callable[[float], str]],
    ) -> None:
        self._container = container
        self._strings = strings
        self._formats = formats
        self.counted = Counted()

    def rows(self, part: str) -> Iterator[Row]:
        """The rows of a sheet that hold anything, with their numbers."""
        merged = self._merged(part)
        number = 0
        stream = Stream(self._container, part, ("row",))
        for element in stream:
            given = element.get("r") or ""
            number = int(given) if given.isdecimal() and len(given) < 8 else number + 1
            if cells := self._cells(element):
                merged.fill(number, cells)
                yield number, cells
            stream.free(element)

    def _cells(self, row: _Element) -> dict[int, str]:
        cells: dict[int, str] = {}
        column = -1
        for cell in row:
            found = _REFERENCE.match(cell.get("r") or "")
            column = column_number(found[1]) if found else column + 1
            if text := " ".join(self._shown(cell).split()):
                self.counted.add(text)
                cells[column] = text
        return cells

    def _shown(self, cell: _Element) -> str:
        kind = cell.get("t") or "n"
        text = ""
        is_formula = False
        for part in cell:
            name = local(part)
            if name == "v":
                text = part.text or ""
            elif name == "is":
                return rich_text(part)
            is_formula |= name == "f"
        if not text:
            self.counted.without_value += is_formula
        elif kind == "s":
            place = int(text) if text.isdecimal() and len(text) < 9 else -1
            return self._strings[place] if 0 <= place < len(self._strings) else ""
        elif kind == "n":
            return self._number(text, cell.get("s") or "0")
        elif kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        return unescaped(text)

    def _number(self, text: str, style: str) -> str:
        try:
            value = float(text)
        except ValueError:
            return clean(text)
        if not math.isfinite(value):
            return ""
        place = int(style) if style.isdecimal() and len(style) < 7 else 0
        return (self._formats[place] if place < len(self._formats) else plain)(value)

    def _merged(self, part: str) -> Merged:
        """The regions that span rows; they are listed after the rows."""
        merged = Merged()
        if not any(b"mergeCell" in piece for piece in self._container.pieces(part)):
            return merged
        count = 0
        stream = Stream(self._container, part, ("row", "mergeCell"))
        for element in stream:
            region = _REGION.fullmatch(attribute(element, "ref"))
            if region and count < _MOST_MERGED and int(region[4]) > int(region[2]):
                count += 1
                first = int(region[2])
                merged.starting[first].append((column_number(region[1]), int(region[4])))
            stream.free(element)
        return merged


def rich_text(element: _Element) -> str:
    """The text of a string with its runs, less the pronunciation above them."""
    texts = (
        one.text or "" for one in within(element, "t") if local(one.getparent()) != "rPh"
    )  # fmt: skip
    return unescaped("".join(texts))


def unescaped(text: str) -> str:
    """`text` with the characters that Excel writes as `_x000D_`."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return clean(text)


@lru_cache(maxsize=20_000)
def column_number(letters: str) -> int:
    """The number from 0 of a column that is called by letters."""
    count = 0
    for letter in letters:
        count = 26 * count + ord(letter) - ord("A") + 1
    return count - 1

"""A document's text and its blocks, built together so that offsets are right by construction."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.types import Block, BlockKind

_FIGURE = re.compile(r"\d")
_DAY = re.compile(
    r"\b[^\W\d_]+\.? \d{1,2},? (?=(?:19|20)\d\d\b)|\b\d{1,2}\.? (?=[^\W\d_]+\.? (?:19|20)\d\d\b)"
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans within `text[start:end]` that blank lines part, without surrounding white space."""
    first = last = -1
    position = start
    for line in text[start:end].split("\n"):
        body = line.strip()
        if body:
            begin = position + len(line) - len(line.lstrip())
            first = begin if first < 0 else first
            last = begin + len(body)
        elif first >= 0:
            yield first, last
            first = -1
        position += len(line) + 1
    if first >= 0:
        yield first, last


def table_header(text: str) -> str:
    """The column names of a table of `cell | cell` lines: its first line, cells between bars.

    A line heads the table where it is ruled off or has no figures; years and dates are names as
    often as they are figures. A table of one line has no column names: "".
    """
    first, _, rest = text.partition("\n")
    if "|" not in first or not rest.strip():
        return ""
    ruled = not rest.partition("\n")[0].strip().strip("|-: +=")
    if not ruled and _FIGURE.search(_YEAR.sub("", _DAY.sub("", first))):
        return ""
    framed = len(first) > 1 and first.startswith("|") and first.endswith("|")
    return " | ".join(cell.strip() for cell in (first[1:-1] if framed else first).split("|"))


class HeadingPath:
    """The headings above a place, outermost first."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    @property
    def texts(self) -> tuple[str, ...]:
        """The path at this moment."""
        return tuple(text for _, text in self._open)

    def enter(self, level: int, text: str) -> None:
        """Pass a heading: it closes those of its own level and below."""
        self.leave(level)
        self._open.append((level, text))

    def leave(self, level: int) -> None:
        """Pass the end of what a heading of `level` heads."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()


class Writer:
    """Writes blocks one after the other, `gap` between them."""

    def __init__(self, gap: str = "\n\n") -> None:
        self._gap = gap
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._path = HeadingPath()
        self.first_heading = ""
        self.place = ""  # of the blocks that are written without one

    @property
    def text(self) -> str:
        """All that was written."""
        return self._gap.join(self._parts)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of `text`."""
        return tuple(self._blocks)

    def restart(self) -> None:
        """Close every heading, as at the beginning of another part."""
        self._path = HeadingPath()

    def leave(self, level: int) -> None:
        """Close the headings of `level` and below, where what they head ends."""
        self._path.leave(level)

    def heading(self, text: str, level: int, page: int | None = None) -> None:
        """Write a heading; what follows stands beneath it."""
        title = " ".join(text.split())
        if title:
            self._path.enter(level, title)
            self.first_heading = self.first_heading or title
            self.add(title, "heading", page)

    def add(
        self,
        text: str,
        kind: BlockKind = "paragraph",
        page: int | None = None,
        *,
        place: str = "",
        row: int | None = None,
    ) -> None:
        """Write a block; one without any text is left out. A table's header is found in it."""
        if not text.strip():
            return
        start = self._length + (len(self._gap) if self._parts else 0)
        self._length = start + len(text)
        self._parts.append(text)
        header = table_header(text) if kind == "table" and row is None else ""
        path = self._path.texts
        self._blocks.append(
            Block(start, self._length, kind, page, path, place or self.place, row, header)
        )

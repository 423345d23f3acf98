"""The flow of a text document: paragraphs, lists that grow item by item, notes in their place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.connectors.formats.blocks import Writer

if TYPE_CHECKING:
    from lxml.etree import _Element

BULLET = "-"

LONGEST_HEADING = 300
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


@dataclass(slots=True)
class Paragraph:
    """The parts of a paragraph in order, text or notes; text boxes are kept apart."""

    parts: list[str | _Element] = field(default_factory=list)
    boxes: list[_Element] = field(default_factory=list)


class Flow:
    """Writes blocks in order; a note follows the block that refers to it."""

    def __init__(self) -> None:
        self.writer = Writer()
        self.page: int | None = None  # of what is written
        self._items: list[str] = []  # of the list that is open
        self._item_notes: list[str] = []
        self._notes: list[str] = []  # of what is written next
        self._counts = {"footnote": 0, "endnote": 0}

    def heading(self, text: str, level: int) -> None:
        """Write a heading; one too long to be one is a paragraph."""
        if len(text) > LONGEST_HEADING:
            self.block(text)
            return
        self._end_list()
        self.writer.heading(text, level, self.page)
        self._end_notes()

    def item(self, label: str, depth: int, text: str) -> None:
        """Add an item to the list that is open."""
        indent = "  " * min(depth, 9)
        if text:
            self._items.append(indent + f"{label} {text}".replace("\n", f"\n{indent}  "))
        self._item_notes += self._notes
        self._notes = []

    def block(self, text: str, *, table: bool = False) -> None:
        """Write a paragraph or a table."""
        self._end_list()
        self.writer.add(text, "table" if table else "paragraph", self.page)
        self._end_notes()

    def note(self, kind: str, text: str) -> str:
        """Put a note aside until its block is written; the mark that stands for it."""
        if not text:
            return ""
        self._counts[kind] += 1
        count = self._counts[kind]
        mark = f"[{count if kind == 'footnote' else roman(count)}]"
        self._notes.append(f"{mark} {text}")
        return mark

    def finish(self) -> None:
        """Write the list that is open, and the notes that wait."""
        self._end_list()
        self._end_notes()

    def _end_list(self) -> None:
        self.writer.add("\n".join(self._items), "list", self.page)
        self._add_notes(self._item_notes)
        self._items, self._item_notes = [], []

    def _end_notes(self) -> None:
        self._add_notes(self._notes)
        self._notes = []

    def _add_notes(self, notes: list[str]) -> None:
        for note in notes:
            self.writer.add(note, page=self.page)


def roman(count: int) -> str:
    """A number in small Roman figures."""
    text = ""
    for value, figure in _ROMAN:
        text += figure * (count // value)
        count %= value
    return text

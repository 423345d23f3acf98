"""From the tree of a web page to blocks of text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.webpage.furniture import is_furniture
from rag.connectors.formats.webpage.prose import layout_tables, walk

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_SPACE = re.compile(r"[ \t\n\r\f]+")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "dl", "menu"})
_ITEMS = frozenset({"li", "dt", "dd"})
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "blockquote",
        "body",
        "caption",
        "center",
        "details",
        "div",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "header",
        "hgroup",
        "hr",
        "main",
        "p",
        "section",
        "summary",
        "td",
        "th",
        "tr",
    }
)


def collapse(text: str) -> str:
    """`text` with its white space as a browser shows it: single spaces, none at the ends."""
    return _SPACE.sub(" ", text).strip(" ")


class PageReader:
    """Writes the readable text beneath a node to `writer`, but for what is `left_out`."""

    def __init__(self, left_out: Callable[[LexborNode], bool] | None = None) -> None:
        self.writer = Writer()
        self._left_out = left_out or (lambda node: is_furniture(node, False))
        self._buffer: list[str] = []
        self._lines: list[str] = []  # of the list being read
        self._prefix = ""
        self._depth = 0  # of lists
        self._preformatted = 0
        self._tables = 0
        self._rows: list[list[str]] = []
        self._layout: set[int] = set()

    def read(self, root: LexborNode) -> None:
        """Read everything beneath `root`, however deep: no call nests with the page."""
        self._layout = layout_tables(root)
        for node, opening in walk(root, self._left_out):
            tag = node.tag or ""
            if tag == "-text":
                self._buffer.append(node.text_content or "")
            elif self._tables and tag != "table":
                self._in_table(tag, opening)
            elif opening:
                self._open(tag, node)
            else:
                self._close(tag, node)
        self._flush()

    def _open(self, tag: str, node: LexborNode) -> None:
        if tag == "br":
            self._break_line()
        elif tag in _ITEMS:
            self._break_line()
            self._prefix = "  " * max(self._depth - 1, 0) + ("- " if tag == "li" else "")
        elif tag in _LISTS:
            self._break_line() if self._depth else self._flush()
            self._depth += 1
        elif tag == "table" and node.mem_id not in self._layout:
            self._flush()
            self._tables, self._rows = 1, []
        elif tag in _HEADINGS or tag in {"pre", "table"}:
            self._flush()
            self._preformatted += tag == "pre"
        elif tag in _BLOCKS:
            self._break_block()

    def _close(self, tag: str, node: LexborNode) -> None:
        if tag in _HEADINGS:
            self.writer.heading(collapse(self._take()), _HEADINGS[tag])
        elif tag in _LISTS:
            self._break_line()
            if self._depth == 1:
                self._flush()
            self._depth = max(self._depth - 1, 0)
        elif tag == "pre":
            self._flush()
            self._preformatted -= 1
        elif tag == "table":
            self._end_table() if self._tables else self._flush()
        elif tag in _ITEMS:
            self._break_line()
        elif tag in _BLOCKS:
            self._break_block()

    def _in_table(self, tag: str, opening: bool) -> None:
        if tag == "tr" and opening:
            self._rows.append([])
        elif tag in {"td", "th"}:
            cell = collapse(self._take())
            if not opening and self._rows:
                self._rows[-1].append(cell)
        elif tag == "caption":
            caption = collapse(self._take())
            if not opening:
                self.writer.add(caption)
        elif tag in _BLOCKS or tag in _ITEMS or tag in _LISTS or tag == "br":
            self._buffer.append(" ")

    def _end_table(self) -> None:
        self._buffer.clear()
        self._tables = 0
        rows = [row for row in self._rows if any(row)]
        single = all(len(row) == 1 for row in rows)
        text = "\n".join(" | ".join(row) for row in rows)
        self.writer.add(text, "paragraph" if single else "table")

    def _break_line(self) -> None:
        """End the line, in a list; elsewhere a break in a paragraph that goes on."""
        if self._depth and not self._preformatted:
            if line := collapse(self._take()):
                self._lines.append(self._prefix + line)
                self._prefix = " " * len(self._prefix)
        elif self._preformatted:
            self._buffer.append("\n")
        else:
            self._lines.append(collapse(self._take()))

    def _break_block(self) -> None:
        if self._depth:
            self._break_line()
        elif not self._preformatted:
            self._flush()

    def _flush(self) -> None:
        """Write what was gathered as a block of the kind that is open."""
        if self._preformatted:
            self.writer.add(self._take().strip("\n").rstrip(), "code")
            return
        if line := collapse(self._take()):
            self._lines.append(self._prefix + line)
        text = "\n".join(self._lines).strip("\n")
        self._lines, self._prefix = [], ""
        self.writer.add(text, "list" if self._depth else "paragraph")

    def _take(self) -> str:
        text = "".join(self._buffer)
        self._buffer.clear()
        return text

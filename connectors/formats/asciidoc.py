"""AsciiDoc: the text is the source itself, and its lines tell the structure.

Headings, attributes, delimited blocks, tables and lists are told by how their lines begin: the
only parser in Python is an early version. Nothing is included from other files.
"""

from __future__ import annotations

import re

from rag.connectors.formats.blocks import HeadingPath
from rag.connectors.formats.building.source import Source
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.types import BlockKind

_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)$")
_ATTRIBUTE = re.compile(r":([\w][\w-]*):(?:[ \t]+(.*))?$")
_ABOVE = re.compile(r"\[[^\]]*\]\s*$|\.[^\s.].*$")
_LIST = re.compile(r"(?:[*.-]{1,5}|\d{1,9}\.|[A-Za-z]\.|<(?:\d+|\.)>)[ \t]+\S|\S.*?:{2,4}(?:\s|$)")
_VERBATIM = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|```.*)\s*$")
_TABLE = re.compile(r"[|,:!]={3,}\s*$")
_UNDERLINES = "=-~^+"
_MARKUP = re.compile(r"\[\[[^\]]*\]\]|\[#[^\]]*\]|[`*_#]+|\{empty\}")
_AUTHOR = re.compile(r"([^\W\d_][\w .'\u2019-]{0,100}?)(?:\s+<([^<>\s]+)>)?\s*$")
_REVISION = re.compile(r"v?([\d][\w.]*)?,?\s*(\d{4}-\d{2}-\d{2})")


class AsciiDocFormat:
    """AsciiDoc: headings, delimited blocks, tables, lists; the header's attributes are metadata."""

    name = "AsciiDoc"
    extensions: tuple[str, ...] = (".adoc", ".asciidoc", ".asc")
    media_types: tuple[str, ...] = ("text/asciidoc", "text/x-asciidoc")
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """The source, one block for each element; attributes of the header become metadata."""
        decoded = decode(data, self.name)
        reader = _Reader(decoded.text)
        reader.read()
        metadata = {**reader.attributes, **decoded.metadata}
        return Parsed(decoded.text, reader.title, tuple(reader.source.blocks), metadata)


class _Reader:
    """Goes through the lines once; each step takes the lines of one element."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)
        self.lines = self.source.lines
        self.title = ""
        self.attributes: dict[str, str] = {}
        self._path = HeadingPath()

    def read(self) -> None:
        """Make the blocks."""
        here = self._skip(0)
        here = self._header(here)
        while here < len(self.lines):
            here = self._element(here) if self.lines[here].strip() else here + 1

    def _header(self, here: int) -> int:
        """Take the document's title with the lines beneath it, up to a blank one."""
        # Comments and attributes may stand above the title.
        start = here
        while _ATTRIBUTE.match(self._line(here)) or self._line(here).startswith("//"):
            self._attribute(here)
            here += 1
        titled = self._heading(here, start)
        if not titled and here == start:
            return start
        end = here = titled or here
        for line in range(2):
            if titled and not self._line(end).startswith((":", "//", "[", "=")):
                end += self._credit(end, line)
        while _ATTRIBUTE.match(self._line(end)) or self._line(end).startswith("//"):
            end = self._attribute(end)
        self.source.add(here if titled else start, end, "paragraph", self._path.texts)
        return end

    def _attribute(self, here: int) -> int:
        """Note an attribute; a line that ends with a backslash goes on in the next."""
        found = _ATTRIBUTE.match(self.lines[here])
        value = (found[2] or "") if found else ""
        while value.endswith(" \\") and self._line(here + 1).strip():
            here += 1
            value = f"{value[:-2]} {self.lines[here].strip()}"
        if found and value.strip():
            self.attributes.setdefault(found[1].lower(), value.strip())
        return here + 1

    def _credit(self, here: int, line: int) -> int:
        """Note an author or a revision, where the line is one: 1, or else 0."""
        text = self._line(here)
        if found := _REVISION.match(text):
            self.attributes["revdate"] = found[2]
            self.attributes |= {"revnumber": found[1]} if found[1] else {}
        elif line == 0 and (author := _AUTHOR.match(text.split(";", 1)[0])):
            self.attributes["author"] = author[1].strip()
            self.attributes |= {"email": author[2]} if author[2] else {}
        else:
            return 0
        return 1

    def _element(self, here: int) -> int:
        """Take the element that begins at line `here`; where the next may begin."""
        at = here
        while _ABOVE.match(self._line(at)) and not _VERBATIM.match(self.lines[at]):
            at += 1
        line = self._line(at)
        if found := self._heading(at, here):
            return found
        if _VERBATIM.match(line) or _TABLE.match(line):
            return self._delimited(here, at)
        if line[:1].isspace() and line.strip():
            return self._take(here, self._until_blank(at), "code")
        if _LIST.match(line):
            return self._take(here, self._list(at), "list")
        return self._take(here, self._paragraph(max(at, here + 1)), "paragraph")

    def _heading(self, at: int, here: int) -> int:
        """Take a heading at line `at` with what stands above it; 0 where there is none."""
        line, below = self._line(at), self._line(at + 1).rstrip()
        if found := _HEADING.match(line):
            level, text, end = len(found[1]), found[2], at + 1
        elif _is_underline(line.rstrip(), below):
            level, text, end = _UNDERLINES.index(below[0]) + 1, line, at + 2
        else:
            return 0
        title = " ".join(_MARKUP.sub("", text.rstrip("= #")).split()) or text.strip()
        self.title = self.title or title
        self._path.enter(level, title)
        return self._take(here, end, "heading")

    def _delimited(self, here: int, at: int) -> int:
        """Take a block between two lines that are alike, or up to the end of the text."""
        mark = self.lines[at].rstrip()
        close = "```" if mark.startswith("```") else mark
        end = at + 1
        while end < len(self.lines) and self.lines[end].rstrip() != close:
            end += 1
        table = _TABLE.match(mark) is not None
        header = self._names(here, at, end) if table else ""
        return self._take(here, min(end + 1, len(self.lines)), "table" if table else "code", header)

    def _names(self, here: int, at: int, end: int) -> str:
        """The names of a table's columns: its first row, where that is declared or set off."""
        declared = "header" in " ".join(self.lines[here:at])
        first = self._skip(at + 1)
        row = self._line(first)
        set_off = first + 1 < end and not self._line(first + 1).strip()
        mark = self.lines[at][0]
        cells = row.split(mark)[1:] if mark in "|!" else row.split(mark)
        if first >= end or len(cells) < 2 or not (declared or set_off):
            return ""
        return " | ".join(" ".join(cell.split()) for cell in cells)

    def _list(self, line: int) -> int:
        """Where a list ends: with a blank line that no item or continuation follows."""
        while line < len(self.lines):
            if self.lines[line].strip():
                # A block that is attached to an item may hold blank lines.
                attached = self.lines[line - 1].strip() == "+" and line > 0
                verbatim = _VERBATIM.match(self.lines[line])
                if verbatim and not attached:
                    return line
                line = self._closing(line) if verbatim else line + 1
                continue
            following = self._skip(line)
            if following == len(self.lines) or not _LIST.match(self.lines[following]):
                return line
            line = following
        return line

    def _closing(self, line: int) -> int:
        mark = self.lines[line].rstrip()
        end = line + 1
        while end < len(self.lines) and self.lines[end].rstrip() != mark:
            end += 1
        return min(end + 1, len(self.lines))

    def _paragraph(self, line: int) -> int:
        while line < len(self.lines) and self.lines[line].strip():
            if _VERBATIM.match(self.lines[line]) or _TABLE.match(self.lines[line]):
                break
            line += 1
        return line

    def _until_blank(self, line: int) -> int:
        while line < len(self.lines) and self.lines[line].strip():
            line += 1
        return line

    def _skip(self, line: int) -> int:
        while line < len(self.lines) and not self.lines[line].strip():
            line += 1
        return line

    def _take(self, here: int, end: int, kind: BlockKind, header: str = "") -> int:
        self.source.add(here, end, kind, self._path.texts, header=header)
        return end

    def _line(self, line: int) -> str:
        return self.lines[line] if line < len(self.lines) else ""


def _is_underline(title: str, below: str) -> bool:
    if not below or below[0] not in _UNDERLINES or below.strip(below[0]):
        return False
    words = any(character.isalnum() for character in title)
    return words and not title[0].isspace() and abs(len(title) - len(below)) <= 1

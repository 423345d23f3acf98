"""reStructuredText: the text is the source itself, and its lines tell the structure.

docutils would know the whole syntax, but its nodes have no ends, and lines only roughly; it
splits lines where a text has none, gives up at some hundred levels of nesting, and takes 20
seconds for a megabyte. Titles, literal blocks, tables, lists and directives are told by how
their lines begin; no directive is carried out, so that nothing is included from elsewhere.
"""

from __future__ import annotations

import re

from rag.connectors.formats.blocks import HeadingPath
from rag.connectors.formats.building.source import Source
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.types import BlockKind

_RULE = re.compile(r"([!-/:-@\[-`{-~])\1*\s*$")
_LIST = re.compile(
    r"(?:[-*+\u2022\u2023\u2043]|\(?(?:\d{1,9}|#|[A-Za-z]|[ivxlcdm]{1,8})[.)])(?:\s|$)"
)
_FIELD = re.compile(r":([A-Za-z][^:\n]{0,60}):(?:\s+(.*))?$")
_DIRECTIVE = re.compile(r"\.\. (?:\|[^|]+\| )?([\w:.+-]+?)::(?:\s|$)")
_GRID = re.compile(r"\+(?:[-=]+\+)+\s*$")
_COLUMNS = re.compile(r"=+(?: +=+)+\s*$")
_MARKUP = re.compile(r":[\w:.-]+:(?=`)|(?:\s*<[^<>`]*>(?=`))|[`*|]+_{0,2}")
_CODE = frozenset(
    {"code", "code-block", "sourcecode", "highlight", "parsed-literal", "literalinclude", "math",
     "prompt", "ipython", "testcode", "doctest", "productionlist"}
)  # fmt: skip
_TABLES = frozenset({"table", "csv-table", "list-table"})
_NO_METADATA_OF = frozenset({"orphan", "tocdepth", "nocomments", "nosearch", "title"})


class ReStructuredTextFormat:
    """reStructuredText: titles, directives, tables and literal blocks; nothing is included."""

    name = "reStructuredText"
    extensions: tuple[str, ...] = (".rst", ".rest")
    media_types: tuple[str, ...] = ("text/x-rst", "text/prs.fallenstein.rst")
    version = 2

    def parse(self, data: bytes, name: str) -> Parsed:
        """The source, one block for each element; fields at its head become metadata."""
        decoded = decode(data, self.name)
        reader = _Reader(decoded.text)
        reader.read()
        title = reader.fields.pop("title", "") or reader.title
        metadata = {**reader.fields, **decoded.metadata}
        return Parsed(decoded.text, title, tuple(reader.source.blocks), metadata)


class _Reader:
    """Goes through the lines once; each step takes the lines of one element."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)
        self.lines = self.source.lines
        self.title = ""
        self.fields: dict[str, str] = {}
        self._path = HeadingPath()
        self._styles: list[str] = []
        self._literal = False  # a paragraph that ended with `::` came last

    def read(self) -> None:
        """Make the blocks."""
        here = 0
        while here < len(self.lines):
            here = here + 1 if not self.lines[here].strip() else self._element(here)

    def _element(self, here: int) -> int:
        """Take the element that begins at line `here`; where the next may begin."""
        line = self.lines[here]
        literal, self._literal = self._literal, False
        if end := self._titled(here):
            return end
        if literal and (line[0].isspace() or _RULE.match(line[0])):
            end = self._indented(here) if line[0].isspace() else self._quoted(here)
            return self._take(here, end, "code")
        if line.startswith((".. ", "__ ")) or line.rstrip() in {"..", "__"}:
            found = _DIRECTIVE.match(line)
            return self._take(here, self._indented(here + 1), _kind(found[1] if found else ""))
        if (end := self._grid(here)) or (end := self._simple(here)):
            return self._take(here, end, "table")
        return self._list(here) if _LIST.match(line) or _FIELD.match(line) else self._prose(here)

    def _prose(self, here: int) -> int:
        """Take a paragraph, or the lines of a Python session."""
        end = self._paragraph(here)
        self._literal = self.lines[end - 1].rstrip().endswith("::")
        return self._take(here, end, "code" if self.lines[here].startswith(">>> ") else "paragraph")

    def _take(self, here: int, end: int, kind: BlockKind) -> int:
        header = self._header(here, end) if kind == "table" else ""
        self.source.add(here, end, kind, self._path.texts, header=header)
        return end

    def _titled(self, here: int) -> int:
        """Take a title with the line below it, and above it where there is one; 0 for none."""
        over = self._rule(here)
        at = here + 1 if over else here
        text = self._line(at)
        under = self._rule(at + 1)
        if not text.strip() or not under or (over and over != under) or self._rule(at):
            return 0
        if (text[0].isspace() and not over) or len(self.lines[at + 1].rstrip()) < min(
            4, len(text.strip())
        ):
            return 0
        style = over + under
        if style not in self._styles:
            self._styles.append(style)
        title = " ".join(_MARKUP.sub("", text).split()) or text.strip()
        self.title = self.title or title
        self._path.enter(self._styles.index(style), title)
        self.source.add(here, at + 2, "heading", self._path.texts)
        return at + 2

    def _list(self, here: int) -> int:
        """Take items of a list or fields, with all that is indented beneath them."""
        end = here
        fields = _FIELD.match(self.lines[here]) is not None
        mark = _FIELD if fields else _LIST
        while end < len(self.lines) and mark.match(self.lines[end]):
            begin, end = end, self._indented(end + 1)
            while end < len(self.lines) and self._continues(end, mark):
                end += 1
            if fields and not self._path.texts[1:]:
                self._field(begin, end)
        return self._take(here, end, "list")

    def _continues(self, line: int, mark: re.Pattern[str]) -> bool:
        text = self.lines[line]
        return bool(text.strip() and self.lines[line - 1].strip()) and not (
            mark.match(text) or text.startswith(".. ") or self._rule(line)
        )

    def _field(self, here: int, end: int) -> None:
        """Note a field where nothing but titles and fields came before it."""
        if any(block.kind not in {"heading", "list"} for block in self.source.blocks):
            return
        found = _FIELD.match(self.lines[here])
        name = found[1].strip().lower() if found else ""
        value = " ".join(
            " ".join([found[2] or "" if found else "", *self.lines[here + 1 : end]]).split()
        )
        if value and (name == "title" or name not in _NO_METADATA_OF):
            self.fields.setdefault(name, value)

    def _indented(self, line: int) -> int:
        """Where the indented lines that begin at `line` end; blank ones may lie between."""
        end = line
        while line < len(self.lines) and (
            not self.lines[line].strip() or self.lines[line][0].isspace()
        ):
            line += 1
            end = line if self.lines[line - 1].strip() else end
        return end

    def _paragraph(self, line: int) -> int:
        while line < len(self.lines) and self.lines[line].strip():
            line += 1
        return line

    def _quoted(self, line: int) -> int:
        mark = self.lines[line][0]
        while line < len(self.lines) and self.lines[line].startswith(mark):
            line += 1
        return line

    def _grid(self, line: int) -> int:
        """Where the grid table that begins at `line` ends; 0 where none does."""
        if not _GRID.match(self.lines[line].strip()):
            return 0
        while line < len(self.lines) and self.lines[line].lstrip().startswith(("+", "|")):
            line += 1
        return line

    def _simple(self, line: int) -> int:
        """Where the simple table that begins at `line` ends, as docutils has it.

        That is the first rule below with nothing after it, else the second: no look ahead goes
        further, so that many tables take no more time than their lines.
        """
        if not _COLUMNS.match(self.lines[line].strip()):
            return 0
        rules = 0
        for end in range(line + 1, len(self.lines)):
            if _COLUMNS.match(self.lines[end].strip()):
                rules += 1
                if rules == 2 or not self._line(end + 1).strip():
                    return end + 1
        return self._paragraph(line)

    def _header(self, here: int, end: int) -> str:
        """The names of the columns: what stands above the rule of a table's head."""
        rules = [n for n in range(here, end) if self.lines[n].lstrip().startswith(("+=", "=="))]
        if self.lines[here].lstrip().startswith("+-") and rules:
            rows = [line.strip().strip("|").split("|") for line in self.lines[here + 1 : rules[0]]]
        elif len(rules) == 3:
            names = self.lines[rules[0] + 1 : rules[1]]
            spans = [match.span() for match in re.finditer("=+", self.lines[here])]
            # The text of a last column may run on beyond its rule.
            last = spans[-1][0]
            rows = [[*(line[a:b] for a, b in spans[:-1]), line[last:]] for line in names]
        else:
            return ""
        cells = zip(*rows, strict=False)
        return " | ".join(" ".join(" ".join(parts).split()) for parts in cells)

    def _rule(self, line: int) -> str:
        """The mark that a line consists of; "" for any other line."""
        found = _RULE.match(self._line(line))
        return found[1] if found else ""

    def _line(self, line: int) -> str:
        return self.lines[line] if line < len(self.lines) else ""


def _kind(directive: str) -> BlockKind:
    name = directive.lower()
    return "code" if name in _CODE else "table" if name in _TABLES else "paragraph"

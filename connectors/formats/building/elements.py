"""Elements of XML as they come, gathered to paragraphs, records, tables and headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.decoding import clean
from rag.types import BlockKind

_Kind: TypeAlias = Literal["title", "leaf", "inline", "row", "leave"] | BlockKind

# Names of DocBook, DITA, TEI and HTML; what has none of them is told by what stands around it.
_TITLES = frozenset({"title", "head", "heading"})
# A title in one of these is that of what they stand in.
_ABOUT = frozenset(
    {"info", "articleinfo", "bookinfo", "chapterinfo", "sectioninfo", "sect1info", "titlestmt",
     "prolog", "front", "header"}
)  # fmt: skip
_PARAGRAPHS = frozenset({"p", "para", "simpara", "formalpara", "l", "ab", "term", "shortdesc"})
_CODE = frozenset({"programlisting", "screen", "literallayout", "codeblock", "pre", "eg"})
_LISTS = frozenset(
    {"itemizedlist", "orderedlist", "variablelist", "list", "ul", "ol", "dl", "simplelist", "steps"}
)
_ITEMS = frozenset({"listitem", "item", "li", "varlistentry", "dd", "dt", "member", "step"})
_TABLES = frozenset({"table", "informaltable", "simpletable", "tgroup"})
_ROWS = frozenset({"row", "tr", "strow", "sthead"})
_CELLS = frozenset({"entry", "td", "th", "cell", "stentry"})
_BREAKS = frozenset({"br", "lb"})
_OWN = _PARAGRAPHS | _CODE | _LISTS | _ITEMS | _TABLES  # never part of the text around them
_KINDS: Mapping[_Kind, BlockKind] = {
    "row": "table",
    "table": "table",
    "list": "list",
    "code": "code",
}
_SPACES = re.compile(r"\s+")
_LONG = 200
_LONGEST_ROW = 1000
_LONGEST_TITLE = 300


@dataclass(slots=True)
class _Piece:
    """Text of a finished element; `name` is that of a leaf, `level` that of a title.

    A leaf is a value, and inline is what may stand in a line of text: alone, it is a paragraph.
    """

    kind: _Kind
    text: str = ""
    name: str = ""
    level: int = 0


@dataclass(slots=True)
class _Open:
    """An element that has not ended, and what came in it: text of its own, and pieces."""

    name: str
    parts: list[str | _Piece] = field(default_factory=list)
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: bool = False


class Elements:
    """Takes the events of a parser; `attributes` makes records of them as well."""

    def __init__(self, *, attributes: bool) -> None:
        self._attributes = attributes
        self._open = [_Open("")]

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._open[-1].children = True
        local = name.rpartition(":")[2]
        self._open.append(_Open(local, attributes=attributes if self._attributes else {}))

    def characters(self, text: str) -> None:
        """Text stands in the innermost element."""
        self._open[-1].parts.append(text)

    def end(self) -> None:
        """The innermost element ends."""
        element = self._open.pop()
        above = self._open[-1]
        above.parts += _pieces(element, above.name.lower(), len(self._open))

    def written(self) -> Writer:
        """All that came, as text with blocks."""
        writer = Writer()
        for piece in _records(_only_pieces(self._open[0].parts)):
            if piece.kind == "title":
                writer.heading(piece.text, piece.level)
            elif piece.kind == "leave":
                writer.leave(piece.level)
            else:
                writer.add(piece.text, _KINDS.get(piece.kind, "paragraph"))
        return writer


def _pieces(element: _Open, above: str, depth: int) -> list[_Piece]:
    """What a finished element gives to the one above it, which is `depth` deep."""
    name = element.name.lower()
    if name in _BREAKS:
        return [_Piece("inline", " ")]
    if name in _CODE:
        return _code("".join(_texts(element.parts)))
    if name in _ROWS and (cells := _cells(element.parts)):
        return [_Piece("row", " | ".join(cells))]
    if name in _TITLES and 0 < len(title := _flat(element.parts)) <= _LONGEST_TITLE:
        return [_Piece("title", title, element.name, depth - (above in _ABOUT))]
    if element.children:
        cell = name in _CELLS and above in _ROWS
        return (
            [_Piece("leaf", _flat(element.parts))]
            if cell
            else list(_finished(name, element, depth + 1))
        )
    return _leaf(element, name)


def _leaf(element: _Open, name: str) -> list[_Piece]:
    """An element without elements: a paragraph, or a value."""
    text = _collapsed("".join(_texts(element.parts)))
    if element.attributes:
        return [_Piece("inline", _record([*element.attributes.items(), (element.name, text)]))]
    own = name in _PARAGRAPHS or name in _ITEMS
    return [_Piece("paragraph" if own else "leaf", text, element.name)] if text.strip() else []


def _finished(name: str, element: _Open, depth: int) -> Iterator[_Piece]:
    """The pieces of an element, `depth` deep, that holds elements."""
    if element.attributes:
        yield _Piece("inline", _record(element.attributes.items()))
    mixed = any(isinstance(part, str) and part.strip() for part in element.parts)
    if not mixed and name not in _PARAGRAPHS:
        pieces = list(_records(_only_pieces(element.parts)))
    else:
        pieces = list(_mixed(element.parts))
        if len(pieces) == 1 and name not in _OWN:
            # It may stand in a line of text, or else be a paragraph.
            pieces = [_Piece("inline", "".join(_texts(element.parts)))]
    if name in _TABLES:
        pieces = list(_table(pieces))
    elif name in _LISTS:
        pieces = [_listed(piece) for piece in pieces]
    yield from pieces
    if any(piece.kind == "title" and piece.level == depth for piece in pieces):
        yield _Piece("leave", level=depth)


def _mixed(parts: list[str | _Piece]) -> Iterator[_Piece]:
    """Text with elements in it: one paragraph, cut by the blocks that stand in it."""
    running: list[str] = []
    for part in parts:
        if isinstance(part, str):
            running.append(part)
        elif part.kind in {"leaf", "inline", "title"}:
            running.append(part.text)
        elif part.kind != "leave":
            yield from _paragraph(running)
            running = []
            yield part
    yield from _paragraph(running)


def _paragraph(running: list[str]) -> Iterator[_Piece]:
    if text := _collapsed("".join(running)).strip():
        yield _Piece("paragraph", text)


def _records(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """The pieces, leaves that follow one another made into records."""
    pairs: list[tuple[str, str]] = []
    size = 0
    for piece in pieces:
        leaf = piece.kind == "leaf" and len(piece.text) <= _LONG
        if pairs and (not leaf or size > _LONGEST_ROW):
            yield _Piece("paragraph", _record(pairs))
            pairs, size = [], 0
        if leaf:
            pairs.append((piece.name, piece.text))
            size += len(piece.text)
        elif piece.kind not in {"leaf", "inline"}:
            yield piece
        elif text := " ".join(piece.text.split()):
            yield _Piece("paragraph", text)
    if pairs:
        yield _Piece("paragraph", _record(pairs))


def _record(pairs: Iterable[tuple[str, str]]) -> str:
    found = ((name, " ".join(clean(text).split())) for name, text in pairs)
    return "; ".join(f"{name}: {text}" if name else text for name, text in found if text)


def _table(pieces: list[_Piece]) -> Iterator[_Piece]:
    """The rows of a table as one piece; its title is a paragraph before it."""
    rows = [piece.text for piece in pieces if piece.kind in {"row", "table"}]
    for piece in pieces:
        if piece.kind not in {"row", "table", "leave"}:
            yield _Piece("paragraph", piece.text) if piece.kind == "title" else piece
    if rows:
        yield _Piece("table", "\n".join(rows))


def _listed(piece: _Piece) -> _Piece:
    return _Piece("list", piece.text) if piece.kind in {"paragraph", "title"} else piece


def _code(text: str) -> list[_Piece]:
    body = clean(text).strip("\n").rstrip()
    return [_Piece("code", body)] if body.strip() else []


def _cells(parts: list[str | _Piece]) -> list[str]:
    return [part.text.strip() for part in parts if isinstance(part, _Piece)]


def _flat(parts: list[str | _Piece]) -> str:
    """All the text of an element as one line."""
    mixed = any(isinstance(part, str) and part.strip() for part in parts)
    return " ".join(("" if mixed else " ").join(_texts(parts)).split())


def _collapsed(text: str) -> str:
    """`text` with single spaces, also where it begins or ends with white space."""
    return _SPACES.sub(" ", clean(text))


def _texts(parts: list[str | _Piece]) -> Iterator[str]:
    return (part if isinstance(part, str) else part.text for part in parts)


def _only_pieces(parts: list[str | _Piece]) -> Iterator[_Piece]:
    return (part for part in parts if isinstance(part, _Piece))

"""Jupyter notebooks: their cells, and what the cells printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rag.connectors.formats.blocks import HeadingPath
from rag.connectors.formats.building.records import Value, title_of
from rag.connectors.formats.decoding import clean, decode
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.json import loaded
from rag.connectors.formats.markdown import source_blocks
from rag.errors import DocumentError
from rag.types import Block, Metadata

_MOST_OUTPUT = 2000  # characters of a cell's output: a log says no more after them
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_GAP = "\n\n"


class NotebookFormat:
    """Jupyter notebooks: Markdown, code, and the first 2,000 characters that a cell printed."""

    name = "notebook"
    extensions: tuple[str, ...] = (".ipynb",)
    media_types: tuple[str, ...] = ("application/x-ipynb+json",)
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """The cells in order, the place of each block `cell 7`; images and HTML are left out.

        Raises DocumentError where the file is no notebook.
        """
        decoded = decode(data, self.name)
        notebook = loaded(decoded.text)
        written = _Written()
        for number, cell in enumerate(_cells(notebook), start=1):
            written.cell(cell, f"cell {number}")
        about = _at(notebook, "metadata")
        language = _language(about)
        metadata: Metadata = {"programming_language": language} if language else {}
        return Parsed(
            _GAP.join(written.parts),
            title_of(about) or written.title,
            tuple(written.blocks),
            {**decoded.metadata, **metadata},
        )


class _Written:
    """Text and blocks so far."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.blocks: list[Block] = []
        self.title = ""
        self._path = HeadingPath()
        self._length = 0

    def cell(self, cell: Value, place: str) -> None:
        kind = _text(_at(cell, "cell_type"))
        # The third version of the format called a cell's text `input` and had heading cells.
        text = _text(_at(cell, "source")) or _text(_at(cell, "input"))
        if kind == "heading":
            text = f"{'#' * _level(cell)} {text}"
        if kind in {"markdown", "heading"}:
            self._markdown(text, place)
        elif kind == "code":
            self._whole(text, place, code=True)
            self._whole(_outputs(cell), place, code=True)
        else:
            self._whole(text, place, code=False)

    def _markdown(self, text: str, place: str) -> None:
        if text.strip():
            start = self._begin(text)
            blocks, heading = source_blocks(text, self._path)
            self.title = self.title or heading
            self.blocks += (_moved(block, start, place) for block in blocks)

    def _whole(self, text: str, place: str, *, code: bool) -> None:
        body = text.strip("\n").rstrip()
        if body.strip():
            start = self._begin(body)
            kind = "code" if code else "paragraph"
            moved = Block(start, start + len(body), kind, headings=self._path.texts, place=place)  # type: ignore[arg-type]
            self.blocks.append(moved)

    def _begin(self, text: str) -> int:
        start = self._length + (len(_GAP) if self.parts else 0)
        self.parts.append(text)
        self._length = start + len(text)
        return start


def _cells(notebook: Value) -> Sequence[Value]:
    cells = _at(notebook, "cells")
    if cells is None and isinstance(sheets := _at(notebook, "worksheets"), list) and sheets:
        cells = _at(sheets[0], "cells")
    if not isinstance(cells, list):
        raise DocumentError("is no notebook: it has no cells; open and save it with Jupyter")
    return cells


def _outputs(cell: Value) -> str:
    """What a cell printed, showed as text, or failed with."""
    outputs = _at(cell, "outputs")
    found = (_output(one) for one in (outputs if isinstance(outputs, list) else ()))
    return _shortened(_ANSI.sub("", "\n".join(text.rstrip("\n") for text in found if text)))


def _shortened(text: str) -> str:
    if len(text) <= _MOST_OUTPUT:
        return text
    left = len(text) - _MOST_OUTPUT
    return f"{text[:_MOST_OUTPUT]}\n[{left:,} more characters are in the notebook]"


def _output(output: Value) -> str:
    if _at(output, "ename") is not None:
        return f"{_text(_at(output, 'ename'))}: {_text(_at(output, 'evalue'))}"
    data = _at(output, "data")
    return _text(_at(output, "text")) or _text(_at(data, "text/plain"))


def _language(about: Value) -> str:
    info, kernel = _at(about, "language_info"), _at(about, "kernelspec")
    return _text(_at(info, "name")) or _text(_at(kernel, "language"))


def _level(cell: Value) -> int:
    level = _text(_at(cell, "level"))
    return int(level) if level in {"1", "2", "3", "4", "5", "6"} else 1


def _at(value: Value, key: str) -> Value:
    return value.get(key) if isinstance(value, Mapping) else None


def _text(value: Value) -> str:
    """A text, which the format may keep as a list of lines."""
    if isinstance(value, str):
        return clean(value)
    lines = value if isinstance(value, list) else []
    return clean("".join(_strings(lines)))


def _strings(lines: Sequence[Value]) -> Iterator[str]:
    return (line for line in lines if isinstance(line, str))


def _moved(block: Block, by: int, place: str) -> Block:
    return Block(
        block.start + by, block.end + by, block.kind,
        headings=block.headings, place=place, header=block.header,
    )  # fmt: skip

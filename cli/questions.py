"""The questions of a file: JSON Lines, separated values with a header, or a question a line."""

from __future__ import annotations

import codecs
import csv
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

import typer

from rag.cli.record import Asked, LineError, asked, faulty
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.signature import looks_like
from rag.connectors.rows.line import LongLine, numbered_lines
from rag.connectors.rows.row import BadRow
from rag.connectors.rows.separated import separated
from rag.errors import DocumentError, RequestError

Kind: TypeAlias = Literal["jsonl", "csv", "text"]

_KINDS: Mapping[str, Kind] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "csv",
    ".txt": "text",
}  # fmt: skip
# Bytes by which a file is told to hold text, and of which kind.
_HEAD = 65_536
# Bytes of a line: a conversation may stand on it.
_LONGEST = 10_000_000
# Before those of UTF-16, which begin those of UTF-32.
_WIDE = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Questions:
    """A file of questions that can be gone through many times; `name` is what people call it."""

    name: str
    path: Path
    kind: Kind

    def __iter__(self) -> Iterator[Asked]:
        """Every question in order, those that cannot be read among them. Blank lines are none."""
        if self.kind == "csv":
            yield from self._rows()
            return
        with self.path.open("rb") as file:
            for number, line in numbered_lines(file, _LONGEST):
                if isinstance(line, LongLine):
                    yield faulty(number, f"has more than {_LONGEST:,} bytes")
                elif line.strip(b"\xef\xbb\xbf \t\r\n\f\v"):
                    yield self._line(number, line)

    def _line(self, number: int, line: bytes) -> Asked:
        try:
            text = decode(line, "text").text.strip()
            if self.kind == "text":
                return asked(number, {"question": text})
            return asked(number, _object(text))
        except (LineError, DocumentError) as error:
            shown = line.decode("utf-8", "replace")
            return faulty(number, str(error), shown)

    def _rows(self) -> Iterator[Asked]:
        for row in separated(self.path, (), _LONGEST):
            if isinstance(row, BadRow):
                if row.number is None or row.number <= 1:
                    raise RequestError(f"{self.name}: {row.where}: {row.error}")
                yield faulty(row.number, row.error)
                continue
            fields = {name.lower(): _plain(value) for name, value in row.row.items()}
            if not {"question", "text"} & fields.keys():
                raise RequestError(
                    f"{self.name}: its first row names no field 'question' (it has: "
                    f"{', '.join(fields)}): name it so"
                )
            yield asked(row.number, fields)


@contextmanager
def opened_questions(name: str) -> Iterator[Questions]:
    """The questions in a file, or in standard input (`-`), which is kept until this ends.

    Raises RequestError where there is no text in it.
    """
    with TemporaryDirectory(prefix="ragline-") as folder:
        if name == "-":
            path = _kept_input(Path(folder) / "questions")
            name = "standard input"
        else:
            path = Path(name)
        try:
            yield _questions(name, path, Path(folder))
        except FileNotFoundError as error:
            if error.filename != str(path):
                raise
            raise RequestError(f"{name}: there is no such file") from error


def _questions(name: str, path: Path, folder: Path) -> Questions:
    if path.is_dir():
        raise RequestError(f"{name}: it is a folder: name a file of questions")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    mark = next((one for one in _WIDE if head.startswith(one)), None)
    if not head.strip(b"\xef\xbb\xbf \t\r\n\f\v"):
        raise RequestError(f"{name}: it is empty: write a question on each line")
    kind = looks_like(head)
    if kind or (mark is None and b"\0" in head):
        told = f"it looks like {kind}" if kind else "it holds NUL bytes"
        raise RequestError(f"{name}: it is no text: {told}; give JSON Lines, CSV or plain text")
    if mark is not None:
        encoding = _WIDE[mark]
        path, head = _transcoded(path, folder / f"utf-8{path.suffix}", name, encoding)
    return Questions(name, path, _kind(path, head))


def _kind(path: Path, head: bytes) -> Kind:
    """What a file's name says, and else what it begins with."""
    if named := _KINDS.get(path.suffix.lower()):
        return named
    first = head.decode("utf-8-sig", "replace").lstrip().split("\n", 1)[0]
    if first.startswith("{"):
        return "jsonl"
    for mark in ",;\t":
        cells = next(csv.reader([first], delimiter=mark), [])
        if len(cells) > 1 and {cell.strip().lower() for cell in cells} & {"question", "text"}:
            return "csv"
    return "text"


def _transcoded(path: Path, target: Path, name: str, encoding: str) -> tuple[Path, bytes]:
    """A copy in UTF-8, and its beginning."""
    try:
        with path.open(encoding=encoding, newline="") as wide, target.open("wb") as file:
            while text := wide.read(_HEAD):
                file.write(text.encode("utf-8", "replace"))
    except UnicodeError as error:
        raise RequestError(f"{name}: it is marked as {encoding} and is not") from error
    with target.open("rb") as file:
        return target, file.read(_HEAD)


def _kept_input(path: Path) -> Path:
    if sys.stdin is None or sys.stdin.closed:
        raise RequestError("the questions should come from standard input, which is closed")
    with path.open("wb") as file:
        shutil.copyfileobj(typer.get_binary_stream("stdin"), file)
    return path


def _object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "it nests too deep, or a number is too long")
        raise LineError(f"is broken JSON ({reason}); each line must be one JSON object") from None
    if not isinstance(found, dict):
        raise LineError('is no JSON object, such as {"question": "..."}')
    return found


def _plain(value: object) -> object:
    """A cell as text; None for an empty one."""
    return None if value is None else str(value)

"""A file in SQuAD format, checked: its paragraphs with their questions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import SourceError
from rag.evaluate.jsonl import id_field, question_field, text_field
from rag.evaluate.ranges import Range

# Enough of a file to tell what it is: `version` and the like stand before `data`.
_HEAD = 65536
_DATA = re.compile(rb'"data"\s*:\s*\[')
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its right answers' spans; none where the paragraph has no answer."""

    id: str
    text: str
    answers: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, the title of its article, its position (`3.2`, from 0), its questions."""

    position: str
    title: str
    text: str
    questions: tuple[Question, ...]


def is_squad_file(path: Path) -> bool:
    """Whether `path` looks like a file in SQuAD format, by its beginning."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" and bool(_DATA.search(head))


def read_file(path: Path) -> tuple[Paragraph, ...]:
    """Every paragraph of a file, in its order.

    Raises SourceError for what is missing, broken or contradictory, with the line of the
    question or, before the first, with the place in the JSON alone.
    """
    return tuple(_Reader(path).paragraphs())


class _Reader:
    """Goes through a file once, and knows the line of the question that it is at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = _source(path)
        self._offset, self._line = 0, 1
        self._seen: dict[str, str] = {}

    def paragraphs(self) -> Iterator[Paragraph]:
        whole = _parsed(self._path, self._source)
        for number, article in enumerate(_list(whole, "data", str(self._path))):
            place = f"{self._path}: data[{number}]"
            for n, paragraph in enumerate(_list(article, "paragraphs", place)):
                at = f"{place}.paragraphs[{n}]"
                yield self._paragraph(f"{number}.{n}", _title(article, place), paragraph, at)

    def _paragraph(self, position: str, title: str, record: object, place: str) -> Paragraph:
        questions = _list(record, "qas", place)
        assert isinstance(record, dict)
        text = text_field(record, "context", place)
        if not text.strip():
            raise SourceError(f"{place}: the field 'context' is empty")
        asked = (self._question(one, n, text, place) for n, one in enumerate(questions))
        return Paragraph(position, title, text, tuple(asked))

    def _question(self, record: object, number: int, context: str, place: str) -> Question:
        where = f"{place}.qas[{number}]"
        if not isinstance(record, dict):
            raise SourceError(f"{where}: must be an object, such as {{...}}")
        identity = id_field(record, where, "id")
        where = self._at_line(identity, where)
        if identity in self._seen:
            raise SourceError(f"{where}: the id '{identity}' is that of {self._seen[identity]}")
        self._seen[identity] = where.rpartition(": ")[2]
        text = question_field(record, "question", where)
        return Question(identity, text, _answers(record, context, where))

    def _at_line(self, identity: str, where: str) -> str:
        """`where` with the line on which the question's id stands. Ids come in the file's order."""
        found = self._source.find(json.dumps(identity, ensure_ascii=False), self._offset)
        if found >= 0:
            self._line += self._source.count("\n", self._offset, found)
            self._offset = found
        return where.replace(f"{self._path}:", f"{self._path}:{self._line}:", 1)


def _source(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8"
        ) from error


def _parsed(path: Path, source: str) -> object:
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        raise SourceError(f"{path}:{error.lineno}: broken JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: broken JSON ({error})") from error


def _list(record: object, key: str, place: str) -> list[Any]:
    if not isinstance(record, dict):
        raise SourceError(f"{place}: must be an object, such as {{...}}")
    value = record.get(key)
    if not isinstance(value, list):
        raise SourceError(f"{place}: the field '{key}' must be a list")
    return value


def _title(article: Mapping[str, Any], place: str) -> str:
    """The title of the Wikipedia article, which is written as in its address."""
    return text_field(article, "title", place, default="").replace("_", " ")


def _answers(record: Mapping[str, Any], context: str, where: str) -> tuple[Range, ...]:
    answers = _list(record, "answers", where)
    impossible = record.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise SourceError(f"{where}: the field 'is_impossible' must be true or false")
    if impossible and answers:
        raise SourceError(f"{where}: is impossible, and yet has answers")
    if not impossible and not answers:
        raise SourceError(f"{where}: has no answer, and is not marked as 'is_impossible'")
    return tuple(
        _answer(answer, context, f"{where}.answers[{n}]") for n, answer in enumerate(answers)
    )


def _answer(answer: object, context: str, place: str) -> Range:
    if not isinstance(answer, dict):
        raise SourceError(f"{place}: must be an object, such as {{...}}")
    text, start = text_field(answer, "text", place), answer.get("answer_start")
    if not text.strip():
        raise SourceError(f"{place}: the field 'text' is empty")
    if not isinstance(start, int) or isinstance(start, bool) or start < 0:
        raise SourceError(f"{place}: the field 'answer_start' must be a whole number from 0")
    end = start + len(text)
    if context[start:end] != text:
        there = _cut(context[start:end])
        raise SourceError(f"{place}: the context has {there} at {start}, not {_cut(text)}")
    return start, end


def _cut(text: str) -> str:
    """`text` as one short line, for a message."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")

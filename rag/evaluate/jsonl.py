"""Lines and records of text files, each with the number of its line for messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rag.errors import SourceError
from rag.types import MAX_QUESTION


def numbered_lines(path: Path) -> Iterator[tuple[str, str]]:
    """`(place, line)` for every line that is not blank; `place` is `file:line`, from 1.

    Raises SourceError for a file that cannot be read and for a line that is not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    place = f"{path}:{number}"
                    yield place, _decoded(line, place, "utf-8-sig" if number == 1 else "utf-8")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error


def _decoded(line: bytes, place: str, encoding: str) -> str:
    try:
        return line.decode(encoding).rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"{place}: not UTF-8; save the file as UTF-8") from error


def records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """`(place, record)` for every line of a JSON Lines file of objects, streamed.

    Raises SourceError as `numbered_lines` does, and for a line that is not a JSON object.
    """
    for place, line in numbered_lines(path):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", str(error))
            raise SourceError(
                f"{place}: broken JSON ({reason}); each line must be one JSON object"
            ) from error
        if not isinstance(record, dict):
            raise SourceError(f"{place}: each line must be a JSON object, such as {{...}}")
        yield place, record


def text_field(
    record: Mapping[str, Any], key: str, place: str, *, default: str | None = None
) -> str:
    """A field that holds text; `default` stands for an absent or null field.

    Raises SourceError where the field is missing, is no text, or could not be stored.
    """
    value = record.get(key)
    if value is None:
        value = default
    if value is None:
        raise SourceError(f"{place}: the field '{key}' is missing")
    if not isinstance(value, str):
        raise SourceError(f"{place}: the field '{key}' must be a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SourceError(f"{place}: the field '{key}' holds an unpaired surrogate") from error
    return value


def question_field(record: Mapping[str, Any], key: str, place: str) -> str:
    """A field that can be asked: text that is neither empty nor longer than a question may be."""
    text = text_field(record, key, place)
    if not text.strip():
        raise SourceError(f"{place}: the field '{key}' is empty")
    if len(text.strip()) > MAX_QUESTION:
        told = f"has {len(text):,} characters; a question may have {MAX_QUESTION:,}"
        raise SourceError(f"{place}: the field '{key}' {told}")
    return text


def id_field(record: Mapping[str, Any], place: str, key: str = "_id") -> str:
    """The record's id; a whole number is taken as its digits, as qrels files write it."""
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = text_field(record, key, place)
    if not text:
        raise SourceError(f"{place}: the field '{key}' is empty")
    return text

"""One question of a file, and what is written about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rag.asked import as_query
from rag.cli.answer import as_dict
from rag.cli.output import one_line
from rag.errors import RequestError
from rag.filters import parse_filter
from rag.types import Answer, Query, Turn, Unanswered


class LineError(Exception):
    """What is wrong with a line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a line of the input; `error` says why it cannot be asked.

    `references` are its right answers, none of them where there is none; None where nobody says.
    `key` is equal for questions that ask the same.
    """

    line: int
    key: str
    question: str = ""
    id: str | int | None = None
    query: Query | None = None
    references: tuple[str, ...] | None = None
    error: str = ""


def asked(line: int, fields: Mapping[str, object]) -> Asked:
    """The question that a record means, or what is wrong with it."""
    one = Asked(line, _key([_text(fields), fields.get("history"), fields.get("where")]))
    one = replace(one, id=_id(fields))
    try:
        text = _text(fields)
        if not isinstance(text, str):
            raise LineError("the field 'question' is missing or empty, or is no string")
        one = replace(one, question=text.strip())
        where = _texts(fields.get("where"), "where")
        filters = tuple(parse_filter(each, "the field 'where'") for each in where)
        query = as_query(Query(text, filters), (), _turns(fields.get("history")))
        return replace(one, query=query, references=_references(fields))
    except (LineError, RequestError) as error:
        return replace(one, error=one_line(str(error)))


def faulty(line: int, error: str, content: str = "") -> Asked:
    """What stands for a line that holds no question."""
    return Asked(line, _key([error, content]), error=one_line(error))


def record(one: Asked, outcome: Answer | Unanswered | None, run: str) -> dict[str, Any]:
    """What is written about a question: its line first, and `error` null where it was answered."""
    head = {"line": one.line, "id": one.id, "key": one.key, "run": run}
    if not isinstance(outcome, Answer):
        error = one.error if outcome is None else outcome.error
        empty = {"answer": "", "abstained": False, "citations": [], "seconds": 0.0}
        return {**head, "question": one.question, **empty, "error": error}
    return {**head, **as_dict(outcome), "question": one.question, "error": None}


def _text(fields: Mapping[str, object]) -> object:
    return next((fields[name] for name in ("question", "text") if fields.get(name)), None)


def _id(fields: Mapping[str, object]) -> str | int | None:
    value = next((fields[name] for name in ("id", "_id") if fields.get(name) is not None), None)
    return value if isinstance(value, str | int | None) else str(value)


def _references(fields: Mapping[str, object]) -> tuple[str, ...] | None:
    for name in ("answers", "answer"):
        value = fields.get(name)
        if isinstance(value, dict):  # as SQuAD has them in tables of Hugging Face
            value = value.get("text")
        if value is not None:
            return tuple(one for one in _texts(value, name) if one.strip())
    return None


def _texts(value: object, name: str) -> Sequence[str]:
    several = value if isinstance(value, list) else [] if value is None else [value]
    texts = [one.get("text") if isinstance(one, dict) else one for one in several]
    strings = [one for one in texts if isinstance(one, str)]
    if len(strings) < len(texts):
        raise LineError(f"the field '{name}' must be a string or a list of strings")
    return strings


def _turns(history: object) -> Sequence[Turn]:
    if history is None:
        return ()
    if not isinstance(history, list) or not all(isinstance(one, dict) for one in history):
        raise LineError('the field \'history\' must be a list of turns, {"role", "text"}')
    return [_turn(place, one) for place, one in enumerate(history, 1)]


def _turn(place: int, turn: Mapping[str, Any]) -> Turn:
    role, text = turn.get("role"), turn.get("text", turn.get("content"))
    if role not in ("user", "assistant"):
        raise LineError(f"turn {place} of 'history' needs a 'role', \"user\" or \"assistant\"")
    if not isinstance(text, str):
        raise LineError(f"turn {place} of 'history' needs a 'text', which is a string")
    return Turn(role, text)


def _key(parts: Sequence[object]) -> str:
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode("ascii"), digest_size=8).hexdigest()

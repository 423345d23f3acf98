"""A conversation as a file: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.cli.answer import as_dict, sources, unsupported
from rag.cli.output import clean, one_line
from rag.errors import RequestError
from rag.tracefile import write_whole

if TYPE_CHECKING:
    from rag.cli.conversation import Conversation
    from rag.types import Answer

VERSION = 1
# An image is fetched when the file is looked at, and what stands in an answer may name one.
_FETCHED = re.compile(r"(?<=!)\[|<")
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|!~]")
_ENTITIES = {"<": "&lt;", ">": "&gt;"}


def save(conversation: Conversation, name: str, *, replace: bool) -> Path:
    """Write a conversation to a file, as JSON where its name ends in `.json`; the path.

    The JSON is one object: `version`, `pipeline`, and `answers`, each as `rag ask --json` has it,
    with `standalone`, the question as it was understood, or null. Raises RequestError where there
    is nothing to write, where the file exists and is not to be replaced, and where it cannot be
    written; what was there then stays.
    """
    if not name:
        raise RequestError("/save takes the name of a file, such as talk.md or talk.json")
    if not conversation.answers:
        raise RequestError("there is nothing to save: no question was answered yet")
    path = Path(os.path.expanduser(name))  # noqa: PTH111 the method raises for unknown users
    text = _as_json if path.suffix.lower() == ".json" else _as_markdown
    content = text(conversation).encode("utf-8", "replace")
    try:
        _write(path, content, replace=replace)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"{path}: it cannot be written: {reason}") from error
    return path


def _write(path: Path, content: bytes, *, replace: bool) -> None:
    """Write the file whole, where nothing else is or it may be replaced."""
    if path.exists() and not path.is_file():
        raise RequestError(f"{path}: it is no ordinary file: name another one")
    if path.exists() and not replace:
        raise RequestError(f"{path}: it exists; '/save! {path}' replaces it")
    write_whole(path, content)


def _as_json(conversation: Conversation) -> str:
    shape = {
        "version": VERSION,
        "pipeline": conversation.pipeline.name,
        "answers": [_answer_dict(answer) for answer in conversation.answers],
    }
    return json.dumps(shape, indent=2, ensure_ascii=False) + "\n"


def _answer_dict(answer: Answer) -> dict[str, Any]:
    standalone = answer.query.standalone if answer.query is not None else ""
    return {**as_dict(answer), "standalone": standalone or None}


def _as_markdown(conversation: Conversation) -> str:
    parts = ["# Conversation", *(_section(answer) for answer in conversation.answers)]
    return "\n\n".join(parts) + "\n"


def _section(answer: Answer) -> str:
    return "\n\n".join(_paragraphs(answer))


def _paragraphs(answer: Answer) -> Iterator[str]:
    yield f"## {_escaped(one_line(answer.question))}"
    yield _FETCHED.sub(_shown, clean(answer.text))
    lines = [*sources(answer), *unsupported(answer)]
    if lines:
        yield "\n".join(f"- {_escaped(line)}" for line in lines)


def _escaped(text: str) -> str:
    """`text` as Markdown that shows it as it is."""
    return _MARKUP.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    return _ENTITIES.get(found[0], f"\\{found[0]}")

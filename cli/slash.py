"""What can be typed in a conversation besides questions: `/sources`, `/why` and the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from rag.cli.answer import sources, unsupported
from rag.cli.ask import open_citation
from rag.cli.conversation import Conversation
from rag.cli.output import complain, one_line, say
from rag.cli.reasons import say_way, say_wrapped
from rag.cli.saving import save
from rag.errors import RequestError
from rag.types import Answer, Query, Statement

_COMMAND = re.compile(r"(/[^\W_]*!?)(?:\s+(.*))?")
_END = "/quit"


def is_command(line: str) -> bool:
    """Whether `line` is a command: a slash and letters. A path begins otherwise."""
    return _COMMAND.fullmatch(line) is not None


def run(line: str, conversation: Conversation) -> bool:
    """Do what a command says; whether the conversation goes on. Raises RequestError."""
    from rag.registry import unknown

    found = _COMMAND.fullmatch(line)
    assert found is not None
    name, rest = found[1].lower(), (found[2] or "").strip()
    if name not in _COMMANDS:
        raise RequestError(unknown("command", found[1], _COMMANDS))
    _COMMANDS[name](conversation, rest)
    return name != _END


def _help(conversation: Conversation, rest: str) -> None:
    for name, told in _HELP.items():
        say(f"{name:<14}{told}")
    say("Everything else is a question. Ctrl-C stops an answer, and ends the talk at the prompt.")


def _sources(conversation: Conversation, rest: str) -> None:
    answer = _last(conversation)
    told = [*sources(answer), *unsupported(answer)]
    for line in told or ["The last answer cites no source."]:
        say(line)


def _why(conversation: Conversation, rest: str) -> None:
    answer = _last(conversation)
    query = answer.query or Query(answer.question)
    say_way(query, conversation.pipeline.name, answer.steps)
    for line in _statements(answer):
        say_wrapped(line, 2)


def _statements(answer: Answer) -> Iterator[str]:
    """How well each sentence is supported."""
    if answer.abstained:
        yield f"abstained: score {answer.score:.2f}"
    for one in answer.statements:
        quoted = f'"{one_line(answer.text[one.start : one.end])}"'
        yield f"{_support(one)}: {quoted}" + (f" ({one_line(one.why)})" if one.why else "")


def _support(one: Statement) -> str:
    told = "supported" if one.supported else "not supported"
    numbers = "".join(f"[{number + 1}]" for number in one.citations)
    return f"{told} {one.support:.2f}" + (f" by {numbers}" if numbers else "")


def _save(conversation: Conversation, rest: str) -> None:
    complain(f"saved in {save(conversation, rest, replace=False)}")


def _save_over(conversation: Conversation, rest: str) -> None:
    complain(f"saved in {save(conversation, rest, replace=True)}")


def _open(conversation: Conversation, rest: str) -> None:
    if rest and not (rest.isascii() and rest.isdigit()):
        raise RequestError(f"/open takes the number of a source, not '{one_line(rest)}'")
    # Longer numbers than Python reads are as wrong as the longest that it does.
    number = int(rest[:6] or 1)
    open_citation(_last(conversation), number, conversation.rag.folder)


def _clear(conversation: Conversation, rest: str) -> None:
    conversation.clear()
    complain("the conversation is forgotten")


def _quit(conversation: Conversation, rest: str) -> None:
    """Nothing is left to do."""


def _last(conversation: Conversation) -> Answer:
    if conversation.last is None:
        raise RequestError("there is no answer yet: ask something first")
    return conversation.last


_Command: TypeAlias = Callable[[Conversation, str], None]
_COMMANDS: Mapping[str, _Command] = {
    "/sources": _sources,
    "/why": _why,
    "/open": _open,
    "/save": _save,
    "/save!": _save_over,
    "/clear": _clear,
    "/help": _help,
    _END: _quit,
}
_HELP: Mapping[str, str] = {
    "/sources": "what the last answer cites, with page and heading",
    "/why": "how the last answer came about",
    "/open N": "open a source of the last answer",
    "/save FILE": "keep the conversation: Markdown, or JSON in a .json file",
    "/save! FILE": "the same over a file that exists",
    "/clear": "forget the conversation",
    "/help": "this list",
    "/quit": "end, as Ctrl-D does",
}

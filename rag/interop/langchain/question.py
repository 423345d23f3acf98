"""What a chain asks: a question alone, with its history, or the messages of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    convert_to_messages,
)

from rag.errors import RequestError
from rag.filters import Filters, as_filters
from rag.types import Query, Turn

Asked: TypeAlias = str | Mapping[str, Any] | Sequence[BaseMessage]

_KEYS = ("question", "history", "filters")
_TAKEN = "give a text, a {question, history, filters}, or messages"


def as_question(asked: object, filters: Filters) -> Query:
    """The query of a text, of a {question, history, filters}, or of messages, the last one asking.

    `filters` hold beside those asked with. Raises RequestError for anything else.
    """
    if isinstance(asked, str):
        return Query(asked, filters=as_filters(filters))
    if isinstance(asked, Mapping):
        return _of_mapping(asked, filters)
    if not isinstance(asked, Sequence):
        raise RequestError(f"an object of type '{type(asked).__name__}' is no question: {_TAKEN}")
    turns = as_turns(asked)
    if not turns or turns[-1].role != "user":
        raise RequestError("the last of the messages asks nothing: end with one of the user's")
    return Query(turns[-1].text, filters=as_filters(filters), history=turns[:-1])


def _of_mapping(asked: Mapping[Any, Any], filters: Filters) -> Query:
    strange = [key for key in asked if key not in _KEYS]
    if strange:
        raise RequestError(f"'{strange[0]}' is nothing that is asked with: {_TAKEN}")
    text = asked.get("question")
    if not isinstance(text, str):
        raise RequestError(f"the 'question' is no text but '{type(text).__name__}': {_TAKEN}")
    held = (*as_filters(filters), *as_filters(asked.get("filters", ())))
    return Query(text, filters=held, history=as_turns(asked.get("history", ())))


def as_turns(history: Sequence[object]) -> tuple[Turn, ...]:
    """What the user and the assistant said, of turns and of messages of LangChain.

    Messages to the model itself, the calls of tools and their results are no turns, and left out.
    """
    if isinstance(history, str) or not isinstance(history, Sequence):
        raise _no_turn(history)
    return tuple(turn for one in history for turn in _turns(one))


def _turns(one: object) -> list[Turn]:
    if isinstance(one, Turn):
        return [one]
    try:
        (message,) = convert_to_messages([one])  # type: ignore[list-item]  # it looks for itself
    except (ValueError, NotImplementedError, TypeError) as error:
        raise _no_turn(one) from error
    text = str(message.text)
    if isinstance(message, HumanMessage):
        return [Turn("user", text)]
    return [Turn("assistant", text)] if isinstance(message, AIMessage) and text.strip() else []


def _no_turn(given: object) -> RequestError:
    return RequestError(
        f"an object of type '{type(given).__name__}' is no turn of a history: give a list of Turn, "
        "or of messages of LangChain"
    )

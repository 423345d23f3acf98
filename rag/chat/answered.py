"""What a server answered, made a reply: its text, and its tokens' probabilities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rag.tracing import note, under_way
from rag.types import Reply

# How many tokens a server is asked for at each place; more than 20 are refused by most.
TOP = 20
# Models that think first and whose server does not take it out, or cut them off meanwhile.
_THOUGHT = re.compile(r"\s*<think>.*?(?:</think>\s*|\Z)", re.DOTALL)
# How the note of a reply that was cut off begins.
_CUT = "a reply was cut off at "


def dug(record: Any, *path: str | int) -> Any:
    """What lies at `path` of a JSON record; None where there is nothing."""
    for step in path:
        try:
            record = record[step]
        except (KeyError, IndexError, TypeError):
            return None
    return record


def text_at(record: Any, *path: str | int) -> str:
    """The text at `path`; "" where there is none. Half surrogate pairs are replaced."""
    found = dug(record, *path)
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else ""


def reply_of(text: str, tokens: Any = None) -> Reply:
    """A reply; `tokens` is what a server tells of each, as OpenAI and Ollama shape it.

    Thoughts before the text are left out, and then the tokens' probabilities too.
    """
    thought = _THOUGHT.match(text)
    if thought is not None:
        return Reply(text[thought.end() :].strip())
    return Reply(text.strip(), tuple(_choices(tokens)))


def was_cut() -> bool:
    """Whether that was noted for the stage under way."""
    asked = under_way()
    return asked is not None and any(one.startswith(_CUT) for one in asked.notes)


def told_cut(limit: str) -> None:
    """Note that a reply ends where it was cut off; once for a stage."""
    line = f"{_CUT}{limit}"
    asked = under_way()
    if asked is None or line not in asked.notes:
        note(line)


def _choices(tokens: Any) -> Iterator[Mapping[str, float]]:
    for one in tokens if isinstance(tokens, list) else []:
        found: dict[str, float] = {}
        others = dug(one, "top_logprobs")
        for choice in [one, *(others if isinstance(others, list) else [])]:
            token, value = dug(choice, "token"), dug(choice, "logprob")
            # Bytes of a character show as the same text: the likeliest of them counts.
            if isinstance(token, str) and isinstance(value, int | float):
                found[token] = max(found.get(token, value), float(value))
        if found:
            yield found

"""What a model wrote, made into text to search for, and nothing else.

Questions, histories and documents may try to steer a model, so a reply is taken as text that
anybody may have written: bounded in length and number, on one line, never run and never shown as
an instruction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from rag.errors import ChatError

# What some models think aloud before they answer; it may have been cut off before its end.
_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
# Tags of the prompts, which some models write back.
_TAGS = re.compile(r"</?(?:question|history|passage|rewrites?)>", re.IGNORECASE)
# A line of a list: `- text`, `1. text`, `2) text`, `(3) text`, and `4、text`.
_ITEM = re.compile(r"(?:[-*+•–—]\s+|\(?\d{1,3}(?:[.):]\s+|[、．）]\s*))(?P<text>\S.*)")  # noqa: RUF001
_PAIRS = ('""', "''", "``", "“”", "«»", "「」")
# A control character ends nothing and is nothing to search for.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def said(text: str) -> str:
    """The answer in `text`: without thoughts, code fences, tags of the prompt and controls."""
    for unwanted in (_THOUGHTS, _FENCE, _TAGS):
        text = unwanted.sub("", text)
    readable = _CONTROL.sub(" ", text).encode("utf-8", "replace").decode()
    return readable.strip()


def passage(text: str, longest: int) -> tuple[str, bool]:
    """The passage in a reply on one line, and whether it was cut to `longest` characters."""
    flat = _flat(said(text))
    if len(flat) <= longest:
        return flat, False
    head = flat[:longest]
    # Where words are separated none is cut in two; in other scripts any character may end it.
    return (head if flat[longest] == " " else head.rpartition(" ")[0] or head), True


def question(text: str, longest: int) -> str:
    """The one question in a reply. Raises ChatError where it is empty, several, or too long."""
    lines = [line for line in said(text).splitlines() if line.strip()]
    if len(lines) != 1:
        told = f"has {len(lines)} lines" if lines else "is empty"
        raise ChatError(f"the reply {told}: one question was asked for")
    only = _bare(lines[0])
    if not searchable(only):
        raise ChatError("the reply is empty: one question was asked for")
    if len(only) > longest:
        raise ChatError(f"the reply has {len(only):,} characters: up to {longest:,} are taken")
    return only


def questions(text: str, n: int, longest: int) -> list[str]:
    """Up to `n` different questions in a reply, in its order.

    A JSON list is read, a numbered or bulleted list, and plain lines. What has no letter or
    digit, is longer than `longest` characters, or was said before is dropped; so is what stands
    around a list. Raises ChatError where nothing is left.
    """
    kept: dict[str, str] = {}
    for line in _items(said(text)):
        bare = _bare(line)
        if searchable(bare) and len(bare) <= longest:
            kept.setdefault(same(bare), bare)
    if not kept:
        raise ChatError("the reply holds no questions: a list of them was asked for")
    return list(kept.values())[:n]


def same(text: str) -> str:
    """Equal for texts that differ in space and case alone."""
    return _flat(text).casefold()


def searchable(text: str) -> bool:
    """Whether `text` has a letter or a digit."""
    return any(character.isalnum() for character in text)


def longest(asked: str) -> int:
    """Characters that a rewrite of `asked` may have: what it adds is a name or two."""
    return max(400, 2 * len(asked))


def _items(text: str) -> Sequence[str]:
    if text.startswith(("[", "{")):
        return list(_listed(text))
    lines = [line.strip() for line in text.splitlines()]
    marked = [found["text"] for line in lines if (found := _ITEM.fullmatch(line))]
    # A line that ends so introduces the others.
    return marked or [line for line in lines if not line.endswith((":", "："))]  # noqa: RUF001


def _listed(text: str) -> Iterator[str]:
    """The texts of a JSON list, also of one that is the only member of an object."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        raise ChatError("the reply begins as JSON and is none: a list was asked for") from None
    if isinstance(found, dict) and len(found) == 1:
        (found,) = found.values()
    if isinstance(found, list):
        yield from (one for one in found if isinstance(one, str))


def _bare(line: str) -> str:
    """`line` without emphasis and quotation marks around the whole of it."""
    bare = _flat(_CONTROL.sub(" ", line).encode("utf-8", "replace").decode())
    while len(bare) > 1:
        inner = bare[2:-2] if bare.startswith("**") and bare.endswith("**") else None
        if any(bare[0] == pair[0] and bare[-1] == pair[1] for pair in _PAIRS):
            inner = bare[1:-1]
        if inner is None:
            break
        bare = inner.strip()
    return bare


def _flat(text: str) -> str:
    return " ".join(text.split())

"""Documents that no collection is better for, to be injected into one that is judged by qrels.

They are of eleven kinds, and every one differs: a pruner that knows one string finds little.

Judgements. What is injected has none in the qrels, and most of it deserves none. Copies are
another matter: an `exact duplicate` answers as well as its original, and the others nearly so.
A ranking in which the copy stands for the original must not be counted as a loss. Two modes
make that visible, and a report should show both:

- With `first=False` injected ids sort after all others. A pruner that keeps the earliest of a
  group by document id keeps the originals, and the qrels hold as they are.
- With `first=True` they sort before all others, so that such a pruner keeps the copy and drops
  the original. For qrels to hold, the judgement of an original goes to all of its copies: take
  `of` of what is injected, and count a group of an original and its copies as one document
  (its best rank stands for it). `judged_as` maps ids of a ranking in that way. A truncated,
  garbled or shortened copy that replaces its original is a real loss and is not forgiven:
  only kinds in `SAME` say the same.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from benchmarks import furniture
from rag.types import Document

EXACT, NEAR, WRAPPED = "exact duplicate", "near duplicate", "wrapped copy"
SAME = frozenset({EXACT, NEAR, WRAPPED})

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_GAPS = (" | ", " · ", "\n", " » ", "  ", " / ", " - ")
_MISREAD = str.maketrans("lIoOesaBgtimnrcu", "1l0Q3$@8qf!nm+(v")
_NOISE = "~^|\\/{}<>#*§¬°¤=_;:.,'`"
_OTHERS = ("moreover", "overall", "notably", "however", "thus", "indeed", "broadly", "often")


@dataclass(frozen=True, slots=True)
class Injected:
    """An injected document, its kind, and for a copy the id of its original."""

    document: Document
    kind: str
    of: str = ""


def inject(
    documents: Sequence[Document],
    share: float,
    seed: int,
    *,
    first: bool = False,
    kinds: Sequence[str] | None = None,
) -> list[Injected]:
    """Documents that make up `share` of a collection together with `documents`.

    All `kinds`, by default all there are, are equally frequent. The same arguments give the same
    documents.
    """
    if not 0 <= share < 1:
        raise ValueError(f"a share of {share} cannot be injected: give at least 0, less than 1")
    taken = [one for one in documents if not "!~" <= one.id < "~"]
    if taken:
        raise ValueError(f"the id '{taken[0].id}' does not sort between those of what is injected")
    source = random.Random(seed)
    count = round(len(documents) * share / (1 - share))
    drawn = islice(cycle(KINDS if kinds is None else kinds), count)
    ids = (f"{'!' if first else '~'}injected-{number:06}" for number in range(count))
    return [_injected(one, kind, documents, source) for one, kind in zip(ids, drawn, strict=True)]


def judged_as(injected: Iterable[Injected]) -> Mapping[str, str]:
    """For ids of copies that say the same as their original, the original's id."""
    return {one.document.id: one.of for one in injected if one.kind in SAME}


def _injected(
    name: str, kind: str, documents: Sequence[Document], source: random.Random
) -> Injected:
    if kind in _MADE:
        title, text = _MADE[kind](source)
        title, text = furniture.made(title, source), furniture.made(text, source)
        return Injected(Document(name, name, text, title), kind)
    original = source.choice(documents)
    text = _COPIED[kind](original.text, source)
    return Injected(Document(name, name, text, original.title), kind, original.id)


def _cookies(source: random.Random) -> tuple[str, str]:
    chosen = source.sample(furniture.COOKIES, source.randint(2, 6))
    buttons = source.sample(_BUTTONS, source.randint(1, 4))
    text = source.choice((" ", "\n")).join(chosen) + "\n" + source.choice(_GAPS).join(buttons)
    return source.choice(("Cookies", "Privacy settings", "Your choice", "")), text


def _menu(source: random.Random) -> tuple[str, str]:
    entries = source.sample(furniture.MENU, source.randint(6, 30))
    title = source.choice(("Menu", "Navigation", "Skip to content", ""))
    return title, source.choice(_GAPS).join(entries)


def _footer(source: random.Random) -> tuple[str, str]:
    lines = source.sample(furniture.FOOTER, source.randint(2, 7))
    return "", source.choice(("\n", " | ", " - ")).join(lines)


def _contents(source: random.Random) -> tuple[str, str]:
    leader = source.choice((" . . . . . ", " ........ ", "\t", "     ", " — "))
    page, lines = source.randint(1, 9), []
    for number, heading in enumerate(source.sample(furniture.HEADINGS, source.randint(6, 18)), 1):
        page += source.randint(0, 14)
        lines.append(f"{number}.{source.randint(1, 4)} {heading}{leader}{page}")
    return source.choice(("Contents", "Table of contents", "In this document")), "\n".join(lines)


def _filler(source: random.Random) -> tuple[str, str]:
    sentences = [
        " ".join(furniture.latin(source) for _ in range(source.randint(5, 16))).capitalize() + "."
        for _ in range(source.randint(3, 12))
    ]
    return furniture.latin(source).capitalize(), " ".join(sentences)


def _stub(source: random.Random) -> tuple[str, str]:
    return "", "\n".join(source.sample(furniture.STUBS, source.randint(1, 3)))


def _exact(text: str, source: random.Random) -> str:
    """The same words; sometimes with other space, as another reader of the file leaves it."""
    return source.choice((text, text, text.replace(" ", "  "), _wrapped_lines(text)))


def _near(text: str, source: random.Random) -> str:
    """A word in thirty is another, and half of these texts have their sentences shuffled."""
    words = text.split()
    for _ in range(max(1, len(words) // 30)):
        words[source.randrange(len(words))] = source.choice(_OTHERS)
    sentences = _SENTENCE_END.split(" ".join(words))
    if source.random() < 0.5:
        source.shuffle(sentences)
    return " ".join(sentences)


def _truncated(text: str, source: random.Random) -> str:
    """The first 15% to 60%, cut anywhere."""
    cut = text[: int(len(text) * source.uniform(0.15, 0.6))]
    return cut + source.choice(("", "…", " ...", " [read more]", " (continued)"))


def _wrapped(text: str, source: random.Random) -> str:
    """The whole text between a menu and a footer."""
    above = furniture.made(_menu(source)[1], source)
    below = furniture.made(_footer(source)[1], source)
    return f"{above}\n\n{text}\n\n{below}"


def _garbled(text: str, source: random.Random) -> str:
    """A bad scan: letters misread, lost or doubled, spaces moved, specks of dirt."""
    rate = source.uniform(0.12, 0.4)
    return "".join(
        _scanned(letter, source) if source.random() < rate else letter for letter in text
    )


def _scanned(letter: str, source: random.Random) -> str:
    choices = (letter.translate(_MISREAD), "", letter * 2, f"{letter} ", source.choice(_NOISE))
    return source.choices(choices, weights=(5, 1, 1, 2, 2))[0]


def _wrapped_lines(text: str) -> str:
    return textwrap.fill(text, 72)


_BUTTONS = ("{button}", "[{button}]", "{button} >", "» {button}", "{button}.")
_MADE: Mapping[str, Callable[[random.Random], tuple[str, str]]] = {
    "cookie notice": _cookies,
    "menu": _menu,
    "footer": _footer,
    "contents": _contents,
    "filler": _filler,
    "stub": _stub,
}
_COPIED: Mapping[str, Callable[[str, random.Random], str]] = {
    EXACT: _exact,
    NEAR: _near,
    "truncated copy": _truncated,
    WRAPPED: _wrapped,
    "garbled copy": _garbled,
}
KINDS = (*_MADE, *_COPIED)
# What reads like text and is none: no word, line or sequence of it tells, only its spelling.
NOISE = frozenset({"filler", "garbled copy"})

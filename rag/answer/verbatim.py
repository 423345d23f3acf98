"""Sentences that stand in a passage word for word."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.answer.candidates import Candidate
from rag.types import Passage

# Space and marks of emphasis, lists and tables, which say nothing.
_GAP = r"[\s*_`#>|]"
_STOPS = tuple(".!?:;…。\uff01\uff1f\uff1b")
_OPENING = " \t*_`#>|\"'“”„«»\u2018\u2019([{-\u2013—•"


def verbatim(sentence: str, passage: Passage, found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates of `passage` that `sentence` is written in, where it is there as a whole.

    Part of a sentence may leave out what the rest of it takes back, so both ends have to be
    those of a sentence, a line, or a candidate.
    """
    tokens = regex.split(rf"{_GAP}+", sentence.strip("*_`#>| \t\n"))
    form = rf"(?<!\w){rf'{_GAP}+'.join(map(regex.escape, tokens))}(?!\w)"
    for match in regex.finditer(form, passage.text, regex.IGNORECASE):
        start, end = match.start(), match.end()
        within = [
            one
            for one in found
            if one.start < passage.start + end and passage.start + start < one.end
        ]
        if _begins(passage.text, start, within, passage) and _ends(
            passage.text, end, within, passage
        ):
            return tuple(within) or (_line(passage, start, end),)
    return tuple(one for one in found if one.shown.casefold() == sentence.casefold())[:1]


def _begins(text: str, start: int, within: Sequence[Candidate], passage: Passage) -> bool:
    if within and within[0].start >= passage.start + start:
        return True
    before = text[:start].rstrip(_OPENING)
    return not before or before.endswith((*_STOPS, "\n"))


def _ends(text: str, end: int, within: Sequence[Candidate], passage: Passage) -> bool:
    if within and within[-1].end <= passage.start + end:
        return True
    after = text[end:].lstrip(" \t*_`\"'“”»\u2019)]}")
    return text[end - 1] in _STOPS or not after or after[0] in ("\n", "|", *_STOPS)


def _line(passage: Passage, start: int, end: int) -> Candidate:
    """What is no candidate for an answer, such as a heading, as evidence."""
    quote = passage.text[start:end]
    first = passage.start + start
    return Candidate(
        passage,
        first,
        passage.start + end,
        quote,
        f"{passage.title}\n{quote}",
        quote,
        passage.page,
        passage.headings,
        passage.place,
    )

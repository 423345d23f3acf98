"""Headings of a printed document: larger type, bold type, or a number that chapters have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rag.connectors.formats.printed.layout import BULLETS, Line, Region, body_size, is_list

_LARGER = 1.15  # times the body's type
_SMALLER = 0.9
_LONGEST = 200
_LONGEST_PLAIN = 120  # where the type is no larger than the body's
_MOST_LINES = 3
# "2.1 Scope", "Item 7A. Risk", "Note 3 - Leases", "PART II": numbers that no list has.
_PARTS = "item|part|section|chapter|article|appendix|annex|schedule|note"
_NUMBERED = re.compile(
    rf"(?:\d{{1,2}}((?:\.\d{{1,2}})+)\.?|(?i:{_PARTS})\s+(?:\d{{1,3}}[A-Z]?|[IVXLC]+|[A-Z])(?![\w]))"
    r"[\s.:)\u2013\u2014-]*(?:[^\W\d_a-z].*)?"
)
_CHAPTER = re.compile(r"\d{1,2}\.?\s+[^\W\d_a-z].*")
_SENTENCE_END = ".;,"
_LEADERS = re.compile(r"\.{3,}|(?:\. ){3,}")


@dataclass(frozen=True, slots=True)
class Titles:
    """What headings of a document look like: `levels` of the sizes above the body's."""

    body: float
    bold_body: bool
    levels: dict[float, int]

    def level(self, region: Region, text: str, *, in_list: bool = False) -> int | None:
        """The level of heading, from 1, that a region is of; None where it is none.

        `in_list` says that an item of a list stands next to it.
        """
        if not _may_head(region, text):
            return None
        line = region.lines[0]
        if line.size in self.levels:
            return self.levels[line.size]
        if not self._plain(region, text):
            return None
        below = len(self.levels) + 1
        numbered = _NUMBERED.fullmatch(text)
        bold = not self.bold_body and all(line.bold for line in region.lines)
        if numbered and (bold or len(region.lines) == 1):
            return below + (numbered[1] or "").count(".")
        if bold and (not is_list(text) or _CHAPTER.fullmatch(text)):
            return below
        alone = len(region.lines) == 1 and not in_list
        return below if alone and _CHAPTER.fullmatch(text) and "." in text[:3] else None

    def _plain(self, region: Region, text: str) -> bool:
        """Whether a region in about the body's type could head what follows."""
        short = len(text) <= _LONGEST_PLAIN and len(region.lines) <= _MOST_LINES
        begins = not text[0].islower() and "\n" not in text
        large = region.lines[0].size >= _SMALLER * self.body
        return short and begins and large and text[-1] not in _SENTENCE_END


def titles(lines: Iterable[Line]) -> Titles:
    """What is told of headings by the type of a document's `lines`."""
    known = list(lines)
    body = body_size(known)
    larger = {line.size for line in known if line.size > _LARGER * body}
    levels = {size: level for level, size in enumerate(sorted(larger, reverse=True), start=1)}
    weights: Counter[bool] = Counter()
    for line in known:
        weights[line.bold] += len(line.text) if line.size == body else 0
    return Titles(body, weights[True] >= weights[False], levels)


def _may_head(region: Region, text: str) -> bool:
    """Whether it could be a heading by its words: short, no bullet, no part of a sentence."""
    short = len(text) <= _LONGEST and any(map(str.isalpha, text))
    part = text[0] in BULLETS or text[-1] in ";," or _LEADERS.search(text)
    return short and not (region.tabular or part or region.lines[0].turned)

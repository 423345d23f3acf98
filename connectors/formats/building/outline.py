"""Sections of a source that have names, such as classes and keys, and the blocks of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.connectors.formats.building.source import Source
from rag.types import Block

# A line of brackets or of a closing word says nothing by itself.
_SAYING = re.compile(r"(?!\s*(?:end|#endif)\b\W*$).*\w")


@dataclass(frozen=True, slots=True)
class Section:
    """The lines from `first` up to `end`, what they are called, and the sections within.

    `name` goes into the path of headings; `place` is what a person would look for.
    """

    first: int
    end: int
    name: str
    place: str
    members: tuple[Section, ...] = ()


def outlined(text: str, sections: Sequence[Section]) -> tuple[Block, ...]:
    """Code blocks for all of `text`: one for each section, less the sections within it.

    What lies outside of every section is cut at blank lines. Sections ascend; those that share
    a line with the one before begin on the next.
    """
    source = Source(text)
    _add(source, Section(0, len(source.lines), "", "", tuple(sections)), ())
    return tuple(source.blocks)


def _add(source: Source, section: Section, path: tuple[str, ...]) -> None:
    here = section.first
    path = (*path, section.name) if section.name else path
    for member in section.members:
        begin, end = max(here, member.first), min(section.end, member.end)
        if begin < end:
            _rest(source, (here, begin), path, section.place)
            _add(source, replace(member, first=begin, end=end), path)
            here = end
    _rest(source, (here, section.end), path, section.place)


def _rest(source: Source, lines: tuple[int, int], path: tuple[str, ...], place: str) -> None:
    first, end = lines
    while first < end and not source.lines[end - 1].strip():
        end -= 1
    if first == end:
        return
    if source.blocks and not any(map(_SAYING.match, source.lines[first:end])):
        source.extend(end)
    elif place:
        source.add(first, end, "code", path, place=place)
    else:
        source.paragraphs(first, end, "code", path)

"""A reply taken apart while it comes: its sentences, and the sources that each of them cites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# `[1]`, `[1, 2]`, `[Source 1]`, `[^1]` and `【1】`, and what may yet become one.
_NUMBERS = r"(?:sources?\s*)?\^?\d{1,3}"
_MARKER = re.compile(
    rf"[\[【]\s*{_NUMBERS}(?:\s*(?:[,;–-]|and|&)\s*{_NUMBERS})*\s*(?:†[^\]】]{{0,40}})?[\]】]",  # noqa: RUF001
    re.IGNORECASE,
)
_BEGUN = re.compile(r"[\[【][\s\d,;^&†–sourcendaLl-]*(?:†[^\]】]{0,40})?", re.IGNORECASE)  # noqa: RUF001
_SPAN = re.compile(r"(\d{1,3})\s*[–-]\s*(\d{1,3})")  # noqa: RUF001
_LONGEST_MARKER = 60

_CLOSING = "\"'”’»」』)]）*_`"  # noqa: RUF001
_ENDING = ".!?…;؟۔।॥。！？｡"  # noqa: RUF001
# After these a sentence may begin without space.
_FULL = "。！？｡؟۔।॥"  # noqa: RUF001
_ITEM = re.compile(r"\W*(?:\d{1,3}|[A-Za-z])[.)]")
# Characters of a sentence that does not end: what is shown of it waits for its check.
_LONGEST = 2_000


@dataclass(slots=True)
class Sentence:
    """A sentence without its markers: `lead` is the space before it, `cited` what they say."""

    lead: str = ""
    text: str = ""
    cited: list[int] = field(default_factory=list)


class Sentences:
    """Cuts a reply into sentences, whatever pieces it comes in.

    A line break ends a sentence, and otherwise the sentencex library says where one ends, by the
    rules of `language` (ISO 639-1). Markers belong to the sentence that they stand in or follow,
    and at the beginning of a line to the one that follows.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self.current = Sentence()
        self._gap = ""
        self._bracket = ""
        self._next: list[int] = []
        self._marked = False

    def push(self, character: str) -> Iterator[Sentence]:
        """Take the next character; gives the sentences that are over now."""
        if not self._bracket and character not in "[【":
            yield from self._put(character)
            return
        self._bracket += character
        if _MARKER.fullmatch(self._bracket):
            self._cite(self._bracket)
            self._bracket = ""
        elif len(self._bracket) > _LONGEST_MARKER or not _BEGUN.fullmatch(self._bracket):
            bracket, self._bracket = self._bracket, ""
            yield from self._put(bracket[0])
            for one in bracket[1:]:
                yield from self.push(one)

    def end(self) -> Iterator[Sentence]:
        """The last sentence: the reply is over. Half a marker is none, and no text either."""
        if self._bracket and not re.fullmatch(r"[\[【][\s\d,;-]*", self._bracket):
            for one in self._bracket:
                yield from self._put(one)
        if self.current.text:
            yield self.current

    def _put(self, character: str) -> Iterator[Sentence]:
        if character.isspace():
            if self.current.text:
                self._gap += character
            else:
                self.current.lead += character
            return
        if self.current.text and self._is_over(character):
            yield self.current
            self.current = Sentence(self._gap, character, self._next)
            self._next = []
        elif self.current.text:
            self.current.text += self._between(character) + character
        else:
            self.current.text = character
            self.current.cited += self._next
            self._next = []
        self._gap, self._marked = "", False

    def _between(self, character: str) -> str:
        """The space before `character`: a marker that stood there takes it along."""
        return "" if self._marked and character in ".,;:!?。，、；：！？" else self._gap  # noqa: RUF001

    def _is_over(self, character: str) -> bool:
        text = self.current.text
        if "\n" in self._gap or len(text) > 2 * _LONGEST:
            return True
        if len(text) > _LONGEST and self._gap:
            return True
        last = text.rstrip(_CLOSING)[-1:]
        if last not in _ENDING or not (self._gap or last in _FULL) or _ITEM.fullmatch(text):
            return False
        import sentencex

        found = sentencex.get_sentence_boundaries(self._language, text + self._gap + character)
        return bool(found) and found[-1]["start_index"] >= len(text)

    def _cite(self, marker: str) -> None:
        follows = not self.current.text or "\n" in self._gap
        cited = self._next if follows else self.current.cited
        for first, last in _SPAN.findall(marker):
            cited.extend(range(int(first), min(int(last), int(first) + 20) + 1))
        cited.extend(int(number) for number in re.findall(r"\d{1,3}", _SPAN.sub("", marker)))
        if not follows:
            self._marked = True
            self._gap = self._gap[:1]

"""An answer while a model writes it: each sentence cleaned, verified, cited, and then shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from rag.answer.candidates import Candidate
from rag.answer.cleaning import Cleaner, abstains, printable, told
from rag.answer.context import Source
from rag.answer.repetition import Repetition
from rag.answer.reply import Sentence, Sentences
from rag.answer.support import Verdict, Verifier
from rag.protocols import View
from rag.tracing import note
from rag.types import Citation, Passage, Statement

Unsupported: TypeAlias = Literal["mark", "drop"]

UNSUPPORTED = "[unsupported]"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sources of a prompt as the verifier reads them: their passages, one after another."""

    sources: tuple[Source, ...]
    verifier: Verifier
    owners: tuple[int, ...]

    @classmethod
    def of(cls, sources: Sequence[Source], view: View, min_support: float) -> Evidence:
        """The evidence in `sources`, numbered from 0; what is withheld is none."""
        passages: list[Passage] = []
        owners: list[int] = []
        for number, source in enumerate(sources):
            for passage in source.passages():
                passages.append(passage)
                owners.append(number)
        return cls(tuple(sources), Verifier(passages, view, min_support), tuple(owners))

    def check(self, sentence: str, cited: Sequence[int]) -> Verdict:
        """Whether `sentence` is supported; `cited` are the numbers of sources, from 0."""
        wanted = [place for place, owner in enumerate(self.owners) if owner in set(cited)]
        return self.verifier.check(sentence, wanted)

    def texts(self, found: Iterable[Candidate]) -> list[str]:
        """The texts of the sources that `found` stand in."""
        return [
            source.text
            for source in self.sources
            if any(
                one.passage.document_id == source.document.id
                and source.start <= one.start
                and one.end <= source.end
                for one in found
            )
        ]


@dataclass(slots=True)
class Writing:
    """An answer under way. `read` gives its text in pieces, and the rest is what it came to."""

    evidence: Evidence
    cleaner: Cleaner
    unsupported: Unsupported
    max_characters: int
    language: str
    text: str = ""
    abstained: bool = False
    statements: list[Statement] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    _shown: int = 0
    _lead: str = ""
    _dropped: int = 0
    _numbers: dict[tuple[str, int, int], int] = field(default_factory=dict)
    _repetition: Repetition = field(default_factory=Repetition)
    _over: bool = False

    @property
    def support(self) -> float:
        """The support of the weakest statement; 0 where there is none."""
        return min((one.support for one in self.statements), default=0.0)

    def read(self, pieces: Iterable[str]) -> Iterator[str]:
        """What is shown of the reply in `pieces`, none of it empty."""
        sentences, size = Sentences(self.language), 0
        for piece in pieces:
            for character in printable(piece):
                size += 1
                for done in sentences.push(character):
                    yield from self._grown(self._finished(done))
                self._bound(size, character)
                if self._over:
                    break
            if self._over:
                break
            yield from self._grown(self._begun(sentences.current))
        if not self.abstained:
            for done in sentences.end():
                yield from self._grown(self._finished(done))
        self._tell()

    def _grown(self, text: str) -> Iterator[str]:
        if text:
            self.text += text
            yield text

    def _bound(self, size: int, character: str) -> None:
        if size >= self.max_characters:
            note(f"the reply was stopped at max_characters = {self.max_characters:,}", failed=True)
            self._over = True
        elif self._repetition.runs(character):
            note("the reply was stopped: it repeats itself", failed=True)
            self._over = True

    def _begun(self, sentence: Sentence) -> str:
        """What can be shown of a sentence before it is complete."""
        if self.unsupported == "drop" or self._over:
            return ""
        end = self.cleaner.steady(sentence.text)
        # Marks alone may turn out to stand around nothing that is shown.
        if end <= self._shown or not _says(sentence.text[:end]):
            return ""
        new = ("" if self._shown else self._space(sentence)) + sentence.text[self._shown : end]
        self._shown = end
        return new

    def _finished(self, sentence: Sentence) -> str:
        """What is shown of a complete sentence beyond what was shown of it before."""
        if self._over:
            # A reply that was stopped ends with what was shown of its last sentence.
            sentence = replace(sentence, text=sentence.text[: self._shown])
        if not self.text and abstains(sentence.text):
            self.abstained = self._over = True
            return ""
        shown, self._shown = self._shown, 0
        everything = [source.text for source in self.evidence.sources]
        bare = Cleaner(self.cleaner.secret).cleaned(sentence.text, everything)
        cited = [one - 1 for one in dict.fromkeys(sentence.cited) if 0 < one <= len(everything)]
        verdict = self.evidence.check(bare, cited) if _says(bare) else Verdict(True, 1.0)
        found = verdict.evidence if verdict.supported else ()
        text = self.cleaner.cleaned(sentence.text, self.evidence.texts(found)).strip()
        if not self._over and self._repetition.again(text):
            note("the reply was stopped: it repeats itself", failed=True)
            self._over = True
        if not text or (self.unsupported == "drop" and not verdict.supported):
            self._dropped += bool(text)
            self._lead = max(self._lead, sentence.lead, key=_parts)
            return ""
        space = "" if shown else self._space(sentence)
        start = len(self.text) + len(space) - shown
        marks = self._marks(text, start, verdict) if _says(text) else ""
        return space + text[shown:] + marks

    def _space(self, sentence: Sentence) -> str:
        """The space before a sentence, with that of those left out before it."""
        lead, self._lead = max(self._lead, sentence.lead, key=_parts), ""
        return lead if self.text else ""

    def _marks(self, text: str, start: int, verdict: Verdict) -> str:
        """What follows a sentence: the numbers of its citations, or that it is unsupported."""
        found = verdict.evidence if verdict.supported else ()
        numbers = list(dict.fromkeys(self._number(one) for one in found))
        self.statements.append(
            Statement(
                start,
                start + len(text),
                tuple(numbers),
                min(max(verdict.score, 0.0), 1.0),
                verdict.supported,
                verdict.why,
            )
        )
        if verdict.supported and not numbers:
            return ""
        marks = "".join(f"[{number + 1}]" for number in numbers) or UNSUPPORTED
        return marks if text[-1] in "。！？」』）" else f" {marks}"  # noqa: RUF001

    def _number(self, one: Candidate) -> int:
        """The position of a citation, a new one where it was not cited before."""
        key = (one.passage.document_id, one.start, one.end)
        if key not in self._numbers:
            self._numbers[key] = len(self.citations)
            self.citations.append(_citation(one))
        return self._numbers[key]

    def _tell(self) -> None:
        for line in told(self.cleaner.removed):
            note(line)
        if self._dropped:
            what = "1 sentence" if self._dropped == 1 else f"{self._dropped} sentences"
            note(f"{what} that the sources do not support {_is(self._dropped)} left out")


def _says(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _parts(lead: str) -> tuple[int, int]:
    """How far a space sets apart: by its lines, and then by its length."""
    return lead.count("\n"), len(lead)


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _citation(one: Candidate) -> Citation:
    passage = one.passage
    return Citation(
        passage.document_id,
        passage.source,
        one.start,
        one.end,
        one.quote,
        passage.title,
        one.page,
        one.headings,
        one.place,
    )

"""What a batch came to: how many were answered, and how well where that is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rag.cli.output import count, duration, one_line
from rag.cli.record import Asked

if TYPE_CHECKING:
    from rag.cli.answer_file import AnswerFile
    from rag.cli.questions import Questions
    from rag.evaluate.intervals import Interval


@dataclass(frozen=True, slots=True)
class Failed:
    """A question without an answer: `place` is the file and the line."""

    place: str
    line: int
    id: str | int | None
    error: str


@dataclass(slots=True)
class Tally:
    """The questions of a batch by what came of them; `done` of them were asked in this run."""

    questions: int = 0
    answered: int = 0
    abstained: int = 0
    done: int = 0
    seconds: float = 0.0
    failed: list[Failed] = field(default_factory=list)
    measures: Mapping[str, tuple[Interval, int]] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Questions a second in this run."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The JSON shape of the summary."""
        return {
            "questions": self.questions,
            "answered": self.answered,
            "abstained": self.abstained,
            "failed": [{"line": one.line, "id": one.id, "error": one.error} for one in self.failed],
            "asked": self.done,
            "seconds": round(self.seconds, 3),
            "per_second": round(self.rate, 2),
            "measures": {
                name: {**asdict(mean), "of": of} for name, (mean, of) in self.measures.items()
            },
        }

    def lines(self) -> Iterator[str]:
        """The same for people."""
        yield (
            f"{count(self.questions, 'question')}: {self.answered:,} answered, "
            f"{self.abstained:,} abstained, {len(self.failed):,} failed"
        )
        if self.done:
            yield (
                f"{count(self.done, 'question')} asked in {duration(self.seconds)}, "
                f"{self.rate:,.1f} a second"
            )
        for name, (mean, of) in self.measures.items():
            shown = f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]"
            yield f"{name}: {shown} of {count(of, 'question')}"


def tallied(questions: Questions, answers: AnswerFile, done: int, seconds: float) -> Tally:
    """What `answers` hold of `questions`, when all have been asked."""
    from rag.evaluate.references import ReferenceMeasures

    tally, measures = Tally(done=done, seconds=seconds), ReferenceMeasures()
    for one, record in _paired(questions, answers.records()):
        tally.questions += 1
        if record["error"] is not None:
            place = f"{questions.name}:{one.line}"
            tally.failed.append(Failed(place, one.line, one.id, one_line(record["error"])))
            continue
        abstained = bool(record["abstained"])
        tally.abstained += abstained
        tally.answered += not abstained
        if one.references is not None:
            quotes = [citation["quote"] for citation in record["citations"]]
            measures.add(record["answer"], quotes, one.references, abstained=abstained)
    tally.measures = measures.means()
    return tally


def _paired(
    questions: Iterable[Asked], records: Iterator[dict[str, Any]]
) -> Iterator[tuple[Asked, dict[str, Any]]]:
    """Each question with its record: there is one of each, in the same order."""
    return zip(questions, records, strict=True)

"""Answers in tables and as a chart: how many, how many right, and the risk at each coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.evaluate import charts, wording
from rag.evaluate.answering import Answering, Share
from rag.evaluate.page import Part, Picture, Table
from rag.evaluate.result import PipelineResult

NAMES = {
    "answered": "answered, of all questions",
    "right": "right, of the answered",
    "first-right": "first citation right, of the answerable",
    "any-right": "any citation right, of the answerable",
    "citations-right": "right citations, of all citations",
    "abstained": "abstained, of the unanswerable",
}
_SHORT = ("answered", "right", "first right", "any right", "citations right", "abstained")


def tables(results: Sequence[PipelineResult]) -> Iterator[Table]:
    """What the answers of each pipeline are worth; no table where answers are not judged."""
    found = [(one.name, one.answers) for one in results if one.answers is not None]
    if not found:
        return
    yield _shares(found)
    if any(answers.kinds for _, answers in found):
        yield _kinds(found)
    yield _risks(found)


def parts(results: Sequence[PipelineResult]) -> Iterator[Part]:
    """The tables, and the risk over the coverage drawn, as parts of a page."""
    yield from tables(results)
    found = [(one.name, one.answers) for one in results if one.answers is not None]
    drawn = [_series(name, answers) for name, answers in found if any(answers.curve)]
    if drawn:
        yield Picture(
            charts.svg(charts.lines(drawn, x="coverage", y="risk", marks=_marks(found))),
            "Risk, the share of answers that are wrong, by coverage, the share of questions that "
            "are answered: each point is a threshold.",
        )


def _shares(found: Sequence[tuple[str, Answering]]) -> Table:
    rows = [
        (told, *(_with_interval(answers.shares[name]) for _, answers in found))
        for name, told in NAMES.items()
    ]
    rows.append(("area under the risk-coverage curve", *(f"{one.aurc:.3f}" for _, one in found)))
    caption = "Answers under the pipeline's own threshold, with 95 % intervals."
    return Table(("answers", *(name for name, _ in found)), rows, caption)


def _kinds(found: Sequence[tuple[str, Answering]]) -> Table:
    rows = [
        (f"{name}: {kind}" if len(found) > 1 else kind, _number(shares["answered"]), *plain)
        for name, answers in found
        for kind, shares in answers.kinds.items()
        for plain in [[_plain(shares[one]) for one in NAMES]]
    ]
    caption = "The same by kind of question, as shares."
    return Table(("kind", "questions", *_SHORT), rows, caption)


def _risks(found: Sequence[tuple[str, Answering]]) -> Table:
    columns = ("pipeline", *(f"{share:.0%}" for share in found[0][1].coverages))
    rows = [
        (name, *("" if point is None else f"{point.risk:.2f}" for point in answers.curve))
        for name, answers in found
    ]
    caption = (
        "Risk (the share of answers that are wrong) where the threshold lets through the share of "
        "all questions that heads the column."
    )
    return Table(columns, rows, caption)


def _series(name: str, answers: Answering) -> charts.Series:
    reached = dict.fromkeys(point for point in answers.curve if point is not None)
    return charts.Series(
        name, x=[point.coverage for point in reached], y=[point.risk for point in reached]
    )


def _marks(found: Sequence[tuple[str, Answering]]) -> dict[str, float]:
    """Where a single pipeline's own threshold is; of several the names would overlap."""
    own = [answers.shares["answered"] for _, answers in found]
    return {"its own threshold": own[0].value} if len(own) == 1 and own[0] is not None else {}


def _with_interval(share: Share | None) -> str:
    return "" if share is None else wording.ranged(share.value, share.low, share.high)


def _plain(share: Share | None) -> str:
    return "" if share is None else f"{share.value:.2f}"


def _number(share: Share | None) -> str:
    return "" if share is None else f"{share.of:,}"

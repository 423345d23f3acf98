"""What pruning costs, as charts and as one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rag.evaluate import charts, wording
from rag.evaluate.intervals import Interval
from rag.evaluate.page import Part, Picture, Table, Text, page
from rag.evaluate.tradeoff import Curve, Line, Point

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHARE = "share of passages pruned, %"
_RECALL = "R@100"


def tradeoff_page(curve: Curve) -> str:
    """The curve as HTML. Raises MissingExtraError without the extra `plots`."""
    return page(f"Pruning: {curve.dataset}", list(_parts(curve)))


def chart(curve: Curve, measure: str | None = None) -> Figure:
    """A measure over the pruned share, by default the one that decides.

    Upright lines stand at the largest share that was shown to cost nothing, one for each pruner
    that is no control. Raises MissingExtraError without the extra `plots`.
    """
    name = measure or curve.measure
    marks = {one.name: 100 * one.not_worse for one in curve.lines if not one.control}
    return charts.lines(
        [_series(curve.whole, line, lambda point: point.measures[name]) for line in curve.lines],
        x=_SHARE,
        y=wording.measure(name),
        marks={one: place for one, place in marks.items() if place},
        level=curve.whole.measures[name].value,
    )


def verdict(curve: Curve, line: Line) -> str:
    """What was shown of a pruner, in one sentence."""
    measure, margin = wording.measure(curve.measure), f"{curve.margin:g}"
    if not line.not_worse:
        return f"{line.name}: no share is shown to cost less than {margin} of {measure}"
    if line.equivalent == line.not_worse:
        told = f"{measure} is shown equivalent within {margin} up to {line.equivalent:.1%} pruned"
        return f"{line.name}: {told}"
    told = f"up to {line.not_worse:.1%} pruned, {measure} is shown to lose less than {margin}"
    return f"{line.name}: {told} (and to gain less: up to {line.equivalent:.1%})"


def columns(curve: Curve) -> list[str]:
    """What `row` gives."""
    names = [wording.measure(name) for name in _shown(curve)]
    return ["pruner", "pruned", "passages", "MB", "build s", "encoded", *names, "difference", ""]


def row(curve: Curve, name: str, point: Point) -> list[str]:
    """A point's cells: the difference has its 90 % interval, the measures their 95 % one."""
    found = point.against_all
    told = "" if found is None else wording.between(found.difference, found.low, found.high)
    return [
        name,
        f"{point.pruned_share:.1%}",
        f"{point.passages:,}",
        f"{point.bytes / 1e6:.1f}",
        f"{point.seconds:.1f}",
        f"{point.encoded:,}",
        *(wording.mean(point.measures[one]) for one in _shown(curve)),
        told,
        "" if found is None else found.verdict,
    ]


def rows(curve: Curve) -> Iterator[list[str]]:
    """Every point: the index of all passages, then each pruner."""
    yield row(curve, "all passages", curve.whole)
    for line in curve.lines:
        name = f"{line.name} (control)" if line.control else line.name
        for point in line.points:
            yield row(curve, name, point)


def _parts(curve: Curve) -> Iterator[Part]:
    yield Text(
        (
            f"{curve.questions:,} questions, pipeline {curve.pipeline}. An index was built at each "
            f"share and compared with that of all passages on {wording.measure(curve.measure)}: "
            f"two one-sided paired t-tests, margin {curve.margin:g}, at 5 % each.",
            *(verdict(curve, line) + "." for line in curve.lines),
        ),
        heading=curve.dataset,
    )
    for name in _shown(curve):
        yield Picture(
            charts.svg(chart(curve, name)),
            f"{wording.measure(name)} by pruned share, with 95 % intervals; dotted: nothing "
            "pruned; dashed: the largest share that was shown to cost nothing.",
        )
    yield Picture(
        charts.svg(_sizes(curve)),
        "Size of the search structures by pruned share. What was pruned stays in the records.",
    )
    yield Table(columns(curve), list(rows(curve)), f"Every index that was built: {curve.dataset}")


def _shown(curve: Curve) -> list[str]:
    others = [name for name in (_RECALL,) if name in curve.whole.measures]
    return list(dict.fromkeys([curve.measure, *others]))


def _sizes(curve: Curve) -> Figure:
    def size(point: Point) -> Interval:
        return Interval(*[point.bytes / 1e6] * 3)

    lines = [_series(curve.whole, line, size) for line in curve.lines]
    return charts.lines(lines, x=_SHARE, y="MB")


def _series(whole: Point, line: Line, value: Callable[[Point], Interval]) -> charts.Series:
    points: Sequence[Point] = (whole, *line.points)
    values = [value(point) for point in points]
    return charts.Series(
        line.name,
        x=[100 * point.pruned_share for point in points],
        y=[one.value for one in values],
        low=[one.low for one in values],
        high=[one.high for one in values],
    )

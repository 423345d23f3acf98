"""Pruning judged: indexes of a dataset at each pruned share, beside the index of everything.

For each share a real index is built and searched, because what is pruned no longer counts in
the statistics of BM25. Two controls stand beside the pipeline's pruners: pruning by lot, and
pruning what is shortest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag import registry
from rag.bench import Bench, Measured
from rag.config import Pipeline, Prune
from rag.config.component import Component, check
from rag.errors import RequestError
from rag.evaluate.dataset import Dataset
from rag.evaluate.detection import read_dataset
from rag.evaluate.equivalence import LEAST_QUERIES, equivalence, largest
from rag.evaluate.intervals import Values, bootstrap_mean
from rag.evaluate.measures import JSON_NAMES
from rag.evaluate.tradeoff import Curve, Line, Point
from rag.trial import Say, Units

SHARES = tuple(percent / 100 for percent in range(5, 55, 5))
MARGIN = 0.01
DEFAULT_PRUNER = "quality"
CONTROLS = ("random", "length")
# Digits of a share, so that 1 - 0.9 is 0.1.
_DIGITS = 6


def curve(
    folder: Path,
    pipeline: Pipeline,
    *,
    shares: Sequence[float] = SHARES,
    margin: float = MARGIN,
    measure: str | None = None,
    split: str = "test",
    units: Units = "documents",
    controls: Sequence[str] = CONTROLS,
    cache: Path | None = None,
    progress: Say | None = None,
) -> Curve:
    """Prune the dataset in `folder` by each of the pipeline's pruners alone, and by `controls`.

    A pipeline without a pruner is tried with `quality`. A loss of `measure` (by default that by
    which the dataset compares pipelines) is as good as none where it is below `margin`. Vectors
    and every index that was judged are kept in `cache`, so that a run that was stopped goes on
    there. Raises RequestError for shares, a margin or a measure that make no sense.
    """
    chosen = _checked(shares, margin)
    dataset = read_dataset(folder, split)
    with Bench.at(cache, dataset, units, progress) as bench:
        whole = bench.measured(replace(pipeline, prune=()), "all passages")
        judged = _judged(dataset, whole, measure)
        lines = [
            Line(
                name,
                control,
                tuple(_points(bench, whole, _alone(pipeline, one, chosen), judged, margin)),
            )
            for name, one, control in _pruners(pipeline, controls)
        ]
    questions = len(dataset.queries)
    return Curve(
        dataset.name, pipeline.name, judged, margin, questions, _point(0.0, whole), tuple(lines)
    )


def largest_share(
    pipeline: Pipeline,
    step: Prune,
    folder: Path,
    margin: float,
    *,
    shares: Sequence[float] = SHARES,
    measure: str | None = None,
    split: str = "test",
    units: Units = "documents",
    cache: Path | None = None,
    progress: Say | None = None,
) -> float:
    """The largest of `shares` that `step` can prune with a loss shown to be below `margin`.

    `step` is one of the pipeline's. Those before it prune what they are told to; those that are
    to be measured themselves are left out, and so are those after it. A gain beyond the margin
    is no objection. It is 0.0 where no share is shown to be safe, and stops at the first that
    is not. Raises RequestError for a dataset of too few questions to show anything.
    """
    chosen = _checked(shares, margin)
    dataset = read_dataset(folder, split)
    if len(dataset.queries) < LEAST_QUERIES:
        raise RequestError(
            f"{folder}: its {len(dataset.queries)} questions cannot show a loss to be below "
            f"{margin}: give a dataset of at least {LEAST_QUERIES}, or 'keep' instead of 'within'"
        )
    fixed = [one for one in pipeline.prune[: pipeline.prune.index(step)] if one.within is None]
    with Bench.at(cache, dataset, units, progress) as bench:
        before = replace(pipeline, prune=tuple(fixed))
        whole = bench.measured(before, "before")
        variants = _variants(before, step.component, chosen)
        points = _points(bench, whole, variants, _judged(dataset, whole, measure), margin)
        return largest(_safe(points))


def _safe(points: Iterator[Point]) -> Iterator[tuple[float, bool]]:
    """Shares and whether they are safe, up to the first that is not."""
    for point in points:
        safe = point.against_all is not None and point.against_all.not_worse
        yield point.share, safe
        if not safe:
            return


def _checked(shares: Sequence[float], margin: float) -> list[float]:
    if not 0 < margin < 1:
        raise RequestError(f"a margin of {margin:g}: give one between 0 and 1, such as 0.01")
    for share in shares:
        if not 0 <= share < 1:
            raise RequestError(f"a share of {share:g}: give shares of 0 to below 1, such as 0.25")
    chosen = sorted({round(share, _DIGITS) for share in shares} - {0.0})
    if not chosen:
        raise RequestError("no share to prune: give one above 0, such as 0.25")
    return chosen


def _judged(dataset: Dataset, whole: Measured, measure: str | None) -> str:
    """The measure that decides, as the dataset names it."""
    names = {JSON_NAMES.get(name, name): name for name in whole.per_query}
    names |= {name: name for name in whole.per_query}
    chosen = measure or dataset.compared
    if chosen not in names:
        raise RequestError(registry.unknown("measure", chosen, whole.per_query))
    return names[chosen]


def _pruners(pipeline: Pipeline, controls: Sequence[str]) -> Iterator[tuple[str, Component, bool]]:
    """Name and component of each pruner to try, and whether it is a control."""
    own = [step.component for step in pipeline.prune] or [_default(DEFAULT_PRUNER)]
    uses = [one.use for one in own]
    for place, one in enumerate(own):
        again = uses[:place].count(one.use)
        yield (f"{one.use} ({again + 1})" if again else one.use), one, False
    for name in controls:
        if name not in uses:
            yield name, _default(name), True


def _default(use: str) -> Component:
    """A pruner with nothing but defaults."""
    options, complaints = check(registry.load("pruner", use), use, {})
    assert options is not None, complaints
    return Component("pruner", use, options)


def _alone(
    pipeline: Pipeline, component: Component, shares: Sequence[float]
) -> Iterator[tuple[float, Pipeline]]:
    return _variants(replace(pipeline, prune=()), component, shares)


def _variants(
    pipeline: Pipeline, component: Component, shares: Sequence[float]
) -> Iterator[tuple[float, Pipeline]]:
    """The pipeline with one more step of pruning, at each share."""
    for share in shares:
        step = Prune(component, keep=round(1 - share, _DIGITS))
        yield share, replace(pipeline, prune=(*pipeline.prune, step))


def _points(
    bench: Bench,
    whole: Measured,
    variants: Iterator[tuple[float, Pipeline]],
    measure: str,
    margin: float,
) -> Iterator[Point]:
    for share, variant in variants:
        found = bench.measured(variant, f"{variant.prune[-1].component.use}, {share:.0%} pruned")
        values = _values(found, whole, measure), _values(whole, whole, measure)
        yield replace(_point(share, found), against_all=equivalence(*values, margin))


def _values(found: Measured, whole: Measured, measure: str) -> Values:
    """Values of the measure in the order of the questions of `whole`, `(n,)`."""
    values = found.per_query[measure]
    return np.array([values[query] for query in whole.per_query[measure]], np.float64)


def _point(share: float, found: Measured) -> Point:
    return Point(
        share=share,
        passages=found.passages,
        pruned=found.pruned,
        encoded=found.encoded,
        bytes=found.bytes,
        seconds=found.seconds,
        measures={
            name: bootstrap_mean(np.array(list(values.values()), np.float64))
            for name, values in found.per_query.items()
        },
    )

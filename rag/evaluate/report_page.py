"""Reports of evaluations as one HTML file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rag.evaluate import answer_tables, charts, wording
from rag.evaluate.page import Part, Picture, Table, Text, page
from rag.evaluate.questions import Contrasts
from rag.evaluate.report import Report
from rag.evaluate.result import PipelineResult

# Questions shown one by one: more are nobody's to read, and the JSON report has them all.
_SHOWN = 200
# Measures at several depths: `page-hit@5`, `answer-in-top-5`.
_AT_DEPTH = re.compile(r"(.+?)[@-](\d+)")
_LEAST_DEPTHS = 3


def check_installed() -> None:
    """Raise MissingExtraError where what reports are made with is not installed."""
    page("", [Picture(charts.svg(charts.bars([], y="")), "")])


def report_page(reports: Sequence[Report]) -> str:
    """The reports as HTML. Raises MissingExtraError without the extra `plots`."""
    title = "Evaluation: " + ", ".join(report.dataset for report in reports)
    return page(title, [part for report in reports for part in _parts(report)])


def _parts(report: Report) -> Iterator[Part]:
    compared = wording.measure(report.compared)
    yield Text(
        (
            f"{report.questions:,} questions, in {report.format} format. Values are means over "
            "questions with 95 % bootstrap intervals. Pipelines are ranked by "
            f"{compared}.",
        ),
        heading=report.dataset,
    )
    yield _measures(report)
    if report.failures:
        yield Text([f"{line}." for line in report.failures])
    if any(one.arms for one in report.pipelines):
        yield _arms(report)
    yield _means(report)
    yield from _depths(report)
    yield from answer_tables.parts(report.pipelines)
    if report.comparisons:
        yield _comparisons(report)
    if report.contrasts is not None:
        yield _differences(report, report.contrasts)
        if report.contrasts.rows:
            yield _questions(report.contrasts)


def _measures(report: Report) -> Table:
    names = list(report.pipelines[0].measures)
    columns = ("pipeline", *map(wording.measure, names), "index s", "p50 ms", "p95 ms")
    rows = [
        [one.name, *(wording.mean(one.measures[name]) for name in names), *_times(one)]
        for one in report.pipelines
    ]
    return Table(columns, rows, f"Measures and times on {report.dataset}")


def _times(result: PipelineResult) -> list[str]:
    found = result.query_ms
    return [
        wording.seconds(result.index_seconds),
        wording.milliseconds(found.p50 if found else None),
        wording.milliseconds(found.p95 if found else None),
    ]


def _arms(report: Report) -> Table:
    rows = [
        (one.name, name, *wording.contribution(arm))
        for one in report.pipelines
        for name, arm in one.arms.items()
    ]
    return Table(wording.ARMS, rows, f"{wording.ARMS_TITLE.capitalize()}.")


def _means(report: Report) -> Picture:
    measures = {
        wording.measure(name): {one.name: one.measures[name] for one in report.pipelines}
        for name in report.pipelines[0].measures
    }
    best = max(report.pipelines, key=lambda one: one.measures[report.compared].value)
    value = wording.mean(best.measures[report.compared])
    return Picture(
        charts.svg(charts.dots(measures)),
        f"Means with their 95 % intervals. {best.name} has the highest "
        f"{wording.measure(report.compared)}, {value}.",
    )


def _depths(report: Report) -> Iterator[Picture]:
    """A chart for each measure that is taken at several depths."""
    stems: dict[str, dict[int, str]] = defaultdict(dict)
    for name in report.pipelines[0].measures:
        if found := _AT_DEPTH.fullmatch(name):
            stems[found[1]][int(found[2])] = name
    for stem, depths in stems.items():
        if len(depths) >= _LEAST_DEPTHS:
            drawn = charts.lines([_series(one, depths) for one in report.pipelines], x="k", y=stem)
            yield Picture(
                charts.svg(drawn),
                f"{stem} by how many passages are looked at (k); bands are 95 % intervals.",
            )


def _series(result: PipelineResult, depths: dict[int, str]) -> charts.Series:
    points = [(depth, result.measures[depths[depth]]) for depth in sorted(depths)]
    return charts.Series(
        result.name,
        x=[depth for depth, _ in points],
        y=[mean.value for _, mean in points],
        low=[mean.low for _, mean in points],
        high=[mean.high for _, mean in points],
    )


def _comparisons(report: Report) -> Table:
    rows = [
        (
            one.pipeline,
            one.baseline,
            wording.measure(one.measure),
            wording.difference(one),
            wording.p_value(one),
            one.verdict,
            wording.needed(one),
        )
        for one in report.comparisons
    ]
    return Table(
        ("pipeline", "against", "measure", "difference", "p", "verdict", "questions needed"),
        rows,
        "Differences with 95 % bootstrap intervals; p of a paired randomisation test, corrected "
        "by Holm's method for the comparisons on the same measure. Questions needed: about how "
        "many would show a difference as large as this one, 8 times out of 10.",
    )


def _differences(report: Report, found: Contrasts) -> Picture:
    before, after = (one.per_query[found.measure] for one in report.pipelines[:2])
    measure = wording.measure(found.measure)
    return Picture(
        charts.svg(charts.bars([after[query] - before[query] for query in before], y=measure)),
        f"{measure} of {found.pipeline} less that of {found.baseline}, a bar for each question: "
        f"{found.wins} better, {found.losses} worse, {found.ties} equal.",
    )


def _questions(found: Contrasts) -> Table:
    shown = found.rows[:_SHOWN]
    rows = [
        (
            row.question,
            f"{row.difference:+.3f}",
            f"{row.baseline:.3f}",
            f"{row.pipeline:.3f}",
            row.baseline_top,
            row.pipeline_top,
        )
        for row in shown
    ]
    left = f" The first {len(shown)} of {len(found.rows)}." if len(shown) < len(found.rows) else ""
    return Table(
        (
            "question",
            "difference",
            found.baseline,
            found.pipeline,
            f"first with {found.baseline}",
            f"first with {found.pipeline}",
        ),
        rows,
        f"Questions on which {found.pipeline} and {found.baseline} differ by "
        f"{wording.measure(found.measure)}, largest differences first.{left}",
    )

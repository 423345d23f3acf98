"""An evaluation as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rag.cli.output import console, count, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from rag.evaluate.comparison import PipelineComparison
    from rag.evaluate.questions import Contrasts
    from rag.evaluate.report import Report

# Columns of a terminal that the name of a pipeline may take before it is folded.
_NAME = 28
_GAP = 2
_QUESTIONS = 20
_LONGEST_QUESTION = 300
_NEEDED = (
    "needed: about how many questions would show a difference as large as this one, "
    "8 times out of 10\n"
)


def show_report(report: Report, *, questions: bool) -> None:
    """Print measures, comparisons and, with `questions`, wins and losses."""
    screen = console()
    asked = count(report.questions, "question")
    screen.print(
        f"{one_line(report.dataset)} ({report.format}), {asked}: means with 95 % intervals\n"
    )
    for table in _measures(report, screen.width):
        screen.print(table)
        screen.print()
    _show_failures(screen, report)
    if any(one.arms for one in report.pipelines):
        _show_arms(screen, report)
    _show_answers(screen, report)
    for _, group in groupby(report.comparisons, key=lambda one: one.measure):
        _show_comparisons(screen, list(group))
    if any(one.needed is not None for one in report.comparisons):
        screen.print(_NEEDED)
    if questions and report.contrasts is not None:
        _show_questions(screen, report.contrasts)


def _table(*columns: str, left: int = 1) -> Table:
    """A table of which the first `left` columns are text, and the others numbers."""
    from rich.table import Table

    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="bold")
    for number, column in enumerate(columns):
        if number < left:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def _measures(report: Report, width: int) -> Iterator[Table]:
    """All columns in one table, or in as many as it takes to fit the terminal."""
    columns = _columns(report)
    names = [one_line(one.name) for one in report.pipelines]
    longest = min(_NAME, max(map(len, ("pipeline", *names))))
    while columns:
        room = width - longest - _GAP
        shown: list[tuple[str, list[str]]] = []
        while columns and (not shown or room >= _width(columns[0])):
            room -= _width(columns[0])
            shown.append(columns.pop(0))
        table = _table("pipeline", *(column for column, _ in shown))
        table.columns[0].max_width = None if width > 1000 else _NAME
        for name, *cells in zip(names, *(cells for _, cells in shown), strict=True):
            table.add_row(name, *cells)
        yield table


def _width(column: tuple[str, Sequence[str]]) -> int:
    name, cells = column
    return max(map(len, (name, *cells))) + _GAP


def _columns(report: Report) -> list[tuple[str, list[str]]]:
    from rag.evaluate import wording

    results = report.pipelines
    times = [one.query_ms for one in results]
    return [
        *(
            (wording.measure(name), [wording.mean(one.measures[name]) for one in results])
            for name in results[0].measures
        ),
        ("index s", [wording.seconds(one.index_seconds) for one in results]),
        ("p50 ms", [wording.milliseconds(one.p50 if one else None) for one in times]),
        ("p95 ms", [wording.milliseconds(one.p95 if one else None) for one in times]),
    ]


def _show_failures(screen: Console, report: Report) -> None:
    for line in report.failures:
        screen.print(one_line(line), style="yellow", markup=False, highlight=False)
    if report.failures:
        screen.print()


def _show_arms(screen: Console, report: Report) -> None:
    from rag.evaluate import wording

    table = _table(*wording.ARMS, left=2)
    for one in report.pipelines:
        for name, arm in one.arms.items():
            table.add_row(one_line(one.name), name, *wording.contribution(arm))
    screen.print(f"{wording.ARMS_TITLE}\n")
    screen.print(table)
    screen.print()


def _show_answers(screen: Console, report: Report) -> None:
    from rag.evaluate import answer_tables

    for found in answer_tables.tables(report.pipelines):
        table = _table(*map(one_line, found.columns))
        for row in found.rows:
            table.add_row(*map(one_line, row))
        screen.print(f"{found.caption.rstrip('.')}\n")
        screen.print(table)
        screen.print()


def _show_comparisons(screen: Console, comparisons: Sequence[PipelineComparison]) -> None:
    from rag.evaluate import wording

    measure = wording.measure(comparisons[0].measure)
    baselines = {one.baseline for one in comparisons}
    if single := len(baselines) == 1:
        screen.print(f"{measure}, against {one_line(comparisons[0].baseline)}")
    else:
        screen.print(f"{measure}, each against each")
    names = ("pipeline",) if single else ("pipeline", "against")
    table = _table(*names, "difference", "p", "verdict", "needed", left=len(names))
    table.columns[-2].justify = "left"
    for one in comparisons:
        table.add_row(
            *map(one_line, (one.pipeline,) if single else (one.pipeline, one.baseline)),
            wording.difference(one),
            wording.p_value(one),
            one.verdict,
            wording.needed(one),
        )
    screen.print(table)
    screen.print()


def _show_questions(screen: Console, found: Contrasts) -> None:
    from rich.table import Table

    from rag.evaluate import wording

    screen.print(
        f"{one_line(found.pipeline)} against {one_line(found.baseline)}, "
        f"{wording.measure(found.measure)}: {found.wins} better, {found.losses} worse, "
        f"{found.ties} equal\n"
    )
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for row in found.rows[:_QUESTIONS]:
        question = one_line(row.question)
        if len(question) > _LONGEST_QUESTION:
            question = question[:_LONGEST_QUESTION] + "…"
        grid.add_row(f"{row.difference:+.3f}", question)
        for name, value, top in (
            (found.baseline, row.baseline, row.baseline_top),
            (found.pipeline, row.pipeline, row.pipeline_top),
        ):
            first = f"first: {one_line(top)}" if top else "nothing found"
            grid.add_row("", f"{one_line(name)} {value:.3f}, {first}")
    screen.print(grid)
    left = len(found.rows) - _QUESTIONS
    if left > 0:
        screen.print(f"\n{left:,} more: --json has them all")

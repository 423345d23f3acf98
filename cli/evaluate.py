"""`rag eval`: pipelines side by side on datasets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.options import JsonOption, OverridesOption
from rag.cli.output import console, one_line, say_json
from rag.cli.progress import spoken_progress

if TYPE_CHECKING:
    from rich.table import Table

    from rag.evaluate.report import PipelineComparison, PipelineResult, Report


def evaluate(
    *,
    datasets: Annotated[
        list[Path], typer.Argument(metavar="DATASET", help="Folders in BEIR or page format.")
    ],
    pipelines: Annotated[
        list[str] | None,
        typer.Option(
            "--pipeline",
            metavar="NAME|FILE",
            help="A preset or a pipeline file. May be repeated: the first is the baseline.",
            show_default="hybrid",
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="The judgements to use: qrels/NAME.tsv.")
    ] = "test",
    passages: Annotated[
        bool,
        typer.Option(
            "--passages",
            help="Cut a BEIR corpus with the pipeline's chunker; else each text is one passage.",
        ),
    ] = False,
    index_folder: Annotated[
        Path | None,
        typer.Option(
            "--index",
            metavar="DIR",
            help="Keep the indexes here, to be used again.",
            show_default=False,
        ),
    ] = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Measure pipelines on datasets with judgements.

    Every later pipeline is compared with the first.
    """
    from rag import trial
    from rag.config import load_pipeline
    from rag.rag import DEFAULT_PIPELINE

    units: trial.Units = "passages" if passages else "documents"
    chosen = [load_pipeline(name, overrides) for name in pipelines or [DEFAULT_PIPELINE]]
    with spoken_progress() as progress:
        reports = [
            trial.evaluate(
                folder, chosen, split=split, units=units, cache=index_folder, progress=progress
            )
            for folder in datasets
        ]
    if as_json:
        shapes = [report.as_dict() for report in reports]
        say_json(shapes[0] if len(shapes) == 1 else shapes)
        return
    for report in reports:
        _say_report(report)


def _say_report(report: Report) -> None:
    screen = console()
    screen.print(f"{one_line(report.dataset)} ({report.format})")
    screen.print(_table(report.pipelines))
    for comparison in report.comparisons:
        screen.print(_comparison(comparison))


def _table(results: Sequence[PipelineResult]) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE)
    table.add_column("pipeline", overflow="fold")
    entries = [result.as_dict() for result in results]
    for name in (*entries[0]["measures"], "index s", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right", overflow="fold")
    for entry in entries:
        measures = [_interval(**measure) for measure in entry["measures"].values()]
        times = (
            f"{entry['index_seconds']:.1f}",
            *(f"{ms:.1f}" for ms in entry["query_ms"].values()),
        )
        table.add_row(one_line(entry["name"]), *measures, *times)
    return table


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f} [{low:.2f}, {high:.2f}]"


def _comparison(comparison: PipelineComparison) -> str:
    shape = comparison.as_dict()
    return (
        f"{one_line(comparison.pipeline)} against {one_line(comparison.baseline)}, "
        f"{shape['measure']}: {shape['difference']:+.3f} "
        f"[{shape['low']:+.3f}, {shape['high']:+.3f}], p = {shape['p_holm']:.3g}: "
        f"{comparison.verdict}"
    )

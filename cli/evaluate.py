"""`rag eval`: pipelines side by side on datasets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.evaluation import show_report
from rag.cli.interrupt import Interrupted
from rag.cli.options import JsonOption, OverridesOption, PassagesOption, SplitOption
from rag.cli.output import say_json, write_file
from rag.cli.progress import spoken_progress
from rag.errors import RequestError

if TYPE_CHECKING:
    from rag.evaluate.report import Report


def evaluate(
    *,
    datasets: Annotated[
        list[Path],
        typer.Argument(metavar="DATASET", help="Folders or files in a format of datasets."),
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
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            "--run",
            metavar="FILE",
            help="Judge a run in TREC format beside the pipelines. May be repeated.",
            show_default=False,
        ),
    ] = None,
    split: SplitOption = "test",
    passages: PassagesOption = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Compare each with each on every measure; else with the first, on one measure.",
        ),
    ] = False,
    ablate: Annotated[
        bool,
        typer.Option(
            "--ablate", help="Also measure the first pipeline without each of its parts in turn."
        ),
    ] = False,
    questions: Annotated[
        bool,
        typer.Option("--questions", help="Show wins and losses of the second against the first."),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a report with charts to one HTML file.", show_default=False
        ),
    ] = None,
    save_runs: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write each pipeline's run in TREC format.", show_default=False
        ),
    ] = None,
    index_folder: Annotated[
        Path | None,
        typer.Option(
            "--index",
            metavar="DIR",
            help="Keep the indexes here, to be used again.",
            show_default="the user's folder of caches",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make the indexes anew, and encode everything again.")
    ] = False,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Measure pipelines on datasets with judgements.

    Every later pipeline is compared with the first. Run the same command again after an
    interruption: it goes on where it was.
    """
    from rag import trial
    from rag.config import load_pipeline
    from rag.rag import DEFAULT_PIPELINE

    chosen = [load_pipeline(name, overrides) for name in pipelines or [DEFAULT_PIPELINE]]
    if (compare or questions) and not ablate and len(chosen) + len(runs or []) < 2:
        option = "--compare" if compare else "--questions"
        raise RequestError(f"{option} needs two pipelines: name another with --pipeline or --run")
    _check_html(html)
    extent = trial.Extent(
        compare_all=compare, ablate=ablate, runs=runs or (), save_runs=save_runs, fresh=fresh
    )
    with _resumable(fresh), spoken_progress() as progress:
        reports = trial.evaluate_each(
            datasets,
            chosen,
            split=split,
            units="passages" if passages else "documents",
            cache=index_folder or _cache(),
            progress=progress,
            extent=extent,
        )
    _write_html(html, reports)
    if as_json:
        shapes = [report.as_dict(questions=questions) for report in reports]
        say_json(shapes[0] if len(shapes) == 1 else shapes)
        return
    for report in reports:
        show_report(report, questions=questions)


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("ragline") / "eval"


@contextmanager
def _resumable(fresh: bool) -> Iterator[None]:
    """Say to those who interrupt it that nothing is lost."""
    try:
        yield
    except Interrupted as stop:
        again = "the same command without --fresh" if fresh else "the same command again"
        stop.message = f"stopped: run {again}, and it goes on from here"
        raise


def _check_html(path: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    if path is None:
        return
    from rag.evaluate.report_page import check_installed

    check_installed()
    if path.is_dir() or not path.absolute().parent.is_dir():
        reason = "it is a folder" if path.is_dir() else "there is no such folder"
        raise RequestError(f"{path}: the report cannot be written: {reason}")


def _write_html(path: Path | None, reports: Sequence[Report]) -> None:
    if path is None:
        return
    from rag.evaluate.report_page import report_page

    write_file(path, report_page(reports).encode(), "report")

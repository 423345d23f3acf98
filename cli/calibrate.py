"""`rag calibrate`: the scores of a reranker made probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.options import JsonOption, OverridesOption, PassagesOption
from rag.cli.output import console, count, one_line, say, say_json
from rag.cli.progress import spoken_progress

if TYPE_CHECKING:
    from rag.calibration import Calibrated, Check

_ROWS = (
    ("scores", "the scores as they are, cut to 0..1"),
    ("share", "the same for all: the share that is relevant"),
    ("probability", "calibrated"),
)


def calibrate(
    *,
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="A folder in BEIR format, with judgements.")
    ],
    pipeline: Annotated[
        str,
        typer.Option(
            "--pipeline", metavar="NAME|FILE", help="A preset or a pipeline file with a reranker."
        ),
    ],
    split: Annotated[
        str, typer.Option(metavar="NAME", help="The judgements to learn from: qrels/NAME.tsv.")
    ] = "train",
    questions: Annotated[
        int | None,
        typer.Option(
            "--questions",
            metavar="N",
            min=1,
            help="Ask so many questions of each split, drawn by lot.",
            show_default="all",
        ),
    ] = None,
    passages: PassagesOption = False,
    index_folder: Annotated[
        Path | None,
        typer.Option(
            "--index",
            metavar="DIR",
            help="Keep the index here, to be used again.",
            show_default="the user's folder of caches",
        ),
    ] = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Make probabilities of a reranker's scores, for the pipeline file.

    The scores of the pipeline's last reranker are fitted to the judgements of a dataset (Platt
    scaling), and checked on its test split where there is one.
    """
    from rag.calibration import calibrate
    from rag.config import load_pipeline

    with spoken_progress() as progress:
        found = calibrate(
            dataset,
            load_pipeline(pipeline, overrides),
            split=split,
            questions=questions,
            units="passages" if passages else "documents",
            cache=index_folder or _cache(),
            progress=progress,
        )
    if as_json:
        say_json(found.as_dict())
    else:
        _show(found)


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("ragline") / "eval"


def _show(found: Calibrated) -> None:
    say(
        f"{one_line(found.dataset)}, {one_line(found.split)}: "
        f"{count(found.questions, 'question')}, {count(found.passages, 'passage')} scored by "
        f"'{found.reranker}', {found.relevant:,} of them relevant"
    )
    say("for the last 'rerank' of the pipeline file:")
    say(f"  probability: {{slope: {found.slope}, intercept: {found.intercept}}}")
    if found.check is not None:
        _show_check(found.check)


def _show_check(check: Check) -> None:
    from rich.table import Table

    screen = console()
    asked = f"{count(check.questions, 'question')}, {count(check.passages, 'passage')}"
    screen.print(f"\non {one_line(check.split)} ({asked}), where 0 is perfect:")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("Brier score", "calibration error"):
        table.add_column(name, justify="right")
    for key, name in _ROWS:
        found = check.by[key]
        table.add_row(name, f"{found.brier:.4f}", f"{found.error:.4f}")
    screen.print(table)

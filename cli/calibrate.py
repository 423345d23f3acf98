"""`rag calibrate`: the scores of a reranker made probabilities, and a threshold for answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.calibration import check_answers, show_threshold
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
        Path,
        typer.Argument(
            metavar="DATASET",
            help="A folder in BEIR format, with judgements; with --answers, one with answers.",
        ),
    ],
    pipeline: Annotated[
        str,
        typer.Option(
            "--pipeline",
            metavar="NAME|FILE",
            help="A preset or a pipeline file; without --answers, one with a reranker.",
        ),
    ],
    answers: Annotated[
        bool,
        typer.Option(
            "--answers", help="Fit the threshold under which the pipeline abstains instead."
        ),
    ] = False,
    error: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="With --answers: the share of the answers that may be wrong.",
            show_default="0.1",
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="With --answers: how sure it must be that no more are.",
            show_default="0.95",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The judgements to learn from: qrels/NAME.tsv.",
            show_default="train",
        ),
    ] = None,
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
    """Make probabilities of a reranker's scores, or fit a threshold, for the pipeline file.

    The scores of the pipeline's last reranker are fitted to the judgements of a dataset (Platt
    scaling), and checked on its test split where there is one. With --answers the questions are
    asked, and the lowest threshold is looked for under which the pipeline abstains often enough:
    of the answers that are left, no more than --error are wrong.
    """
    from rag.calibration import calibrate
    from rag.config import load_pipeline

    check_answers(answers, error, confidence, split, passages)
    if answers:
        from rag.abstention import fit_threshold

        with spoken_progress() as progress:
            fitted = fit_threshold(
                dataset,
                load_pipeline(pipeline, overrides),
                error=0.1 if error is None else error,
                level=0.95 if confidence is None else confidence,
                questions=questions,
                cache=index_folder or _cache(),
                progress=progress,
            )
        say_json(fitted.as_dict()) if as_json else show_threshold(fitted)
        return
    with spoken_progress() as progress:
        found = calibrate(
            dataset,
            load_pipeline(pipeline, overrides),
            split=split or "train",
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

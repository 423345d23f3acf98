"""`rag prune`: what was pruned, and what pruning would cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.interrupt import Interrupted
from rag.cli.options import (
    JsonOption,
    OverridesOption,
    PassagesOption,
    PipelineOption,
    SplitOption,
)
from rag.cli.output import console, count, one_line, say, say_json, write_file
from rag.cli.progress import spoken_progress
from rag.errors import RequestError

if TYPE_CHECKING:
    from rag.evaluate.tradeoff import Curve
    from rag.types import Dropped


def prune(
    *,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "--curve",
            metavar="DATASET",
            help="Prune a dataset with judgements at each share, and measure what that costs.",
            show_default=False,
        ),
    ] = None,
    pipeline: PipelineOption = None,
    shares: Annotated[
        str, typer.Option(metavar="LIST", help="The shares to prune.")
    ] = "0.05,0.1,0.15,0.2,0.25,0.3,0.35,0.4,0.45,0.5",
    margin: Annotated[
        float, typer.Option(metavar="X", help="The loss of the measure that is as good as none.")
    ] = 0.01,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The measure that decides, such as nDCG@10.",
            show_default="that by which the dataset compares pipelines",
        ),
    ] = None,
    split: SplitOption = "test",
    passages: PassagesOption = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the curve to one HTML file.", show_default=False),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the curve as a picture.", show_default=False),
    ] = None,
    index_folder: Annotated[
        Path | None,
        typer.Option(
            "--index",
            metavar="DIR",
            help="The index's folder. With --curve, where to keep what has been measured.",
            show_default="the nearest .rag; with --curve, the user's folder of caches",
        ),
    ] = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Show what was pruned from the index and why, or what pruning costs.

    With --curve the pipeline's pruners, and pruning by lot and by length beside them, are tried
    on the dataset. Run the same command again after an interruption: it goes on where it was.
    """
    if dataset is None:
        if html is not None or png is not None or pipeline is not None or overrides:
            raise RequestError(
                "--html, --png, --pipeline and --set belong to a curve: name a dataset with --curve"
            )
        _summary(index_folder, as_json)
        return
    from rag.config import load_pipeline
    from rag.curve import curve
    from rag.rag import DEFAULT_PIPELINE

    chosen = _shares(shares)
    _check_files(html, png)
    with _resumable(), spoken_progress() as progress:
        found = curve(
            dataset,
            load_pipeline(pipeline or DEFAULT_PIPELINE, overrides),
            shares=chosen,
            margin=margin,
            measure=measure,
            split=split,
            units="passages" if passages else "documents",
            cache=index_folder or _cache(),
            progress=progress,
        )
    _write(found, html, png)
    if as_json:
        say_json(found.as_dict())
    else:
        _say_curve(found)


def _summary(index_folder: Path | None, as_json: bool) -> None:
    from rag.rag import Rag

    with closing(Rag.open(index_folder)) as rag:
        held = rag.status()
        dropped = Counter(_pruner(one) for one in rag.pruned())
    if as_json:
        say_json({"passages": held["passages"], "pruned": held["pruned"], "pruners": dict(dropped)})
        return
    total = held["passages"] + held["pruned"]
    share = f" ({held['pruned'] / total:.1%} of {total:,})" if held["pruned"] else ""
    say(f"{count(held['passages'], 'passage')} indexed, {held['pruned']:,} pruned{share}")
    for name, number in dropped.most_common():
        say(f"  {one_line(name)}: {number:,}")
    if dropped:
        say("'rag inspect --pruned' lists them")


def _pruner(dropped: Dropped) -> str:
    """A reason begins with the name of the pruner that gave it."""
    return dropped.reason.partition(":")[0]


def _shares(text: str) -> list[float]:
    try:
        return [float(one) for one in text.split(",")]
    except ValueError:
        raise RequestError(
            f"--shares {text!r}: give numbers with commas between them, such as 0.1,0.25"
        ) from None


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("ragline") / "eval"


@contextmanager
def _resumable() -> Iterator[None]:
    """Say to those who interrupt it that nothing is lost."""
    try:
        yield
    except Interrupted as stop:
        stop.message = "stopped: run the same command again, and it goes on from here"
        raise


def _check_files(*paths: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    wanted: Iterable[Path] = [path for path in paths if path is not None]
    for path in wanted:
        if path.is_dir() or not path.absolute().parent.is_dir():
            reason = "it is a folder" if path.is_dir() else "there is no such folder"
            raise RequestError(f"{path}: the curve cannot be written: {reason}")
    if wanted:
        from rag.evaluate.report_page import check_installed

        check_installed()


def _write(curve: Curve, html: Path | None, png: Path | None) -> None:
    if html is not None:
        from rag.evaluate.tradeoff_page import tradeoff_page

        write_file(html, tradeoff_page(curve).encode(), "curve")
    if png is not None:
        from rag.evaluate import charts
        from rag.evaluate.tradeoff_page import chart

        write_file(png, charts.png(chart(curve)), "curve")


def _say_curve(curve: Curve) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from rag.evaluate.tradeoff_page import columns, rows, verdict

    screen = console()
    screen.print(f"{one_line(curve.dataset)}, {count(curve.questions, 'question')}")
    table = Table(box=SIMPLE)
    for place, name in enumerate(columns(curve)):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for cells in rows(curve):
        table.add_row(*map(one_line, cells))
    screen.print(table)
    for line in curve.lines:
        screen.print(one_line(verdict(curve, line)))

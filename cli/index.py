"""`rag index`: bring the index up to date with its sources."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli.interrupt import Interrupted
from rag.cli.options import IndexOption, JsonOption, OverridesOption, PipelineOption
from rag.cli.output import complain, count, say, say_json
from rag.cli.progress import index_progress
from rag.errors import SourceError

if TYPE_CHECKING:
    from rag.connectors.files import FilesConnector
    from rag.indexing import IndexReport
    from rag.rag import Rag

SOME_FAILED = 1

_SHOWN_EXTENSIONS = 8


def index(
    *,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Files and folders to index.")
    ],
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Make the index anew; the former one serves until it is complete."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the index up to date with files and folders.

    Only what is new or changed is worked on, and what is gone from these sources is removed.
    """
    from rag.rag import Rag
    from rag.registry import load

    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        connector = load("connector", "files")(paths=sources, base=rag.folder.absolute().parent)
        report = _indexed(rag, connector, sources, rebuild)
        if as_json:
            say_json({**report.as_dict(), "skipped": dict(connector.skipped)})
        else:
            _say_report(rag, report)
    _tell_skipped(connector.skipped)
    for failure in report.failed:
        complain(f"{failure.source}: {failure.error}")
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _indexed(rag: Rag, connector: FilesConnector, sources: list[str], rebuild: bool) -> IndexReport:
    total = sum(1 for _ in connector.items())
    if not total and (rebuild or not rag.exists or not rag.status()["documents"]):
        raise SourceError(_nothing(sources, connector))
    try:
        with index_progress(total, encodes=rag.pipeline.encode is not None) as show:
            return rag.index(connector, rebuild=rebuild, progress=show)
    except Interrupted as stop:
        complain("stopped; what was finished is kept; run the same command again to go on")
        raise typer.Exit(stop.exit_code) from None


def _nothing(sources: list[str], connector: FilesConnector) -> str:
    from rag.connectors.formats.catalogue import by_extension

    skipped = f" ({_skipped(connector.skipped)})" if connector.skipped else ""
    read = ", ".join(sorted(by_extension()))
    return f"no documents found in {', '.join(sources)}{skipped}; formats read: {read}"


def _say_report(rag: Rag, report: IndexReport) -> None:
    held = f"{count(report.documents, 'document')}, {count(report.passages, 'passage')}"
    pruned = f", {report.pruned:,} pruned" if report.pruned else ""
    did = ", ".join(
        f"{getattr(report, what):,} {what}" for what in ("added", "changed", "removed", "unchanged")
    )
    failed = f", {len(report.failed):,} failed" if report.failed else ""
    say(f"{held}{pruned} in {rag.folder}")
    say(f"{did}{failed} in {report.seconds:.1f} s")


def _tell_skipped(skipped: Counter[str]) -> None:
    if skipped:
        complain(_skipped(skipped))


def _skipped(skipped: Counter[str]) -> str:
    """How many files were passed over, by extension, the most frequent first."""
    by_number: list[tuple[str, Any]] = sorted(skipped.items(), key=lambda pair: (-pair[1], pair[0]))
    kinds = [f"{number:,} {kind or 'without extension'}" for kind, number in by_number]
    rest = len(kinds) - _SHOWN_EXTENSIONS
    more = f" and {rest} more kinds" if rest > 0 else ""
    files = count(sum(skipped.values()), "file")
    return f"{files} passed over: {', '.join(kinds[:_SHOWN_EXTENSIONS])}{more}"

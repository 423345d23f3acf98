"""`rag index`: bring the index up to date with its sources."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli.interrupt import Interrupted
from rag.cli.options import IndexOption, JsonOption, OverridesOption, PipelineOption
from rag.cli.output import complain, count, duration, one_line, say, say_json
from rag.cli.progress import index_progress, spoken_progress
from rag.errors import RequestError, SourceError

if TYPE_CHECKING:
    from rag.indexing import IndexReport
    from rag.planning import IndexPlan
    from rag.protocols import Connector
    from rag.rag import Rag

SOME_FAILED = 1

_SHOWN_EXTENSIONS = 8
_SHOWN_SOURCES = 10


def index(
    *,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Files, folders, quoted globs, URLs, NAME:..., {use: NAME, ...}, or - for "
            "standard input.",
            show_default=False,
        ),
    ] = None,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Make the index anew; the former one serves until it is complete."
        ),
    ] = False,
    keep_all: Annotated[
        bool,
        typer.Option(
            "--keep-all",
            help="Prune nothing in this run, and bring back what was pruned; needs no SOURCE.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be done and how long it would take."),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on following files and folders until stopped."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            metavar="N",
            help="Processes that parse files, one for each core by default; 0 for none but this.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the index up to date with its sources.

    Only what is new or changed is worked on, and what is gone from these sources is removed.
    """
    if (rebuild, dry_run, watch).count(True) > 1:
        raise RequestError("--rebuild, --dry-run and --watch do not go together: give one of them")
    if keep_all and (dry_run or watch):
        raise RequestError("--keep-all goes neither with --dry-run nor with --watch")
    if not sources and not keep_all:
        raise RequestError("nothing to index: name a file or a folder")
    given = sources or []
    from rag.rag import Rag

    with closing(
        Rag.open(index_folder, pipeline=pipeline, overrides=overrides, workers=workers)
    ) as rag:
        _measure(rag)
        if dry_run:
            _say_plan(rag.plan(*given), as_json)
            return
        if not given:
            _say(rag, rag.index(keep_all=True), {}, as_json)
            return
        connector = rag.connect(*given)
        if watch:
            _follow(rag, connector, as_json)
        else:
            report = _indexed(rag, connector, given, rebuild=rebuild, keep_all=keep_all)
            _say(rag, report, _passed_over(connector), as_json)


def _measure(rag: Rag) -> None:
    """Find out how much may be pruned, where the pipeline says only what it may cost."""
    for step in rag.unmeasured():
        from rag.curve import largest_share

        name = f"'{step.component.use}' within {step.within:g} on {step.dataset}"
        complain(f"measuring how much {name} may prune")
        with spoken_progress() as progress:
            share = largest_share(
                rag.pipeline,
                step,
                Path(step.dataset or ""),
                step.within or 0.0,
                progress=progress,
            )
        rag.measured(step, 1 - share)
        complain(f"{name} may prune {share:.0%} of the passages")


def _say(rag: Rag, report: IndexReport, skipped: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        say_json({**report.as_dict(), "skipped": dict(skipped)})
    else:
        _say_report(rag, report)
    if skipped:
        complain(_skipped(skipped))
    for failure in report.failed:
        complain(f"{failure.source}: {failure.error}")
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _indexed(
    rag: Rag, connector: Connector, sources: list[str], *, rebuild: bool, keep_all: bool
) -> IndexReport:
    total = _total(connector)
    if total == 0 and (rebuild or not rag.exists or not rag.status()["documents"]):
        raise SourceError(_nothing(sources, connector))
    try:
        with index_progress(total, encodes=rag.pipeline.encode is not None) as show:
            return rag.index(connector, rebuild=rebuild, keep_all=keep_all, progress=show)
    except Interrupted as stop:
        complain("stopped; what was finished is kept; run the same command again to go on")
        raise typer.Exit(stop.exit_code) from None


def _total(connector: Connector) -> int | None:
    """How many items there are, where listing them twice costs next to nothing."""
    from rag.watching import Followed

    return sum(1 for _ in connector.items()) if isinstance(connector, Followed) else None


def _follow(rag: Rag, connector: Connector, as_json: bool) -> None:
    try:
        for number, report in enumerate(rag.watch(connector)):
            if number == 0:
                complain("watching; stop with Ctrl-C")
            if as_json:
                say_json(report.as_dict(), lines=True)
            elif _did(report):
                say(f"{_did(report)} in {report.seconds:.1f} s")
            for failure in report.failed:
                complain(f"{failure.source}: {failure.error}")
    except (Interrupted, KeyboardInterrupt):  # the second is what the watching library makes of it
        complain("stopped watching; the index says what the files said last")


def _say_plan(plan: IndexPlan, as_json: bool) -> None:
    if as_json:
        say_json(plan.as_dict())
        return
    parts: dict[str, list[str]] = {
        "add": plan.added,
        "change": plan.changed,
        "remove": plan.removed,
        "fail": [f"{one.source}: {one.error}" for one in plan.failed],
    }
    for what, sources in parts.items():
        for source in sources[:_SHOWN_SOURCES]:
            say(f"{what:<7} {one_line(source)}")
        if (rest := len(sources) - _SHOWN_SOURCES) > 0:
            say(f"{what:<7} and {rest:,} more")
    done = ", ".join(f"{len(sources):,} to {what}" for what, sources in parts.items())
    say(f"{done}, {plan.unchanged:,} unchanged")
    say(f"about {duration(plan.seconds)}, from {plan.basis}; nothing was done")


def _nothing(sources: list[str], connector: Connector) -> str:
    from rag.connectors.formats.catalogue import known

    skipped = _passed_over(connector)
    passed = f" ({_skipped(skipped)})" if skipped else ""
    return f"no documents found in {', '.join(sources)}{passed}; formats read: {known()}"


def _say_report(rag: Rag, report: IndexReport) -> None:
    held = f"{count(report.documents, 'document')}, {count(report.passages, 'passage')}"
    pruned = f", {report.pruned:,} pruned" if report.pruned else ""
    did = ", ".join(
        f"{getattr(report, what):,} {what}" for what in ("added", "changed", "removed", "unchanged")
    )
    moved = f" ({report.moved:,} of them moved)" if report.moved else ""
    failed = f", {len(report.failed):,} failed" if report.failed else ""
    say(f"{held}{pruned} in {rag.folder}")
    say(f"{did}{moved}{failed} in {report.seconds:.1f} s")


def _did(report: IndexReport) -> str:
    """What a run changed, in short; empty where it changed nothing."""
    kinds = ("added", "changed", "removed")
    return ", ".join(f"{getattr(report, kind):,} {kind}" for kind in kinds if getattr(report, kind))


def _passed_over(connector: Connector) -> Mapping[str, int]:
    skipped: Mapping[str, int] = getattr(connector, "skipped", {})
    return skipped


def _skipped(skipped: Mapping[str, int]) -> str:
    """How many files were passed over, by extension, the most frequent first."""
    by_number: list[tuple[str, Any]] = sorted(skipped.items(), key=lambda pair: (-pair[1], pair[0]))
    kinds = [f"{number:,} {kind or 'without extension'}" for kind, number in by_number]
    rest = len(kinds) - _SHOWN_EXTENSIONS
    more = f" and {rest} more kinds" if rest > 0 else ""
    files = count(sum(skipped.values()), "file")
    return f"{files} passed over: {', '.join(kinds[:_SHOWN_EXTENSIONS])}{more}"

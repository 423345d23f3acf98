"""`rag explain`: why a question finds what it finds, and what it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.cut import screen_width, shortened
from rag.cli.options import (
    IndexOption,
    JsonOption,
    OverridesOption,
    PipelineOption,
    TraceOption,
    WhereOption,
)
from rag.cli.output import clean, complain, console, count, one_line, say, say_json
from rag.cli.place import is_stale, place
from rag.cli.reasons import as_dict, say_question, say_reasons, say_wrapped, way
from rag.filters import parse_filter
from rag.tracefile import check_target, write_trace

if TYPE_CHECKING:
    from rag.explaining import Expected, Explanation, Fate

# Hits, and passages of an expected document, that are listed one by one, those found first.
_HITS, _LISTED = 20, 10


def explain(
    *,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="Words or a question.")],
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="DOC",
            help="A document that should be found: tell what became of each of its passages.",
            show_default=False,
        ),
    ] = None,
    where: WhereOption,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    trace: TraceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what each stage makes of a question, and why a document is not found.

    Every hit has its rank and score in each stage, what moved it, the terms that it shares with
    the question, and the rewrite that found it. With --expect, each passage of a document is
    found at its rank, left out by a stage, not retrieved (and at which rank each retriever has
    it), filtered out, or was pruned before; or the document is not in the index, or could not be
    read.
    """
    from rag.rag import Rag

    filters = [parse_filter(text, "--where") for text in where]
    if trace is not None:
        check_target(trace)
    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        told = rag.explain(question, expect, filters=filters)
    if trace is not None:
        write_trace(trace, told.as_dict())
    if as_json:
        say_json(as_dict(told))
        return
    say_question(told)
    _say_hits(told)
    for expected in told.expected:
        _say_expected(expected, told.arms)


def _say_hits(told: Explanation) -> None:
    from rich.text import Text

    hits = told.ranking.hits
    if not hits:
        complain("no passage was found")
    for rank, (hit, reasons) in enumerate(zip(hits[:_HITS], told.reasons, strict=False), 1):
        where = place(hit.passage, stale=is_stale(hit.passage))
        console().print(Text(clean(f"{rank:>3}  {hit.score:>8.4f}  {where}"), "bold"))
        say_reasons(hit, reasons, told.arms)
    if len(hits) > _HITS:
        say(f"{'':5}… and {len(hits) - _HITS:,} more; --json has them all")


def _say_expected(expected: Expected, arms: Sequence[str]) -> None:
    source = one_line(expected.source)
    if expected.error:
        kept = "an earlier version is in the index" if expected.document else "not in the index"
        say(f"{source}: could not be read when last tried: {one_line(expected.error)} ({kept})")
    if expected.document is None:
        if not expected.error:
            say(f"{source}: not in the index; {_instead(expected)}")
        return
    counts = Counter(fate.outcome for fate in expected.fates)
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.most_common())
    say(f"{source}: {count(len(expected.fates), 'passage')} ({told or 'without text'})")
    if expected.filtered:
        say_wrapped(f"filtered out by {' and '.join(expected.filtered)}")
        return
    _say_fates(_foremost(expected.fates), arms)
    if len(expected.fates) > _LISTED:
        say(f"{'':5}… and {len(expected.fates) - _LISTED:,} more; --json has them all")


def _instead(expected: Expected) -> str:
    if expected.near:
        return f"did you mean {', '.join(map(one_line, expected.near))}?"
    return "'rag status' tells what is, and what failed"


def _foremost(fates: Sequence[Fate]) -> list[Fate]:
    """What was found first, then what came nearest to it, in the document's order otherwise."""
    order = ("found", "left out", "not retrieved", "pruned", "filtered")
    ranked = sorted(fates, key=lambda fate: (order.index(fate.outcome), _nearness(fate)))
    return ranked[:_LISTED]


def _nearness(fate: Fate) -> float:
    """Its rank, or the best one that it has in an arm."""
    below = [one.rank for one in fate.depths if one.rank is not None]
    return fate.rank or min(below, default=float("inf"))


def _say_fates(fates: Sequence[Fate], arms: Sequence[str]) -> None:
    width = screen_width() - 7
    for fate in fates:
        passage = fate.passage
        say_wrapped(f"{passage.start}-{passage.end}  {fate.why}")
        page = passage.place or (f"page {passage.page}" if passage.page is not None else "")
        where = ", ".join(part for part in (page, " > ".join(passage.headings[-2:])) if part)
        if where:
            say(f"{'':7}{shortened(where, width)}")
        if fate.moves:
            say_wrapped(way(fate.moves, arms), 7)
            below = [f"{one.arm} #{one.rank:,}" for one in fate.depths if one.rank is not None]
            if below:
                say_wrapped(f"below what is taken: {', '.join(below)}", 7)
        else:
            say(f"{'':7}{shortened(passage.text, width)}")

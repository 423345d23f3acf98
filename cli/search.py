"""`rag search`: the passages that a pipeline finds."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli.options import (
    IndexOption,
    JsonOption,
    OverridesOption,
    PipelineOption,
    TraceOption,
    WhereOption,
)
from rag.cli.output import complain, console, count, say, say_json
from rag.cli.place import is_stale, place
from rag.cli.snippet import matcher, snippet
from rag.filters import parse_filter

if TYPE_CHECKING:
    import re

    from rag.explaining import Explanation
    from rag.rag import Rag
    from rag.types import Hit, Ranking


# Passages that people are shown unasked: more are for whoever answers.
SHOWN = 8


def search(
    *,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words or a question.")],
    k: Annotated[
        int | None,
        typer.Option(
            "-k",
            min=1,
            metavar="N",
            help=f"How many passages; without it the pipeline's, of which {SHOWN} are printed.",
            show_default=False,
        ),
    ] = None,
    where: WhereOption,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show where each stage puts each passage, and why."),
    ] = False,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    trace: TraceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the best passages, with their scores and places."""
    filters = [parse_filter(text, "--where") for text in where]
    if trace is not None:
        from rag.tracefile import check_target

        check_target(trace)
    with closing(_opened(index_folder, pipeline, overrides, k)) as rag:
        if explain:
            _explain(rag.explain(query, filters=filters), k, trace, as_json=as_json)
            return
        ranking = rag.search(query, filters)
    hits = ranking.hits[:k]
    if trace is not None:
        from rag.tracefile import search_trace, write_trace

        write_trace(trace, search_trace(ranking, rag.pipeline.name))
    if as_json:
        found = [hit_shape(rank, hit) for rank, hit in enumerate(hits, 1)]
        say_json({"query": ranking.query.text, "hits": found})
    elif hits:
        _say_hits(ranking, hits[: k or SHOWN])
        _say_more(len(hits[k or SHOWN :]))
    else:
        complain("no passage was found")


def _opened(
    folder: Path | None, pipeline: str | None, overrides: Sequence[str], k: int | None
) -> Rag:
    """The index, with a pipeline whose last cut keeps `k`."""
    from rag.config import Cut
    from rag.rag import Rag

    rag = Rag.open(folder, pipeline=pipeline, overrides=overrides)
    stages = rag.pipeline.stages
    if k is None or not stages or not isinstance(stages[-1], Cut):
        return rag
    last = sum(isinstance(stage, Cut) for stage in stages) - 1
    cut = f"query.cut[{last}].k={k}"
    return Rag.open(folder, pipeline=pipeline, overrides=[*overrides, cut])


def _explain(told: Explanation, k: int | None, trace: Path | None, *, as_json: bool) -> None:
    """The hits with their reasons, and the stages."""
    from rag.cli.reasons import as_dict, say_reasons, say_steps

    ranking = told.ranking
    if trace is not None:
        from rag.tracefile import write_trace

        write_trace(trace, told.as_dict())
    if as_json:
        shape = as_dict(told)
        say_json({**shape, "hits": shape["hits"][:k]})
        return
    if not ranking.hits:
        complain("no passage was found")
    arms = told.arms
    shown = ranking.hits[: k or SHOWN]
    for rank, (hit, reasons) in enumerate(zip(shown, told.reasons, strict=False), 1):
        _say_hits(ranking, [hit], rank)
        say_reasons(hit, reasons, arms)
    _say_more(len(ranking.hits) - len(shown) if k is None else 0)
    say()
    say_steps(ranking.steps)


def _say_more(number: int) -> None:
    if number:
        complain(f"{count(number, 'more passage')} found: -k shows as many as you say")


def hit_shape(rank: int, hit: Hit) -> Mapping[str, Any]:
    """A hit as JSON has it."""
    from rag.tracefile import hit_dict

    return {**hit_dict(rank, hit), "stale": is_stale(hit.passage)}


def _say_hits(ranking: Ranking, hits: Sequence[Hit], first: int = 1) -> None:
    words = matcher(ranking.query.text)
    say_hit = _drawn if sys.stdout.isatty() else _plain
    for rank, hit in enumerate(hits, first):
        where = place(hit.passage, stale=is_stale(hit.passage))
        say_hit(f"{rank:>3}  {hit.score:>8.4f}  {where}", snippet(hit.passage.text, words), words)


def _plain(head: str, text: str, _: re.Pattern[str]) -> None:
    """A hit for a reader that is no terminal: nothing is wrapped, and nothing has colours."""
    # Not by typer, which writes UTF-8 where the output is said to take less.
    sys.stdout.write(f"{head}\n     {text}\n")
    sys.stdout.flush()


def _drawn(head: str, text: str, words: re.Pattern[str]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    screen = console()
    screen.print(Text(head, "bold"))
    shown = Text(text)
    shown.highlight_regex(words, "bold yellow")
    screen.print(Padding(shown, (0, 0, 0, 5), expand=False))

"""`rag explain`: why a question finds what it finds, and what it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli.cut import screen_width, shortened
from rag.cli.options import IndexOption, JsonOption, OverridesOption, PipelineOption
from rag.cli.output import clean, complain, console, count, one_line, say, say_json
from rag.cli.place import is_stale, place
from rag.cli.search import hit_shape

if TYPE_CHECKING:
    from rag.explaining import Expected, Explanation, Fate
    from rag.types import Hit, Query, StageScore

# Passages of an expected document that are listed one by one, those found first.
_LISTED = 10


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
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Show what each stage makes of a question, and why a document is not found.

    Every hit has its rank and score in each stage. With --expect, each passage of a document is
    found at its rank, left out by a stage, not retrieved at all, or was pruned before; or the
    document is not in the index, or could not be read.
    """
    from rag.rag import Rag

    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        told = rag.explain(question, expect)
    if as_json:
        say_json(_as_dict(told))
        return
    _say_query(told)
    _say_hits(told)
    for expected in told.expected:
        _say_expected(expected, _arms(told))


def _as_dict(told: Explanation) -> dict[str, Any]:
    query = told.ranking.query
    shape: dict[str, Any] = {
        "query": query.text,
        "pipeline": told.pipeline.name,
        "variants": [{"text": one.text, "weight": one.weight} for one in query.variants],
        "hypotheses": [{"text": one.text, "weight": one.weight} for one in query.hypotheses],
        "steps": [{"stage": name, "hits": len(ranking.hits)} for name, ranking in told.steps],
        "hits": [_hit(rank, hit) for rank, hit in enumerate(told.ranking.hits, 1)],
    }
    if told.expected:
        shape["expected"] = [one.as_dict() for one in told.expected]
    return shape


def _hit(rank: int, hit: Hit) -> dict[str, Any]:
    found = [{"start": one.start, "end": one.end} for one in hit.found]
    return {**hit_shape(rank, hit), "found": found}


def _say_query(told: Explanation) -> None:
    steps = ", ".join(f"{name} {len(ranking.hits):,}" for name, ranking in _counted(told))
    say(f"{'question:':<11}{one_line(told.ranking.query.text)}")
    for line in _additions(told.ranking.query):
        say(line)
    say(f"{'pipeline:':<11}{one_line(told.pipeline.name)} (hits after each stage: {steps})")


def _counted(told: Explanation) -> Iterator[tuple[str, Any]]:
    """The stages that have hits: a rewrite comes before there are any."""
    yield from ((name, ranking) for name, ranking in told.steps if name != "rewrite")


def _additions(query: Query) -> Iterator[str]:
    for name, added in (("variant", query.variants), ("supposed", query.hypotheses)):
        for one in added:
            yield f"{name + ':':<11}{one_line(one.text)} (weight {one.weight:g})"


def _say_hits(told: Explanation) -> None:
    from rich.text import Text

    screen, arms = console(), _arms(told)
    if not told.ranking.hits:
        complain("no passage was found")
    for rank, hit in enumerate(told.ranking.hits, 1):
        where = place(hit.passage, stale=is_stale(hit.passage))
        screen.print(Text(clean(f"{rank:>3}  {hit.score:>8.4f}  {where}"), "bold"))
        screen.print(Text(f"{'':5}{_scores(hit.stages, arms)}"))
        if len(hit.found) > 1:
            spans = ", ".join(f"{one.start}-{one.end}" for one in hit.found)
            screen.print(Text(f"{'':5}made of {len(hit.found)} passages: {spans}"))


def _scores(stages: Mapping[str, StageScore], arms: Sequence[str]) -> str:
    """Ranks and scores, for example "bm25 #1 8.1234   dense none"; `arms` are the retrievers."""
    told = []
    for name in dict.fromkeys((*arms, *stages)):
        one = stages.get(name)
        told.append(f"{name} none" if one is None else f"{name} #{one.rank} {one.score:.4f}")
    return "   ".join(map(one_line, told))


def _say_expected(expected: Expected, arms: Sequence[str]) -> None:
    source = one_line(expected.source)
    if expected.error:
        kept = "an earlier version is in the index" if expected.document else "not in the index"
        say(f"{source}: could not be read when last tried: {one_line(expected.error)} ({kept})")
    if expected.document is None:
        if not expected.error:
            say(f"{source}: not in the index; 'rag status' tells what is, and what failed")
        return
    counts = Counter(fate.outcome for fate in expected.fates)
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.most_common())
    say(f"{source}: {count(len(expected.fates), 'passage')} ({told or 'without text'})")
    _say_fates(_foremost(expected.fates), arms)
    if len(expected.fates) > _LISTED:
        say(f"{'':5}… and {len(expected.fates) - _LISTED:,} more; --json has them all")


def _foremost(fates: Sequence[Fate]) -> list[Fate]:
    """What was found first, then what came nearest to it, in the document's order otherwise."""
    order = ("found", "left out", "pruned", "not retrieved")
    ranked = sorted(fates, key=lambda fate: (order.index(fate.outcome), fate.rank or 0))
    return ranked[:_LISTED]


def _say_fates(fates: Sequence[Fate], arms: Sequence[str]) -> None:
    width = screen_width() - 7
    for fate in fates:
        passage = fate.passage
        say(f"{'':5}{passage.start}-{passage.end}  {one_line(fate.why)}")
        page = passage.place or (f"page {passage.page}" if passage.page is not None else "")
        where = ", ".join(part for part in (page, " > ".join(passage.headings[-2:])) if part)
        if where:
            say(f"{'':7}{shortened(where, width)}")
        if fate.stages:
            say(f"{'':7}{_scores(fate.stages, arms)}")
        else:
            say(f"{'':7}{shortened(passage.text, width)}")


def _arms(told: Explanation) -> list[str]:
    """The names of the retrievers."""
    from rag.config import Retrieve

    stages = told.pipeline.stages
    return [arm.use for stage in stages if isinstance(stage, Retrieve) for arm in stage.arms]

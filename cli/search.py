"""`rag search`: the passages that a pipeline finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli.conditions import parse_condition
from rag.cli.options import IndexOption, JsonOption, OverridesOption, PipelineOption
from rag.cli.output import complain, console, say_json
from rag.cli.place import is_stale, place
from rag.cli.snippet import matcher, snippet

if TYPE_CHECKING:
    from rag.rag import Rag
    from rag.types import Hit, Ranking


def search(
    *,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words or a question.")],
    k: Annotated[
        int | None,
        typer.Option("-k", min=1, metavar="N", help="How many passages.", show_default=False),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only documents with KEY=VALUE; also != < <= > >= and ~ (contains). "
            "May be repeated.",
            show_default=False,
        ),
    ] = None,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Show the best passages, with their scores and places."""
    conditions = [parse_condition(text) for text in where or ()]
    with closing(_opened(index_folder, pipeline, overrides, k)) as rag:
        ranking = rag.search(query, conditions)
    hits = ranking.hits[:k]
    if as_json:
        found = [hit_shape(rank, hit) for rank, hit in enumerate(hits, 1)]
        say_json({"query": ranking.query.text, "hits": found})
    elif hits:
        _say_hits(ranking, hits)
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


def hit_shape(rank: int, hit: Hit) -> Mapping[str, Any]:
    """A hit as JSON has it."""
    passage = hit.passage
    found = [{"start": one.start, "end": one.end} for one in hit.found]
    return {
        "rank": rank,
        "score": hit.score,
        "document": passage.document_id,
        "source": passage.source,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "place": passage.place,
        "headings": list(passage.headings),
        "stale": is_stale(passage),
        "text": passage.text,
        "stages": {name: asdict(score) for name, score in hit.stages.items()},
        **({"found": found} if found else {}),
    }


def _say_hits(ranking: Ranking, hits: Sequence[Hit]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    words = matcher(ranking.query.text)
    screen = console()
    for rank, hit in enumerate(hits, 1):
        where = place(hit.passage, stale=is_stale(hit.passage))
        screen.print(Text(f"{rank:>3}  {hit.score:>8.4f}  {where}", "bold"))
        shown = Text(snippet(hit.passage.text, words))
        shown.highlight_regex(words, "bold yellow")
        screen.print(Padding(shown, (0, 0, 0, 5), expand=False))

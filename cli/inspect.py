"""`rag inspect`: one document as the index has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from rag.cli.options import IndexOption, JsonOption
from rag.cli.output import count, one_line, say, say_json
from rag.errors import RequestError

if TYPE_CHECKING:
    from rag.rag import Rag
    from rag.types import Document, Dropped, Passage

Inspected: TypeAlias = "tuple[Document, list[Passage], list[Dropped]]"


def inspect(
    document: Annotated[
        str, typer.Argument(metavar="DOC", help="A document's source, id, or path.")
    ],
    index_folder: IndexOption = None,
    chunks: Annotated[
        bool, typer.Option("--chunks", help="Show the text, cut as it is indexed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a document as the index has it."""
    from rag.rag import Rag

    with closing(Rag.open(index_folder)) as rag:
        found, passages, dropped = _inspected(rag, document)
    if as_json:
        say_json(_as_dict(found, passages, dropped))
        return
    _say_document(found)
    if chunks:
        _say_chunks(passages, dropped)
    else:
        _say_spans(passages, dropped)


def _inspected(rag: Rag, name: str) -> Inspected:
    """The document of that source or id, or else of the file of that path."""
    from rag.connectors.names import source_name

    try:
        return rag.inspect(name)
    except RequestError:
        source = source_name(name, rag.folder.absolute().parent)
        if source == name or not Path(name).exists():
            raise
        return rag.inspect(source)


def _as_dict(
    document: Document, passages: Sequence[Passage], dropped: Sequence[Dropped]
) -> dict[str, Any]:
    return {
        "document": document.id,
        "source": document.source,
        "title": document.title,
        "metadata": dict(document.metadata),
        "characters": len(document.text),
        "blocks": [asdict(block) for block in document.blocks],
        "passages": [_span(passage) for passage in passages],
        "pruned": [
            {**_span(one.passage), "score": one.score, "reason": one.reason} for one in dropped
        ],
    }


def _span(passage: Passage) -> dict[str, Any]:
    return {
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "place": passage.place,
        "headings": list(passage.headings),
        "text": passage.text,
    }


def _say_document(document: Document) -> None:
    kinds = Counter(block.kind for block in document.blocks)
    pages = [block.page for block in document.blocks if block.page is not None]
    lines = {
        "title": document.title,
        "source": document.source,
        **{str(key): str(value) for key, value in sorted(document.metadata.items())},
        "text": count(len(document.text), "character"),
        "blocks": ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common()),
        "pages": str(max(pages, default="")),
    }
    for name, value in lines.items():
        if value:
            say(f"{one_line(name) + ':':<10} {one_line(value)}")


def _say_spans(passages: Sequence[Passage], dropped: Sequence[Dropped]) -> None:
    say(f"{'passages:':<11}{len(passages)}")
    for number, passage in enumerate(passages, 1):
        say(f"{number:>4}  {_extent(passage)}")
    for one in dropped:
        say(f"pruned  {_extent(one.passage)}  {one_line(one.reason)} ({one.score:.3f})")


def _say_chunks(passages: Sequence[Passage], dropped: Sequence[Dropped]) -> None:
    marks = [(passage, f"passage {number}") for number, passage in enumerate(passages, 1)]
    marks += [(one.passage, f"pruned: {one_line(one.reason)}") for one in dropped]
    for passage, mark in sorted(marks, key=lambda pair: (pair[0].start, pair[0].end)):
        say(f"--- {mark}  {_extent(passage)}")
        say(passage.text)


def _extent(passage: Passage) -> str:
    path = " > ".join(one_line(heading) for heading in passage.headings)
    page = one_line(passage.place) or (f"page {passage.page}" if passage.page is not None else "")
    length = count(passage.end - passage.start, "character")
    return "  ".join(
        part for part in (f"{passage.start}-{passage.end}", length, page, path) if part
    )

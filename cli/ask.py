"""`rag ask`: the answer to a question, with where it stands."""

from __future__ import annotations

import sys
from collections.abc import Container, Sequence, Set
from contextlib import closing
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
from rag.cli.output import one_line, say, say_json
from rag.cli.place import is_stale, place
from rag.errors import RequestError
from rag.filters import parse_filter
from rag.tracefile import answer_trace, check_target, write_trace

if TYPE_CHECKING:
    from rag.types import Answer, Citation, Hit

_CLOSEST = 3


def ask(
    *,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question; - reads it from stdin.")
    ],
    where: WhereOption,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    trace: TraceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the documents, with citations.

    Where they don't answer it, that is what is said.
    """
    from rag.rag import Rag

    filters = [parse_filter(text, "--where") for text in where]
    if trace is not None:
        check_target(trace)
    text = _standard_input() if question == "-" else question
    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        answer = rag.ask(text, filters=filters)
    if trace is not None:
        write_trace(trace, answer_trace(answer, rag.pipeline.name))
    if as_json:
        say_json(as_dict(answer))
    else:
        _say_answer(answer)


def as_dict(answer: Answer) -> dict[str, Any]:
    """The JSON shape of an answer."""
    stale = _stale(answer)
    return {
        "question": answer.question,
        "answer": answer.text,
        "abstained": answer.abstained,
        "citations": [_citation(citation, stale) for citation in answer.citations],
        "seconds": answer.seconds,
    }


def _citation(citation: Citation, stale: Container[str]) -> dict[str, Any]:
    return {
        "source": citation.source,
        "document": citation.document_id,
        "start": citation.start,
        "end": citation.end,
        "page": citation.page,
        "place": citation.place,
        "headings": list(citation.headings),
        "stale": citation.document_id in stale,
        "quote": citation.quote,
    }


def _say_answer(answer: Answer) -> None:
    say(answer.text)
    if answer.citations:
        say()
    stale = _stale(answer)
    for number, citation in enumerate(answer.citations, 1):
        where = place(citation, stale=citation.document_id in stale)
        say(f'[{number}] {where}: "{one_line(citation.quote)}"')
    if answer.abstained and answer.hits:
        say(f"Closest: {_closest(answer.hits)}")


def _stale(answer: Answer) -> Set[str]:
    """The ids of documents that could not be read since the version that is cited."""
    return {hit.passage.document_id for hit in answer.hits if is_stale(hit.passage)}


def _closest(hits: Sequence[Hit]) -> str:
    places = dict.fromkeys(place(hit.passage, stale=is_stale(hit.passage)) for hit in hits)
    return "; ".join(list(places)[:_CLOSEST])


def _standard_input() -> str:
    if sys.stdin is None:  # as a shell that closed it leaves it
        raise RequestError("the question should come from standard input, which is closed")
    return typer.get_binary_stream("stdin").read().decode("utf-8", "replace")

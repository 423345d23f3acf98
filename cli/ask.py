"""`rag ask`: the answer to a question, with where it stands."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from rag.cli.answer import as_dict, say_evidence, warn_about
from rag.cli.options import (
    IndexOption,
    JsonOption,
    OverridesOption,
    PipelineOption,
    TraceOption,
    WhereOption,
)
from rag.cli.output import clean, complain, count, say_json
from rag.cli.streaming import say_streamed
from rag.errors import RequestError
from rag.filters import parse_filter
from rag.tracefile import answer_trace, check_target, write_trace

if TYPE_CHECKING:
    from rag.types import Answer

_NOT_OPENED = 1
_OPEN = "--open"


class AskCommand(TyperCommand):
    """Takes `--open` with a number or without one, which means the first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the number that is meant where none is given."""
        return super().parse_args(ctx, list(_numbered(args)))


def ask(
    *,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question; - reads it from stdin.")
    ],
    where: WhereOption,
    opened: Annotated[
        int | None,
        typer.Option(
            _OPEN,
            min=1,
            metavar="[N]",
            help="Open the source with this number, or the first.",
            show_default=False,
        ),
    ] = None,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    trace: TraceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the documents, with citations.

    Where they don't answer it, that is what is said. The text appears while it is made; with
    --json all of it is waited for.
    """
    from rag.rag import Rag

    filters = [parse_filter(text, "--where") for text in where]
    if trace is not None:
        check_target(trace)
    text = clean(_standard_input() if question == "-" else question)
    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        if as_json:
            answer = rag.ask(text, filters=filters)
        else:
            answer = say_streamed(rag.stream(text, filters=filters))
    if trace is not None:
        write_trace(trace, answer_trace(answer, rag.pipeline.name))
    warn_about(answer, rag)
    if as_json:
        say_json(as_dict(answer))
    else:
        say_evidence(answer)
    if opened is not None and not open_citation(answer, opened, rag.folder):
        raise typer.Exit(_NOT_OPENED)


def open_citation(answer: Answer, number: int, index_folder: Path) -> bool:
    """Open the source of a citation, counted from 1, and say so; whether that was possible."""
    from rag.cli.opening import open_source

    try:
        if not 1 <= number <= len(answer.citations):
            raise RequestError(_no_source(answer, number))
        cited = answer.citations[number - 1]
        # What the index calls a file is relative to the folder that holds the index.
        complain(open_source(cited, index_folder.absolute().parent))
    except RequestError as error:
        complain(str(error))
        return False
    if cited.stale:
        complain(f"warning: {cited.source}: {cited.stale}")
    return True


def _no_source(answer: Answer, number: int) -> str:
    if not answer.citations:
        return "nothing is opened: the answer cites no source"
    return f"there is no source {number}: the answer cites {count(len(answer.citations), 'source')}"


def _numbered(arguments: Sequence[str]) -> Iterator[str]:
    """`arguments` with a 1 after an `--open` that no number follows."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for place, (argument, following) in enumerate(pairwise([*arguments, ""])):
        yield argument
        if argument == _OPEN and place < end and not following.lstrip("-").isdecimal():
            yield "1"


def _standard_input() -> str:
    if sys.stdin is None:  # as a shell that closed it leaves it
        raise RequestError("the question should come from standard input, which is closed")
    return typer.get_binary_stream("stdin").read().decode("utf-8", "replace")

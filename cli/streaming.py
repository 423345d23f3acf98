"""An answer printed while it is made."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, cast

import typer

from rag.cli.output import clean
from rag.cli.progress import spoken_progress

if TYPE_CHECKING:
    from rag.types import Answer, Event


def say_streamed(events: Iterator[Event]) -> Answer:
    """Print the text of an answer piece by piece, and end its line whatever happens; the answer.

    Until there is text, a terminal says what is going on.
    """
    from rag.types import Answer, Delta

    answer: Answer | None = None
    with closing(cast("Generator[Event]", events)):
        with spoken_progress() as speak:
            first = _first_piece(events, speak or _nobody)
        with _line() as say_piece:
            for event in chain([first], events):
                if isinstance(event, Delta):
                    say_piece(event.text)
                elif isinstance(event, Answer):
                    answer = event
    assert answer is not None  # the last event of every stream
    return answer


def _first_piece(events: Iterator[Event], speak: Callable[[str], None]) -> Event:
    """The first event that is to be shown."""
    from rag.types import Delta, Ranking

    speak("searching")
    for event in events:
        if isinstance(event, Ranking):
            speak("answering")
        elif not isinstance(event, Delta) or event.text:
            return event
    raise AssertionError("a stream ends with its answer")


def _nobody(text: str) -> None:
    """Takes what is said where there is no terminal."""


@contextmanager
def _line() -> Iterator[Callable[[str], None]]:
    """Gives what prints pieces of text; their last line is ended in any case."""
    last = "\n"

    def say_piece(text: str) -> None:
        nonlocal last
        shown = clean(text)
        last = shown[-1:] or last
        typer.echo(shown, nl=False)

    try:
        yield say_piece
    finally:
        if last != "\n":
            typer.echo()

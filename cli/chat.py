"""`rag chat`: a conversation with the documents."""

from __future__ import annotations

import signal
import sys
import warnings
from contextlib import closing
from typing import Annotated

import typer

from rag.cli.answer import say_evidence, warn_about
from rag.cli.conversation import Conversation
from rag.cli.interrupt import Interrupted
from rag.cli.lines import is_typed, lines
from rag.cli.options import IndexOption, OverridesOption, PipelineOption, WhereOption
from rag.cli.output import complain, count, one_line, say
from rag.cli.streaming import say_streamed
from rag.errors import IndexMismatchError, RagError
from rag.filters import parse_filter

_FAILED = 1
_STOPPED = 128 + signal.SIGINT
_NOT_REWRITTEN = (
    "follow-ups are searched as they are typed: to have them rewritten, begin the pipeline's "
    "'query:' with '- rewrite: {use: conversation, model: {use: ollama, model: NAME}}'"
)


def chat(
    *,
    turns: Annotated[
        int,
        typer.Option(
            min=0,
            max=100,
            metavar="N",
            help="How many earlier questions and answers a follow-up may refer to.",
        ),
    ] = 6,
    where: WhereOption,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
) -> None:
    """Talk with the documents: questions, follow-ups, and answers with citations.

    Each line is a question, also where a script writes them to standard input, or a command:
    /help lists those. A follow-up is rewritten to stand alone where the pipeline has a rewriter
    that does it ('conversation').
    """
    from rag.rag import Rag

    filters = [parse_filter(text, "--where") for text in where]
    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        held = rag.status()  # raises where there is nothing to talk with
        talk = _Talk(Conversation(rag, filters, turns))
        if talk.typed:
            complain(f"{count(held['documents'], 'document')}; /help lists commands, Ctrl-D ends")
        with warnings.catch_warnings():
            # What fails again with the next question is told again.
            warnings.filterwarnings("always", category=UserWarning, module=r"rag\.")
            talk.go_on()
    if talk.failed and not talk.typed:
        raise typer.Exit(_FAILED)


class _Talk:
    """A conversation under way; `failed` says whether any line of it came to nothing."""

    def __init__(self, conversation: Conversation) -> None:
        self.typed = is_typed()
        self.failed = False
        self._conversation = conversation
        self._advised = conversation.rewrites

    def go_on(self) -> None:
        """Take line after line until the conversation ends."""
        for line in lines():
            text = one_line(line)
            if not text:
                continue
            try:
                if not self._take(text):
                    return
            except RagError as error:
                if isinstance(error, IndexMismatchError) and self._conversation.last is None:
                    raise  # no question can be answered, and nothing is lost
                self.failed = True
                complain(one_line(str(error)))

    def _take(self, line: str) -> bool:
        """Do or answer what a line says; whether the conversation goes on."""
        from rag.cli.slash import is_command, run

        if is_command(line):
            return run(line, self._conversation)
        self._answer(line)
        return True

    def _answer(self, line: str) -> None:
        self._advise()
        loaded = _unowned_modules()
        try:
            answer = self._conversation.ask(line, say_streamed)
            warn_about(answer, self._conversation.rag)
            say_evidence(answer, quotes=False)
            say()
        except Interrupted as stopped:
            whole = _unowned_modules() <= loaded
            if not self.typed or stopped.exit_code != _STOPPED or not whole:
                raise
            complain("stopped; the conversation goes on")

    def _advise(self) -> None:
        """Say once, before the first follow-up, how follow-ups would be understood."""
        if not self._advised and self._conversation.last is not None:
            self._advised = True
            complain(_NOT_REWRITTEN)


def _unowned_modules() -> set[str]:
    """Modules whose package is not loaded, as an import leaves them that was stopped half-way.

    Some packages, torch among them, cannot be loaded a second time after that.
    """
    tops = {name: name.partition(".")[0] for name in list(sys.modules)}
    return {name for name, top in tops.items() if top not in sys.modules}

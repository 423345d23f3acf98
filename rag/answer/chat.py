"""Answers written by a chat model from the passages, each sentence verified and cited."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from rag.answer.abstention import abstained
from rag.answer.cleaning import Cleaner
from rag.answer.context import Source, counter, packed
from rag.answer.instructions import messages, system
from rag.answer.support import MIN_SUPPORT
from rag.answer.writing import Evidence, Unsupported, Writing
from rag.chat.answered import was_cut
from rag.chat.asking import Asker, needed
from rag.chat.prompt import Prompt
from rag.chat.settings import Budget, Deadline, Retries, Settings, Timeout
from rag.errors import ChatError, ModelError, RequestError
from rag.languages import detect
from rag.protocols import Answerer, ChatModel, StreamingAnswerer, View
from rag.registry import Nested
from rag.tracing import note
from rag.types import Answer, Delta, Hit, Message, Query, Turn

_Pieces: TypeAlias = Callable[[Sequence[Message]], Iterator[str]]

# Characters of one turn of the history.
_TURN = 1_000
# Fewer tokens than these hold no passage.
_LEAST = 64
# How servers say that a prompt is longer than their model reads.
_TOO_LONG = re.compile(
    r"\b(?:400|413|422)\b.*(?:context|too (?:long|large|many tokens)|"
    r"maximum.{0,40}(?:length|token)|exceed.{0,60}(?:token|length|size)|n_ctx|input tokens)|"
    r"context (?:length|window|size).{0,40}exceed|prompt is longer than",
    re.IGNORECASE,
)


class ChatAnswerer:
    """Has a chat model answer from the passages found, and shows what they support.

    The passages are packed into a prompt of at most `context_tokens`, instructions, history and
    question included: what the model reads, less what its reply may have. Tokens are counted
    rather too many than too few. Sentences in passages that seem to speak to the model are
    withheld from it, and are no evidence (`screening: keep` leaves them). `instructions` are
    added to the system message; `prompt` is a prompt of your own for the user's message, with
    `{question}` and `{sources}`, and perhaps `{history}`, of which the last `history_turns` are
    shown.

    Each sentence of the reply is held against the sources that it cites, and then against the
    others (`rag.answer.support`), with `min_support` (0 to 1). Its numbers are shown after that,
    those of what supports it, from 1 in the order of the answer. A sentence that nothing supports
    is marked with `unsupported: mark`, where text is shown as it comes, and left out with `drop`,
    where a sentence is shown once it is verified. Images are never shown, and links and tags only
    as a source of the sentence has them. A reply that repeats itself, or is longer than
    `max_characters`, is stopped. The answer's score is the support of its weakest sentence.

    The model is asked within `timeout`, `retries`, `budget`, `deadline` and `cache`. Where it
    fails before anything was shown, `fallback` answers, another answerer; without one, and
    later, ChatError is raised.
    """

    given: ClassVar[tuple[str, ...]] = ("chat",)

    def __init__(
        self,
        *,
        model: Annotated[ChatModel | None, Nested("chat", optional=True)] = None,
        instructions: Annotated[str, Field(max_length=8_000)] = "",
        prompt: str | None = None,
        context_tokens: Annotated[int, Field(ge=512, le=2_000_000)] = 3_000,
        history_turns: Annotated[int, Field(ge=0, le=100)] = 6,
        unsupported: Unsupported = "mark",
        min_support: Annotated[float, Field(ge=0, le=1)] = MIN_SUPPORT,
        screening: Literal["withhold", "keep"] = "withhold",
        fallback: Annotated[Answerer | None, Nested("answerer", optional=True)] = None,
        max_characters: Annotated[int, Field(ge=100, le=200_000)] = 8_000,
        timeout: Timeout = 60.0,
        retries: Retries = 2,
        budget: Budget = 20,
        deadline: Deadline = 120.0,
        cache: bool | None = None,
        chat: ChatModel | None = None,
    ) -> None:
        settings = Settings(
            timeout=timeout, retries=retries, budget=budget, deadline=deadline, cache=cache
        )
        self._asker = Asker(needed(model, chat, "chat"), settings)
        self._instructions = instructions
        self._prompt = prompt
        self._context_tokens = context_tokens
        self._turns = history_turns
        self._unsupported: Unsupported = unsupported
        self._min_support = min_support
        self._withhold = screening == "withhold"
        self._fallback = fallback
        self._max_characters = max_characters

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """A prompt that cannot be filled, or instructions that leave no room for passages."""
        if options["prompt"] is not None:
            for told in Prompt.faults(options["prompt"], ("question", "sources")):
                yield "prompt", f"'prompt' {told}"
        taken = counter(None)(system(options["instructions"]) + (options["prompt"] or ""))
        if taken + _LEAST > options["context_tokens"]:
            yield "context_tokens", f"'context_tokens' is less than the {taken} of the instructions"

    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        """The answer, or an abstention. Raises ChatError where the model does not answer."""
        (answer,) = (
            one for one in self._events(query, hits, view, self._whole) if isinstance(one, Answer)
        )
        return answer

    def stream(self, query: Query, hits: Sequence[Hit], view: View) -> Iterator[Delta | Answer]:
        """The same while the model writes it."""
        return self._events(query, hits, view, self._asker.stream)

    def _whole(self, asked: Sequence[Message]) -> Iterator[str]:
        yield self._asker.ask(asked).text

    def _events(
        self, query: Query, hits: Sequence[Hit], view: View, ask: _Pieces
    ) -> Iterator[Delta | Answer]:
        turns = _recent(query.history, self._turns)
        sources = self._sources(query, turns, hits, view)
        if not sources:
            yield from _abstained(query, hits)
            return
        writing = self._writing(query, sources, view)
        asked = messages(self._instructions, self._prompt, query.asked, turns, sources)
        try:
            with closing(ask(asked)) as pieces:  # type: ignore[type-var]
                for text in writing.read(pieces):
                    yield Delta(text)
        except ModelError as error:
            if writing.text or self._fallback is None:
                raise self._clear(error) from error
            yield from self._fallen(self._fallback, error, query, hits, view)
            return
        if was_cut():
            note("the answer is not whole: raise the model's 'max_tokens'", failed=True)
        yield from _ended(query, hits, writing)

    def _sources(
        self, query: Query, turns: Sequence[Turn], hits: Sequence[Hit], view: View
    ) -> tuple[Source, ...]:
        """The sources of the prompt. Raises RequestError where the question leaves them no room."""
        if not hits:
            return ()
        count = counter(view.encoder)
        bare = messages(self._instructions, self._prompt, query.asked, turns, ())
        room = self._context_tokens - sum(count(one.text) for one in bare)
        if room < _LEAST:
            raise RequestError(
                f"the question, its history and the instructions take "
                f"{self._context_tokens - room:,} of context_tokens = {self._context_tokens:,}, "
                "which leaves no room for passages: raise 'context_tokens' to what the model "
                "reads, or ask in fewer words"
            )
        sources = packed(hits, view, room, withhold=self._withhold)
        if not sources:
            told = "no passage fits into 'context_tokens': raise it, or cut smaller passages"
            note(told, failed=True)
        return sources

    def _writing(self, query: Query, sources: Sequence[Source], view: View) -> Writing:
        return Writing(
            Evidence.of(sources, view, self._min_support),
            Cleaner(system(self._instructions)),
            self._unsupported,
            self._max_characters,
            detect(query.text),
        )

    def _clear(self, error: ModelError) -> ModelError:
        """`error`, or what to do where the prompt was longer than the model reads."""
        said = " ".join(str(error).split())
        if not isinstance(error, ChatError) or not _TOO_LONG.search(said):
            return error
        return ChatError(
            f"the prompt is longer than the model reads: lower 'context_tokens' (it is "
            f"{self._context_tokens:,}), or give the model a longer context: {said}"
        )

    def _fallen(
        self, other: Answerer, error: ModelError, query: Query, hits: Sequence[Hit], view: View
    ) -> Iterator[Delta | Answer]:
        name = type(other).__name__
        note(
            f"the chat model did not answer, {name} does instead: {self._clear(error)}", failed=True
        )
        if isinstance(other, StreamingAnswerer):
            yield from other.stream(query, hits, view)
            return
        answer = other.answer(query, hits, view)
        yield Delta(answer.text)
        yield answer


def _recent(history: Sequence[Turn], most: int) -> list[Turn]:
    """The last turns, each on one line, and the beginning of a long one."""
    turns = history[-most:] if most else ()
    return [
        Turn(one.role, " ".join(one.text.encode("utf-8", "replace").decode().split())[:_TURN])
        for one in turns
    ]


def _ended(query: Query, hits: Sequence[Hit], writing: Writing) -> Iterator[Delta | Answer]:
    if writing.abstained or not writing.text:
        if not writing.abstained:
            note("the model wrote nothing that can be shown")
        yield from _abstained(query, hits)
        return
    yield Answer(
        query.text,
        writing.text,
        abstained=False,
        citations=tuple(writing.citations),
        statements=tuple(writing.statements),
        score=writing.support,
    )


def _abstained(query: Query, hits: Sequence[Hit]) -> Iterator[Delta | Answer]:
    answer = abstained(query, hits)
    yield Delta(answer.text)
    yield answer

"""A follow-up put into words that need no history (CANARD, Elgohary et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rag.chat.prompt import Prompt
from rag.chat.settings import Budget, Deadline, Retries, Settings, Timeout
from rag.cores import Device
from rag.errors import ModelError
from rag.protocols import ChatModel, View
from rag.registry import Nested
from rag.rewrite import replies
from rag.rewrite.history import HistoryCharacters, dialogue, recent
from rag.rewrite.seq2seq import Search, Seq2Seq
from rag.rewrite.source import either, no_dense, source
from rag.tracing import note
from rag.types import Arms, Query, Turn, Variant

_TASK = (
    "Put the question into words that need no conversation to be understood: say what its "
    "pronouns stand for, and what it leaves out. Ask for nothing more and nothing else, and keep "
    "to the language of the question. Where it stands on its own, repeat it. Reply with the one "
    "question on one line, without an answer to it."
    "\n\nThe conversation so far:\n{history}\n\n{question}"
)


class ConversationRewriter:
    """Makes a follow-up self-contained: the standalone question, and a variant that asks it.

    Without a history nothing is done and no model is asked. The variant weighs `weight` beside
    the question as it was asked, which weighs 1 (in the dense arm `query_weight`); `arms` says
    which retrievers read it.

    A chat model (`model`) is asked once, within the limits `timeout`, `retries`, `budget`,
    `deadline` and `cache`; `prompt` is a prompt of your own with `{question}` and `{history}`. A
    reply that is empty, has several lines, or is much longer than the question is none. Or a
    local sequence-to-sequence model (`seq2seq`, a folder or a name on the hub, which is asked
    only with `download: true`) reads the turns and the question joined by `separator`, after
    `prefix`, and the best of `beams` beams is taken. Of the history the last `history_characters`
    are read.
    """

    given: ClassVar[tuple[str, ...]] = ("chat",)

    def __init__(
        self,
        *,
        model: Annotated[ChatModel | None, Nested("chat", optional=True)] = None,
        seq2seq: Annotated[str, Field(min_length=1)] | None = None,
        weight: Annotated[float, Field(gt=0, le=100)] = 1.0,
        query_weight: Annotated[float, Field(ge=0, le=1)] = 1.0,
        arms: Arms = "all",
        prompt: str | None = None,
        history_characters: HistoryCharacters = 4_000,
        beams: Annotated[int, Field(ge=2, le=64)] = 8,
        separator: str = " ||| ",
        prefix: str = "",
        device: Device = "auto",
        download: bool = False,
        timeout: Timeout = 30.0,
        retries: Retries = 2,
        budget: Budget = 20,
        deadline: Deadline = 60.0,
        cache: bool | None = None,
        chat: ChatModel | None = None,
    ) -> None:
        settings = Settings(
            timeout=timeout, retries=retries, budget=budget, deadline=deadline, cache=cache
        )
        local = None if seq2seq is None else Seq2Seq(seq2seq, separator, prefix, device, download)
        self._source = source("conversation", local, model, chat, settings)
        self._weight = weight
        self._query_weight = query_weight
        self._arms = arms
        self._prompt = prompt
        self._characters = history_characters
        self._beams = beams

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Options that do not go together, or a prompt that cannot be filled."""
        yield from either(options)
        yield from no_dense(options)
        if options["prompt"] is not None:
            for told in Prompt.faults(options["prompt"], ("question", "history")):
                yield "prompt", f"'prompt' {told}"

    def rewrite(self, query: Query, view: View) -> Query:
        """`query` with its standalone question. Raises ModelError where none could be made."""
        turns = recent(query, self._characters)
        if not turns:
            return query
        made = self._standalone(query.text, turns)
        if replies.same(made) == replies.same(query.text):
            note("the question stands on its own")
            return query
        return replace(
            query,
            standalone=made,
            variants=(
                *query.variants,
                Variant(made, self._weight, "conversation", self._arms),
            ),
            dense_weight=query.dense_weight * self._query_weight,
        )

    def _standalone(self, question: str, turns: Sequence[Turn]) -> str:
        bound = replies.longest(question)
        if isinstance(self._source, Seq2Seq):
            return self._searched(self._source, question, turns, bound)
        prompt = Prompt(self._prompt or _TASK)
        messages = prompt.messages(question=question, history=dialogue(turns))
        return replies.question(self._source.ask(messages).text, bound)

    def _searched(self, model: Seq2Seq, question: str, turns: Sequence[Turn], bound: int) -> str:
        (best,) = model.rewrites([turn.text for turn in turns], question, Search(1, self._beams))
        if not replies.searchable(best.text) or len(best.text) > bound:
            raise ModelError(f"the local rewriter wrote {len(best.text)} characters: no question")
        return best.text

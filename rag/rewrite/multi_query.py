"""Several rewrites of a question, searched for together.

Kostric and Balog (2024), "A Surprisingly Simple yet Effective Multi-Query Rewriting Method for
Conversational Passage Retrieval", SIGIR (arXiv 2406.18960): the ends of one beam search are the
rewrites, and their scores the weights; the lexical arm searches with all their terms in one
weighted query, the dense arm with the weighted mean of their vectors. Two things differ here. The
question as it was asked stays part of the search, with a weight of its own. And the weights are
scaled to a declared sum: they are the softmax of the scores, which with `length_penalty: 0` is
each rewrite's probability among the `n`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rag.chat.asking import Asker
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
from rag.rewrite.weights import falling, probable, unlike
from rag.tracing import note
from rag.types import Arms, Query, Turn, Variant

_TASK = (
    "Rewrite the question in {n} ways, for a search engine that does not know the conversation. "
    "Each rewrite asks for the same thing in other words, names what it is about, and stands on "
    "its own. Begin with the best. Keep to the language of the question. Reply with the rewrites "
    "alone, one a line, without an answer to them."
)
_HISTORY = "\n\nThe question is the next message of this conversation:\n{history}"


class MultiQueryRewriter:
    """Adds up to `n` rewrites of the question, made by a chat model or by a local rewriter.

    Together they weigh `weight` beside the question's 1 (in the dense arm `query_weight`; 0 there
    is the paper's way). `arms` says which retrievers read them.

    A chat model (`model`) is asked once. The best rewrite comes first, and their parts of the
    weight are `shares`, which fall and add up to 1; by default they are in proportion to 1/rank.
    `prompt` is a prompt of your own with `{question}`, and perhaps `{n}` and `{history}`.
    `timeout`, `retries`, `budget`, `deadline` and `cache` are limits of asking.

    A local rewriter (`seq2seq`, a folder or a name on the hub, which is asked only with
    `download: true`) is a sequence-to-sequence model trained to make questions self-contained,
    such as T5 trained with CANARD. It reads the turns of the conversation and the question joined
    by `separator`, after `prefix`. One search with `beams` beams gives all rewrites, and their
    scores the parts of the weight: the logarithm of a rewrite's probability divided by its number
    of tokens to the power of `length_penalty`. The part of a rewrite that repeats the question is
    not given to the others.

    Where there is a history, of which the last `history_characters` are read, the best rewrite
    becomes the standalone question.
    """

    given: ClassVar[tuple[str, ...]] = ("chat",)

    def __init__(
        self,
        *,
        model: Annotated[ChatModel | None, Nested("chat", optional=True)] = None,
        seq2seq: Annotated[str, Field(min_length=1)] | None = None,
        n: Annotated[int, Field(ge=1, le=16)] = 3,
        weight: Annotated[float, Field(gt=0, le=100)] = 1.0,
        query_weight: Annotated[float, Field(ge=0, le=1)] = 1.0,
        arms: Arms = "all",
        shares: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] | None = None,
        prompt: str | None = None,
        history_characters: HistoryCharacters = 4_000,
        beams: Annotated[int, Field(ge=2, le=64)] = 8,
        length_penalty: Annotated[float, Field(ge=0, le=2)] = 1.0,
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
        self._source = source("multi-query", local, model, chat, settings)
        self._n = n
        self._weight = weight
        self._query_weight = query_weight
        self._arms = arms
        self._shares = shares
        self._prompt = prompt
        self._characters = history_characters
        self._search = Search(n, beams, length_penalty)

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Options that do not go together."""
        yield from either(options)
        for told in () if options["prompt"] is None else Prompt.faults(options["prompt"]):
            yield "prompt", f"'prompt' {told}"
        if options["seq2seq"] is not None and options["beams"] < options["n"]:
            yield "beams", f"'beams' must be at least 'n' ({options['n']}), got {options['beams']}"
        yield from no_dense(options)
        if options["shares"] is not None:
            yield from _share_faults(options)

    def rewrite(self, query: Query, view: View) -> Query:
        """`query` with variants. Raises ModelError where none could be made."""
        turns = recent(query, self._characters)
        best, shares = self._rewrites(query, turns)
        if not shares:
            note("no rewrite differs from the question")
            return query
        made = (
            Variant(text, self._weight * share, "multi-query", self._arms) for text, share in shares
        )
        return replace(
            query,
            variants=(*query.variants, *made),
            standalone=best if turns else query.standalone,
            dense_weight=query.dense_weight * self._query_weight,
        )

    def _rewrites(self, query: Query, turns: Sequence[Turn]) -> tuple[str, list[tuple[str, float]]]:
        """The best rewrite, and those that differ from the question with their shares."""
        if isinstance(self._source, Seq2Seq):
            scored = self._searched(self._source, query.asked, turns)
            return scored[0][0], unlike(scored, query.text, query.asked)
        found = self._asked(self._source, query.asked, turns)
        others = unlike([(text, 0.0) for text in found], query.text, query.asked)[: self._n]
        weights = falling(len(others), self._shares)
        return found[0], [(text, share) for (text, _), share in zip(others, weights, strict=True)]

    def _asked(self, asker: Asker, question: str, turns: Sequence[Turn]) -> list[str]:
        text = self._prompt or _TASK + (_HISTORY if turns else "") + "\n\n{question}"
        messages = Prompt(text).messages(question=question, history=dialogue(turns), n=self._n)
        # One more than wanted, as the question itself may be among them.
        return replies.questions(asker.ask(messages).text, self._n + 1, replies.longest(question))

    def _searched(
        self, model: Seq2Seq, question: str, turns: Sequence[Turn]
    ) -> list[tuple[str, float]]:
        ends = model.rewrites([turn.text for turn in turns], question, self._search)
        bound = replies.longest(question)
        usable = [
            (one.text, one.score)
            for one in ends
            if replies.searchable(one.text) and len(one.text) <= bound
        ]
        if not usable:
            raise ModelError("the local rewriter wrote nothing that can be searched for")
        return probable(usable)


def _share_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    shares: list[float] = options["shares"]
    if options["seq2seq"] is not None:
        yield "shares", "'shares' is for a chat model: a local rewriter's scores say the shares"
    elif len(shares) != options["n"]:
        yield "shares", f"'shares' must have one for each of 'n' ({options['n']}) rewrites"
    elif not math.isclose(math.fsum(shares), 1, abs_tol=1e-6):
        yield "shares", f"'shares' must add up to 1: they add up to {math.fsum(shares):g}"
    elif shares != sorted(shares, reverse=True):
        yield "shares", "'shares' must fall: the best rewrite comes first"

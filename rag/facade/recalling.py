"""Answers that are given again: a pipeline's cache, asked before anything else works."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from rag.errors import RequestError
from rag.facade.engine import Engine
from rag.tracing import Question
from rag.types import Answer, Query, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from rag.protocols import AnswerCache, Asked, Looked, Vectors
    from rag.store.view import StoreView


class Recalling(Engine):
    """What is kept of answers, where the pipeline has a cache."""

    @cached_property
    def _cache(self) -> AnswerCache | None:
        if self.pipeline.cache is None:
            return None
        cache: AnswerCache = self._models.make(self.pipeline.cache, folder=self.folder)
        return cache

    def _recall(self, query: Query, view: StoreView, notes: Question) -> Recall:
        """What the cache has for `query`, in `view`."""
        cache = self._cache
        # What else belongs to a question is no part of what it is kept by.
        if cache is None or query != Query(query.text, query.filters):
            return Recall(query)
        asked = self._as_asked(query, view)
        if asked is None:
            return Recall(query)
        assert self.pipeline.cache is not None
        recall = Recall(query, cache, asked, self.pipeline.cache.use, self._scope_now, notes)
        recall.look()
        return recall

    def _judge(self, query: Query, right: bool) -> None:
        cache = self._cache
        if cache is None:
            raise RequestError(
                f"the pipeline '{self.pipeline.name}' keeps no answers: give it a 'cache', such as "
                "{use: vectorq}"
            )
        with self._view() as view:
            asked = self._as_asked(query, view)
        if asked is None or not cache.judge(asked, right):
            raise RequestError(
                "nothing is kept of this question, with these filters and this state of the "
                "index: only what was asked since the last indexing can be judged"
            )

    def _as_asked(self, query: Query, view: StoreView) -> Asked | None:
        """`query` as caches take it; None where the state that it is asked of is gone by now."""
        from rag.protocols import Asked
        from rag.semantic_cache.scope import scope
        from rag.stating import stated

        encoder = view.encoder
        assert encoder is not None, "a pipeline with a cache has an encoder"

        def encode(text: str) -> Vectors:
            vector: Vectors = encoder.encode_queries([text])[0]
            return vector

        try:
            state = scope(self.folder, view.rows.connection)
        except FileNotFoundError:
            return None
        filters = " and ".join(sorted({f"({stated(one)})" for one in query.filters}))
        return Asked(query.text, filters, self._space(encoder.fingerprint), state, encode)

    def _space(self, encoder: str) -> str:
        """What stands for all that shapes an answer beside the index and the question."""
        from importlib.metadata import version

        pipeline = self.pipeline.as_dict()
        chat = None if self._chat is None else self._chat.fingerprint
        shaping = [version("ragline"), pipeline["index"], pipeline["query"], pipeline["answer"]]
        record = json.dumps([*shaping, encoder, chat], sort_keys=True)
        return hashlib.sha256(record.encode()).hexdigest()

    def _scope_now(self) -> str | None:
        """The state that is published at this moment."""
        from rag.semantic_cache.scope import scope

        try:
            with self._store.rows() as rows:
                return scope(self.folder, rows.connection)
        except FileNotFoundError:
            return None


@dataclass(slots=True)
class Recall:
    """What a cache says to one question, and what it is told; without a cache it is nothing."""

    query: Query
    cache: AnswerCache | None = None
    asked: Asked | None = None
    use: str = ""
    now: Callable[[], str | None] | None = None
    notes: Question = field(default_factory=Question)
    looked: Looked | None = None
    told: tuple[str, ...] = ()
    began: float = 0.0
    seconds: float = 0.0

    def look(self) -> None:
        """Ask the cache."""
        assert self.cache is not None
        assert self.asked is not None
        self.began, started = time.time(), time.perf_counter()
        self.looked = self.cache.look(self.asked)
        self.seconds = time.perf_counter() - started
        # Before the first stage takes them for its own.
        self.told = self.notes.take_notes()

    def given(self) -> Answer | None:
        """The answer that can be given, as an answer to this question."""
        if self.looked is None or self.looked.answer is None:
            return None
        kept = self.looked.answer
        step = self._step(len(kept.citations), "")
        return replace(kept, question=self.query.text, query=self.query, steps=(step,))

    def kept(self, answer: Answer) -> Answer:
        """`answer`, given for real, with what the cache made of it as its first step."""
        if self.looked is None:
            return answer
        told = self._keep(answer)
        return replace(answer, steps=(self._step(0, told), *answer.steps))

    def _keep(self, answer: Answer) -> str:
        assert self.cache is not None
        assert self.asked is not None
        assert self.looked is not None
        assert self.now is not None
        if any(step.failed for step in answer.steps):
            return "not kept: a stage failed"
        if self.now() != self.asked.scope:
            return "not kept: the index was changed meanwhile"
        started = time.perf_counter()
        told = self.cache.keep(self.asked, self.looked, answer)
        self.seconds += time.perf_counter() - started
        self.told += self.notes.take_notes()
        return told

    def _step(self, hits: int, told: str) -> Step:
        assert self.looked is not None
        line = f"{self.looked.outcome}: {self.looked.told}" + (f"; {told}" if told else "")
        notes = (line, *self.told)
        return Step("cache", (self.use,), self.seconds, hits, notes, self.began)

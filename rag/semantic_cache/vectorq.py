"""`vectorq`: the answer of a kept question where what was learned of it says that it is right."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from rag.errors import StoreError
from rag.protocols import Asked, Looked, Outcome, Vectors
from rag.semantic_cache.file import AnswerFile, Entry, Place, Rows, Said
from rag.semantic_cache.memory import Memory
from rag.semantic_cache.regions import LEAST
from rag.semantic_cache.sameness import difference, normal, same_answer, wording
from rag.tracing import note
from rag.types import Answer

_FAULTS = (OSError, sqlite3.Error, ValueError, LookupError, TypeError, AttributeError)


class VectorQCache:
    """Answers kept by question, each with a region that is learned for it (VectorQ, 2025).

    The same wording gets the answer that it got. Another wording may get that of the nearest kept
    question that can ask the same (`rag.semantic_cache.sameness`): `rag.semantic_cache.regions`
    says how probably it is wrong there, and with which probability the question has to be answered
    for real, so that of the answers that are given at most `max_error` are wrong. What is answered
    for real is compared with the kept answer, which is one more observation; feedback is another.
    There is no threshold, and nothing is given before enough was observed.

    Of more than `entries` the oldest go. Abstentions are given again to the same wording alone.
    The file is `answers.db` in `folder`, that of the index; what was kept for another state of the
    index is removed. A file that cannot be used is noted in the trace and costs nothing else.
    """

    given = ("folder",)

    def __init__(
        self,
        *,
        folder: Path,
        max_error: Annotated[float, Field(gt=0, lt=1)] = 0.02,
        entries: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000,
    ) -> None:
        self._file = AnswerFile(folder)
        self._max_error = max_error
        self._most = entries
        self._lock = threading.Lock()
        self._memory: Memory | None = None

    def look(self, asked: Asked) -> Looked:
        """What there is for a question: an answer to give, or what it is to be compared with."""
        if known := self._known(asked):
            return known
        vector = asked.encode(asked.text)
        found = self._near(asked, vector)
        if found.outcome != "hit" or found.entry is None:
            return found
        answer = self._given(asked, found.entry)
        if answer is None:
            return replace(found, outcome="explored")
        with self._noting("written"), self._file.writing(asked.scope) as rows:
            _say_hit(asked, found, rows)
        return replace(found, answer=answer)

    def keep(self, asked: Asked, looked: Looked, answer: Answer) -> str:
        """Keep `answer`, given for real, and learn from it; what was learned, in a few words."""
        place, own = _place(asked), wording(asked.text, answer.hits)
        told = "not kept"
        with self._noting("written"), self._file.writing(asked.scope) as rows:
            told = _kept(place, looked, answer, own.names, rows)
            rows.shrink(self._most)
        return told

    def judge(self, asked: Asked, right: bool) -> bool:
        """Learn whether what was said to a question is right; False where nothing is known of it.

        Raises StoreError where it cannot be written.
        """
        place = _place(asked)
        try:
            with self._file.writing(asked.scope) as rows:
                said = rows.said(place)
                if said is not None:
                    _learn(place, said, right, rows)
                return said is not None
        except _FAULTS as error:
            raise StoreError(self._told("written", error)) from error

    def _known(self, asked: Asked) -> Looked | None:
        """The answer that the same wording got."""
        answer = None
        with self._noting("read"), self._file.reading(asked.scope) as rows:
            said = rows.said(_place(asked)) if rows is not None else None
            if rows is not None and said is not None and said.known:
                answer = rows.answer(said.entry)
        return None if answer is None else Looked("hit", "the same question", answer)

    def _given(self, asked: Asked, entry: int) -> Answer | None:
        answer = None
        with self._noting("read"), self._file.reading(asked.scope) as rows:
            if rows is not None:
                answer = rows.answer(entry)
        return answer

    def _near(self, asked: Asked, vector: Vectors) -> Looked:
        """The kept question that is compared, and whether its answer may be given."""
        with self._lock:
            memory = self._followed(asked)
            nearest = None if memory is None else self._comparable(asked, vector, memory)
            if memory is None or nearest is None:
                return Looked("miss", "no kept question may be the same", vector=vector)
            entry, similarity = nearest
            risk = memory.regions.risk(entry.id, similarity)
            exploring = memory.ledger.exploring(risk)
            refuted = memory.refuted(entry, normal(asked.text))
        explored = refuted or _draw(asked) < exploring
        told = f"cosine {similarity:.3f} to '{entry.question}', risk {risk:.3f}"
        outcome: Outcome = "explored" if explored else "hit"
        return Looked(outcome, told, None, vector, entry.id, similarity, risk)

    def _followed(self, asked: Asked) -> Memory | None:
        """What is remembered, up to date; None where nothing is kept, or it cannot be read."""
        followed = None
        with self._noting("read"), self._file.reading(asked.scope) as rows:
            if rows is not None:
                key = (asked.scope, asked.space, rows.losses())
                known = self._memory
                followed = known if known and known.key == key else Memory(*key, self._max_error)
                # Half of it is nothing to go on from.
                self._memory = None
                followed.follow(rows)
                self._memory = followed
        return self._memory if followed is not None else None

    def _comparable(
        self, asked: Asked, vector: Vectors, memory: Memory
    ) -> tuple[Entry, float] | None:
        """The nearest kept question that may ask the same."""
        own = wording(asked.text)
        for entry, similarity in memory.nearest(vector, asked.filters):
            if similarity < LEAST:
                return None
            if not difference(own, memory.wording(entry), memory.names):
                return entry, similarity
        return None

    @contextmanager
    def _noting(self, done: str) -> Iterator[None]:
        try:
            yield
        except _FAULTS as error:
            note(self._told(done, error))

    def _told(self, done: str, error: Exception) -> str:
        told = " ".join(str(error).split())
        return f"kept answers cannot be {done}: '{self._file.path}': {told}; remove the file"


_TOLD = {None: "kept", True: "the kept answer is right", False: "the kept answer is wrong"}


def _place(asked: Asked) -> Place:
    return Place(asked.space, asked.filters, normal(asked.text))


def _draw(asked: Asked) -> float:
    """A number from 0 to 1 for a question: chance enough, and the same whenever it is asked."""
    digest = hashlib.sha256(f"{asked.space}\n{normal(asked.text)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _say_hit(asked: Asked, found: Looked, rows: Rows) -> None:
    if found.entry is not None and rows.has(found.entry):
        said = Said(found.entry, found.entry, found.similarity, found.risk, known=False)
        rows.say(_place(asked), said)


def _kept(place: Place, looked: Looked, answer: Answer, names: frozenset[str], rows: Rows) -> str:
    said = rows.said(place)
    if said is not None and said.known:
        return "kept meanwhile"
    right = _compared(place, looked, answer, rows)
    # Another wording of a kept question leads nowhere: what is learned is learned of one.
    leads = None if answer.abstained or right else looked.vector
    entry = rows.add(place, names, leads, answer)
    rows.say(place, Said(entry, looked.entry, looked.similarity, looked.risk))
    return _TOLD[right]


def _compared(place: Place, looked: Looked, answer: Answer, rows: Rows) -> bool | None:
    """Whether the kept answer that was near is the one given for real; None where there is none."""
    kept = None if looked.entry is None else rows.answer(looked.entry)
    if kept is None:
        return None
    right = same_answer(kept, answer)
    said = Said(0, looked.entry, looked.similarity, looked.risk)
    rows.observe(place.wording, said, right)
    return right


def _learn(place: Place, said: Said, right: bool, rows: Rows) -> None:
    """What somebody says of an answer.

    It holds for the kept question that was near, where what was given is its answer, or one that
    says the same. An answer of the question's own that is wrong is not given again.
    """
    given = said.near == said.entry
    if said.near is not None and (given or rows.observed(said.near, place.wording)):
        rows.observe(place.wording, said, right)
    if right:
        rows.say(place, Said(said.entry, said.near, said.similarity, said.risk))
    else:
        rows.unsay(place)
        if not given:
            rows.drop(said.entry)

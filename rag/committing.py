"""Encoding and committing what is to be in an index, in batches.

Documents that are new go through three states: cut into passages; begun, while the encoder's
thread works on their passages; and ready, with all their vectors saved. What is ready is
committed while the encoder is at work on what comes after it.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rag.store.writer import Indexed, StoreWriter, Verdicts
from rag.types import Document
from rag.vectors import Keyed, Vectoriser

# A commit is due when this much text is ready, or this much time has passed.
_COMMIT_CHARACTERS = 16_000_000
_COMMIT_SECONDS = 30.0


@dataclass(slots=True)
class _Begun:
    """Documents that are being encoded: ready when the vectoriser has saved as far as `until`.

    `commits` is how many commits there had been when their vectors were looked up: a commit
    forgets vectors that no passage has any more, and theirs may be among them.
    """

    cut: Sequence[Indexed]
    until: int
    commits: int


class Committer:
    """Takes documents that were cut, and sees that they come into the index with their vectors."""

    def __init__(self, writer: StoreWriter, vectoriser: Vectoriser | None) -> None:
        self.added = self.changed = 0
        self._writer = writer
        self._vectoriser = vectoriser
        self._cut: list[Indexed] = []
        self._begun: deque[_Begun] = deque()
        self._ready: list[Indexed] = []
        self._verdicts: list[Verdicts] = []
        self._touched: list[tuple[str, str]] = []
        self._passages = self._characters = self._waiting = self._commits = 0
        self._committed = time.monotonic()
        self._hashes: Counter[str] = Counter()

    def add(self, indexed: Indexed) -> None:
        """A document that is new or changed."""
        self._cut.append(indexed)
        self._passages += len(indexed.passages)
        self._characters += len(indexed.document.text)
        self._work()

    def follow(self, verdicts: Verdicts) -> None:
        """A document that stays; the vectors of what is admitted have been made."""
        self._verdicts.append(verdicts)
        self._work()

    def touch(self, document_id: str, version: str) -> None:
        """A document whose bytes changed, and which still says the same."""
        self._touched.append((document_id, version))

    def flush(self) -> None:
        """Encode and commit all that waits."""
        self._begin()
        while self._vectoriser is not None and self._begun:
            self._vectoriser.finish()
            self._collect(self._vectoriser)
        self._commit()

    def keep(self) -> None:
        """Commit what waits and needs no encoding."""
        if self._vectoriser is None:
            self._begin()
        else:
            self._vectoriser.stop()
            self._collect(self._vectoriser)
        self._commit()

    def moved(self, gone: Sequence[str]) -> int:
        """How many of the documents that were added say what one of `gone` said."""
        known = (self._writer.rows.known(name) for name in gone)
        left = Counter(one.content_hash for one in known if one is not None)
        return (self._hashes & left).total()

    def _work(self) -> None:
        if self._vectoriser is None:
            self._begin()
        else:
            self._encode(self._vectoriser)
        late = time.monotonic() - self._committed > _COMMIT_SECONDS
        if self._waiting > _COMMIT_CHARACTERS or (late and (self._ready or self._verdicts)):
            self._commit()

    def _encode(self, vectoriser: Vectoriser) -> None:
        """Keep the encoder at work, and see what it has done."""
        vectoriser.poll()
        if vectoriser.is_window(self._passages, self._characters):
            # No more than one window waits to be encoded while another is made.
            vectoriser.hand_over()
            self._begin()
        elif vectoriser.hungry and self._passages >= vectoriser.group:
            self._begin()
        self._collect(vectoriser)

    def _begin(self) -> None:
        if self._vectoriser is None:
            self._get_ready(self._cut)
        elif self._cut:
            until = self._vectoriser.begin(_keyed(self._cut))
            self._begun.append(_Begun(self._cut, until, self._commits))
        self._cut = []
        self._passages = self._characters = 0

    def _collect(self, vectoriser: Vectoriser) -> None:
        """What is begun and has all its vectors is ready."""
        while self._begun and self._begun[0].until <= vectoriser.saved:
            first = self._begun[0]
            if first.commits < self._commits:
                first.until, first.commits = vectoriser.begin(_keyed(first.cut)), self._commits
            else:
                self._get_ready(self._begun.popleft().cut)

    def _get_ready(self, cut: Sequence[Indexed]) -> None:
        self._ready.extend(cut)
        self._waiting += sum(len(one.document.text) for one in cut)

    def _commit(self) -> None:
        for one in self._ready:
            if self._writer.rows.known(one.document.id) is not None:
                self.changed += 1
            else:
                self.added += 1
                self._hashes[one.document.content_hash] += 1
        self._writer.commit(self._ready, judged=self._verdicts)
        self._writer.touch(self._touched)
        self._touched, self._ready, self._verdicts = [], [], []
        self._waiting = 0
        self._commits += 1
        self._committed = time.monotonic()


def _keyed(cut: Sequence[Indexed]) -> list[Keyed]:
    return [Keyed(partial(_itself, one.document), one.passages) for one in cut]


def _itself(document: Document) -> Document:
    return document

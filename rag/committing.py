"""Encoding and committing what is to be in an index, in batches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from rag.store.writer import Indexed, StoreWriter, Verdicts
from rag.types import Document
from rag.vectors import Keyed, Vectoriser

# Passages whose vectors are looked up, sorted by length and encoded together.
_ENCODE_PASSAGES = 1_024
# A commit is due when this much text waits, or this much time has passed.
_COMMIT_CHARACTERS = 16_000_000
_COMMIT_SECONDS = 30.0


class Committer:
    """Takes documents that were cut, and sees that they come into the index with their vectors."""

    def __init__(self, writer: StoreWriter, vectoriser: Vectoriser | None) -> None:
        self.added = self.changed = 0
        self._writer = writer
        self._vectoriser = vectoriser
        self._cut: list[Indexed] = []
        self._ready: list[Indexed] = []
        self._verdicts: list[Verdicts] = []
        self._touched: list[tuple[str, str]] = []
        self._uncoded = self._waiting = 0
        self._committed = time.monotonic()
        self._hashes: Counter[str] = Counter()

    def add(self, indexed: Indexed) -> None:
        """A document that is new or changed."""
        self._cut.append(indexed)
        self._uncoded += len(indexed.passages)
        self._waiting += len(indexed.document.text)
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
        self._encode()
        self._commit()

    def keep(self) -> None:
        """Commit what waits and needs no encoding."""
        if self._vectoriser is None:
            self._encode()
        self._commit()

    def moved(self, gone: Sequence[str]) -> int:
        """How many of the documents that were added say what one of `gone` said."""
        known = (self._writer.rows.known(name) for name in gone)
        left = Counter(one.content_hash for one in known if one is not None)
        return (self._hashes & left).total()

    def _work(self) -> None:
        if self._uncoded >= _ENCODE_PASSAGES:
            self._encode()
        late = time.monotonic() - self._committed > _COMMIT_SECONDS
        if self._waiting > _COMMIT_CHARACTERS or (late and (self._ready or self._verdicts)):
            self.flush()

    def _encode(self) -> None:
        """Vectors for the passages that have none yet, kept as they come."""
        if self._vectoriser is not None:
            cut = [Keyed(partial(_itself, one.document), one.passages) for one in self._cut]
            self._vectoriser.ensure(cut)
        self._ready.extend(self._cut)
        self._cut = []
        self._uncoded = 0

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
        self._committed = time.monotonic()


def _itself(document: Document) -> Document:
    return document

"""What one writer does to an index: it remembers vectors, commits documents, finds the stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

import numpy as np

from rag.errors import StoreError
from rag.languages import detect
from rag.protocols import Ids, LexicalEngine, Vectors
from rag.store.analysis import AUTO
from rag.store.dense import DenseEntries
from rag.store.edits import Writer
from rag.store.entry import Entry, dense_entries
from rag.store.generation import Change, Generations
from rag.store.repair import Repair
from rag.store.staging import Staging
from rag.store.stock import VectorStock
from rag.types import Document, Dropped, Failure, Passage


@dataclass(frozen=True, slots=True)
class Indexed:
    """A document ready to be stored: its passages, each with the hash of its vector."""

    document: Document
    version: str
    passages: Sequence[tuple[Passage, bytes]]
    dropped: Sequence[tuple[Dropped, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What changes for the passages of a document that is in the index and stays as it is.

    `admitted` and `known` are rows of the table `pruned`, `expelled` of `passages`; the latter
    two come with the score and the reason.
    """

    document_id: str
    admitted: Sequence[int] = ()
    expelled: Sequence[tuple[int, float, str]] = ()
    known: Sequence[tuple[int, float, str]] = ()


def empty_change(dense: bool) -> Change:
    """What makes the first generation of an index."""
    none = np.empty(0, np.int64)
    vectors = DenseEntries(none, none, np.empty((0, 0), np.float32)) if dense else None
    return Change(none, [], vectors, 0)


class StoreWriter:
    """Valid while its store is held for writing."""

    def __init__(
        self,
        connection: Connection,
        generations: Generations,
        lexical: LexicalEngine | None,
        *,
        dense: bool,
    ) -> None:
        self.rows = Writer(connection)
        self.staging = Staging(connection)
        self.stock = VectorStock(self.rows, generations)
        self._generations = generations
        self._language = lexical.language if lexical is not None else AUTO
        self._lexical = lexical is not None
        self._dense = dense
        connection.execute("CREATE TEMP TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._clean()

    def see(self, document_id: str) -> bool:
        """Note that a document is still in its source; False where it was noted before."""
        sql = "INSERT OR IGNORE INTO seen VALUES (?)"
        return self.rows.connection.execute(sql, [document_id]).rowcount == 1

    def seen(self, document_id: str) -> bool:
        """Whether a document was noted."""
        sql = "SELECT 1 FROM seen WHERE id = ?"
        return self.rows.connection.execute(sql, [document_id]).fetchone() is not None

    def see_source(self, source: str) -> None:
        """Note that the documents of a source are still there, although it cannot be read."""
        sql = "INSERT OR IGNORE INTO seen SELECT id FROM documents WHERE source = ?"
        self.rows.connection.execute(sql, [source])

    def touch(self, versions: Sequence[tuple[str, str]]) -> None:
        """Record `(id, version)` of documents whose bytes changed and still say the same."""
        if versions:
            with self.rows.transaction():
                for document_id, version in versions:
                    self.rows.touch(document_id, version)

    def unseen(self, covers: Callable[[str], bool]) -> list[str]:
        """Ids of the documents that were not noted although a source that `covers` them was."""
        sql = "SELECT id, source FROM documents WHERE id NOT IN seen ORDER BY id"
        return [name for name, source in self.rows.connection.execute(sql) if covers(source)]

    def missing(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Those of `hashes` that no vector is known for, each once, in order."""
        return self.stock.missing(hashes)

    def vectors(self, hashes: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Vectors `(dimension,)` by hash, as they are kept; those not known are left out."""
        return self.stock.of(hashes)

    def remember(
        self, hashes: Sequence[bytes], vectors: Vectors, precision: str | None = None
    ) -> None:
        """Keep vectors at once: encoding that is finished is never repeated.

        `precision` is what they were computed in, where that is known: `auto` does not say it.
        """
        with self.rows.transaction(flushed=False):
            self.rows.add_vectors(hashes, vectors)
            known = self.rows.meta("precision", [])
            if precision is not None and precision not in known:
                self.rows.set_meta("precision", sorted([*known, precision]))

    def stage(self, cut: Sequence[Indexed]) -> None:
        """Keep documents that were read until what is to be indexed of them has been judged."""
        with self.rows.transaction(flushed=False):
            for one in cut:
                self.staging.put(one.document, one.version, one.passages)

    def unstage(self, document_ids: Sequence[str]) -> None:
        """Forget documents that were kept to be judged."""
        if document_ids:
            with self.rows.transaction():
                self.staging.drop(document_ids)

    def commit(
        self,
        added: Sequence[Indexed],
        removed: Sequence[str] = (),
        judged: Sequence[Verdicts] = (),
    ) -> None:
        """Replace or add documents, remove others, and follow verdicts: everything, or nothing.

        The vectors of all passages must have been remembered.
        """
        if not added and not removed and not judged:
            return
        with self.rows.transaction():
            names = [one.document.id for one in added]
            # While what they replace can still be read.
            known = self._vectors_of(added, judged) if self._dense else {}
            gone, pruned = self._remove([*removed, *names])
            self.staging.drop([*removed, *names])
            entries = [entry for indexed in added for entry in self._insert(indexed)]
            for verdicts in judged:
                gone.extend(self.rows.hashes([row for row, _, _ in verdicts.expelled]))
                entries.extend(self._follow(verdicts))
            count = self.rows.meta("passages") + len(entries) - len(gone)
            deleted = np.array(sorted(row for row, _ in gone), np.int64)
            self._publish(deleted, entries, known, count)
            if self._dense:
                self.stock.settle(known, {key: row for row, key in gone}, pruned)
        self._clean()
        self.stock.follow()

    def renumber(self, number: int) -> None:
        """Publish the same state again as generation `number`."""
        none = empty_change(self._dense)
        change = Change(none.deleted, none.entries, none.vectors, self.rows.meta("passages"))
        with self.rows.transaction():
            self._generations.build(self.rows.meta("generation"), number, change)
            self.rows.set_meta("generation", number)

    def repair(self) -> list[str]:
        """Derive everything anew; what was done, a line each.

        Documents whose vectors are lost are set aside: the next run indexes them again.
        """
        repair = Repair(self.rows, self._generations, lexical=self._lexical, dense=self._dense)
        done = repair.run()
        self.stock.follow()
        return done

    def log(
        self,
        started: str,
        seconds: float,
        report: dict[str, Any],
        failed: Sequence[Failure],
        settled: Sequence[str],
    ) -> None:
        """Record a finished run and what it could not read."""
        with self.rows.transaction():
            self.rows.set_failures(failed, settled, started)
            self.rows.add_run(started, seconds, report)
        # A reader that is late with the former generation asks again: see `Store`.
        self._generations.remove_others(self.rows.meta("generation"))

    def forget_failures(self, sources: Sequence[str]) -> None:
        """Drop what is recorded of sources that could not be read."""
        with self.rows.transaction():
            self.rows.set_failures([], sources, "")

    def _remove(self, document_ids: Sequence[str]) -> tuple[list[tuple[int, bytes]], list[bytes]]:
        """Rows and hashes of the indexed passages that went, and hashes of the pruned ones."""
        gone: list[tuple[int, bytes]] = []
        pruned: list[bytes] = []
        for name in document_ids:
            indexed, others = self.rows.remove(name)
            gone.extend(indexed)
            pruned.extend(others)
        return gone, pruned

    def _insert(self, indexed: Indexed) -> Iterator[Entry]:
        language = self._language
        if language == AUTO:
            language = detect(indexed.document.text)
        _check_spans(indexed)
        starts = [passage.start for passage, _ in indexed.passages]
        document = self.rows.add_document(indexed.document, indexed.version, language, starts)
        for passage, key in indexed.passages:
            row = self.rows.add_passage(document, passage, key)
            yield Entry(row, document, passage.context, passage.text, language, key)
        for dropped, key in indexed.dropped:
            self.rows.add_dropped(document, dropped, key)

    def _follow(self, verdicts: Verdicts) -> Iterator[Entry]:
        """What is admitted, as the derived indexes take it."""
        for row in verdicts.admitted:
            yield Entry(*self.rows.entry(self.rows.admit(row)))
        for row, score, reason in verdicts.expelled:
            self.rows.expel(row, score, reason)
        for row, score, reason in verdicts.known:
            self.rows.set_verdict(row, score, reason)

    def _publish(
        self, deleted: Ids, entries: Sequence[Entry], known: Mapping[bytes, Vectors], count: int
    ) -> None:
        old = self.rows.meta("generation")
        terms = (entry.lexical() for entry in entries) if self._lexical else ()
        vectors = _dense(entries, known) if self._dense else None
        self._generations.build(old, old + 1, Change(deleted, terms, vectors, count))
        self.rows.set_meta("generation", old + 1)
        self.rows.set_meta("passages", count)

    def _vectors_of(
        self, added: Sequence[Indexed], judged: Sequence[Verdicts]
    ) -> dict[bytes, Vectors]:
        """The vectors of all passages that come into the index."""
        wanted = {key for one in added for _, key in one.passages}
        admitted = [row for verdicts in judged for row in verdicts.admitted]
        wanted.update(key for _, key in self.rows.hashes(admitted, "pruned"))
        known = self.stock.of(list(wanted))
        if lost := len(wanted) - len(known):
            raise StoreError(f"{lost} passages have no vector: run 'rag repair', then index")
        return known

    def _clean(self) -> None:
        """Keep the published generation, and the one before it for readers that just opened it."""
        number = self.rows.meta("generation")
        self._generations.remove_others(number, number - 1)


def _check_spans(indexed: Indexed) -> None:
    """Passages are kept as spans: what says something else would be lost."""
    text = indexed.document.text
    for passage, _ in indexed.passages:
        if text[passage.start : passage.end] != passage.text:
            raise StoreError(
                f"passage '{passage.id}' does not say what its document says there: the chunker "
                "is at fault"
            )


def _dense(entries: Sequence[Entry], known: Mapping[bytes, Vectors]) -> DenseEntries:
    dimension = len(next(iter(known.values()))) if known else 0
    vectors = np.empty((len(entries), dimension), np.float32)
    for position, entry in enumerate(entries):
        vectors[position] = known[entry.key]
    return dense_entries(entries, vectors)

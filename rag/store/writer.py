"""What one writer does to an index: it remembers vectors, commits documents, finds the stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

import numpy as np

from rag.errors import StoreError
from rag.languages import detect
from rag.protocols import LexicalEngine, LexicalEntry, Vectors
from rag.store.analysis import AUTO, analyse
from rag.store.check import lacking_vectors
from rag.store.dense import DenseEntries
from rag.store.edits import Writer
from rag.store.generation import Change, Generations
from rag.store.staging import Staging
from rag.types import Document, Dropped, Failure, Passage

_CHUNK = 50_000


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
        known = self.rows.known_vectors(list(dict.fromkeys(hashes)))
        return [key for key in dict.fromkeys(hashes) if key not in known]

    def remember(self, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Keep vectors at once: encoding that is finished is never repeated."""
        with self.rows.transaction():
            self.rows.add_vectors(hashes, vectors)

    def stage(self, cut: Sequence[Indexed]) -> None:
        """Keep documents that were read until what is to be indexed of them has been judged."""
        with self.rows.transaction():
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
            gone_rows, gone_hashes = self._remove([*removed, *names])
            self.staging.drop([*removed, *names])
            entries = [entry for indexed in added for entry in self._insert(indexed)]
            for verdicts in judged:
                entries.extend(self._follow(verdicts))
                gone_rows.extend(row for row, _, _ in verdicts.expelled)
            gone_rows.sort()
            count = self.rows.meta("passages") + len(entries) - len(gone_rows)
            self._publish(
                self.rows.meta("generation"), np.array(gone_rows, np.int64), entries, count
            )
            self.rows.forget_vectors(gone_hashes)
        self._clean()

    def rebuild(self) -> None:
        """Derive lexical and dense structures anew from the truth."""
        number = self.rows.meta("generation") + 1
        self._generations.build(0, number, empty_change(self._dense))
        done = 0
        for entries in self._all_entries():
            done += len(entries)
            change = self._change(np.empty(0, np.int64), entries, done)
            self._generations.build(number, number + 1, change)
            number += 1
        with self.rows.transaction():
            self.rows.set_meta("generation", number)
            self.rows.set_meta("passages", done)
        self._generations.remove_others(number)

    def renumber(self, number: int) -> None:
        """Publish the same state again as generation `number`."""
        none = empty_change(self._dense)
        change = Change(none.deleted, none.entries, none.vectors, self.rows.meta("passages"))
        with self.rows.transaction():
            self._generations.build(self.rows.meta("generation"), number, change)
            self.rows.set_meta("generation", number)

    def repair(self) -> list[str]:
        """Derive everything anew; what was done, a line each.

        Documents that lack vectors are set aside: the next run indexes them again.
        """
        done: list[str] = []
        lost = lacking_vectors(self.rows) if self._dense else []
        if lost:
            with self.rows.transaction():
                for name in lost:
                    self.rows.remove(name)
            done.append(
                f"{len(lost)} documents without vectors were set aside: run 'rag index' on their "
                "sources to bring them back"
            )
        self.rebuild()
        passages = self.rows.meta("passages")
        done.append(f"search structures of {passages} passages were built anew")
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

    def forget_failures(self, sources: Sequence[str]) -> None:
        """Drop what is recorded of sources that could not be read."""
        with self.rows.transaction():
            self.rows.set_failures([], sources, "")

    def _remove(self, document_ids: Sequence[str]) -> tuple[list[int], list[bytes]]:
        rows: list[int] = []
        hashes: list[bytes] = []
        for name in document_ids:
            gone = self.rows.remove(name)
            rows.extend(gone[0])
            hashes.extend(gone[1])
        return rows, hashes

    def _insert(self, indexed: Indexed) -> Iterator[_Entry]:
        language = self._language
        if language == AUTO:
            language = detect(indexed.document.text)
        document = self.rows.add_document(indexed.document, indexed.version, language)
        for passage, key in indexed.passages:
            row = self.rows.add_passage(document, passage, key)
            yield _Entry(row, document, passage.context, passage.text, language, key)
        for dropped, key in indexed.dropped:
            self.rows.add_dropped(document, dropped, key)

    def _follow(self, verdicts: Verdicts) -> Iterator[_Entry]:
        """What is admitted, as the derived indexes take it."""
        for row in verdicts.admitted:
            yield _Entry(*self.rows.entry(self.rows.admit(row)))
        for row, score, reason in verdicts.expelled:
            self.rows.expel(row, score, reason)
        for row, score, reason in verdicts.known:
            self.rows.set_verdict(row, score, reason)

    def _publish(self, old: int, deleted: Any, entries: Sequence[_Entry], count: int) -> None:
        self._generations.build(old, old + 1, self._change(deleted, entries, count))
        self.rows.set_meta("generation", old + 1)
        self.rows.set_meta("passages", count)

    def _change(self, deleted: Any, entries: Sequence[_Entry], count: int) -> Change:
        terms = (entry.lexical() for entry in entries) if self._lexical else ()
        return Change(deleted, terms, self._vectors(entries) if self._dense else None, count)

    def _vectors(self, entries: Sequence[_Entry]) -> DenseEntries:
        known = self.rows.vectors([entry.key for entry in entries])
        lost = [entry for entry in entries if entry.key not in known]
        if lost:
            raise StoreError(f"{len(lost)} passages have no vector: run 'rag repair', then index")
        dimension = len(next(iter(known.values()))) if known else 0
        vectors = np.empty((len(entries), dimension), np.float32)
        for position, entry in enumerate(entries):
            vectors[position] = known[entry.key]
        rows = np.array([entry.row for entry in entries], np.int64)
        return DenseEntries(rows, np.array([e.document for e in entries], np.int64), vectors)

    def _all_entries(self) -> Iterator[list[_Entry]]:
        entries: list[_Entry] = []
        for fields in self.rows.entries():
            entries.append(_Entry(*fields))
            if len(entries) == _CHUNK:
                yield entries
                entries = []
        if entries:
            yield entries

    def _clean(self) -> None:
        """Keep the published generation, and the one before it for readers that just opened it."""
        number = self.rows.meta("generation")
        self._generations.remove_others(number, number - 1)


@dataclass(frozen=True, slots=True)
class _Entry:
    row: int
    document: int
    context: str
    text: str
    language: str
    key: bytes

    def lexical(self) -> LexicalEntry:
        return self.row, self.document, analyse(f"{self.context}\n{self.text}", self.language)

"""The rows of an index's database as our nouns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.errors import IndexDamagedError, IndexMismatchError
from rag.store.texts import JOINED, Texts, spanned, unpacked, unreadable
from rag.types import Block, Document, Dropped, Failure, Metadata, Passage

if TYPE_CHECKING:
    from rag.protocols import Vectors

# A passage's row, its document's row, context, text, language, and the hash of its vector.
EntryFields: TypeAlias = tuple[int, int, str, str, str, bytes]

# Values that one statement takes.
_BATCH = 500
_IS_KEPT = "EXISTS (SELECT 1 FROM documents d WHERE d.source = f.source)"
# What a passage is made of beside its text, of the tables `passages` or `pruned` as `p` and
# `documents` as `d`.
_PASSAGE = (
    "p.start, p.end, p.row, d.id, d.source, d.title, p.page, p.headings, p.place, p.context, "
    "d.metadata"
)
_ENTRY = (
    "SELECT p.start, p.end, p.row, p.document, p.context, d.language, p.hash, t.place, t.text "
    f"FROM passages p CROSS JOIN documents d ON d.row = p.document CROSS JOIN {JOINED}"
)
_IS_STALE = "EXISTS (SELECT 1 FROM failures f WHERE f.source = d.source)"


@dataclass(frozen=True, slots=True)
class Known:
    """What tells whether an indexed document changed: see `Item` and `Document`."""

    version: str
    content_hash: str
    source: str

    def is_at(self, version: str) -> bool:
        """Whether `version` needs no reading; an empty one always does: see `Item`."""
        return self.version == version != ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that could not be read, `since` when (ISO 8601).

    It is `stale` where the last version that could be read stays in the index.
    """

    source: str
    error: str
    since: str
    stale: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that is or could be in the index, and the key of its vector.

    `row` is its place in the table `passages` where it is `kept`, else in `pruned`; None for
    a passage that is in neither yet.
    """

    passage: Passage
    key: bytes
    row: int | None = None
    kept: bool = False


class Rows:
    """The tables as documents, passages and vectors, on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.texts = Texts(connection)

    def meta(self, key: str, default: Any = None) -> Any:
        """A value of the index's own record, such as its pipeline or its generation."""
        found = self._one("SELECT value FROM meta WHERE key = ?", key)
        return default if found is None else _recorded(found[0])

    def check_encoder(self, fingerprint: str) -> None:
        """Raise IndexMismatchError where another encoder made the index's vectors."""
        if self.meta("encoder", fingerprint) != fingerprint:
            raise IndexMismatchError(
                "the index was made by another encoder (other weights, prompts, length or "
                "precision): its vectors cannot be compared with this one's; run "
                "'rag index --rebuild' to make it anew"
            )

    def known(self, document_id: str) -> Known | None:
        """What is recorded of an indexed document; None where it is not indexed."""
        sql = "SELECT version, hash, source FROM documents WHERE id = ?"
        found = self._one(sql, document_id)
        return None if found is None else Known(found[0], found[1].hex(), found[2])

    def document(self, name: str) -> Document | None:
        """A document by its id or its source."""
        found = self._one(
            "SELECT row, id, source, title, metadata, blocks FROM documents "
            "WHERE id = ?1 OR source = ?1",
            name,
        )
        if found is None:
            return None
        row, identity, source, title, metadata, blocks = found
        spans = _recorded(unpacked(blocks))
        return Document(
            id=identity,
            source=source,
            title=title,
            text=self.texts.whole(row),
            blocks=tuple(Block(a, b, k, p, tuple(h), *more) for a, b, k, p, h, *more in spans),
            metadata=_recorded(metadata),
        )

    def sources(self) -> Iterator[tuple[str, str]]:
        """`(id, source)` of every document, by id."""
        yield from self.connection.execute("SELECT id, source FROM documents ORDER BY id")

    def ids_of(self, source: str) -> list[str]:
        """Ids of the documents of a source."""
        found = self.connection.execute("SELECT id FROM documents WHERE source = ?", [source])
        return [name for (name,) in found]

    def languages(self) -> list[str]:
        """Languages of the indexed documents, sorted."""
        found = self.connection.execute("SELECT language FROM languages ORDER BY 1")
        return [language for (language,) in found]

    def passages(self, rows: Sequence[int]) -> dict[int, Passage]:
        """Passages by row; rows that do not exist are left out."""
        found: dict[int, Passage] = {}
        for start in range(0, len(rows), _BATCH):
            batch = list(rows[start : start + _BATCH])
            read = self.connection.execute(
                f"SELECT {_PASSAGE}, d.language, {_IS_STALE}, t.place, t.text FROM passages p "
                f"CROSS JOIN documents d ON d.row = p.document CROSS JOIN {JOINED} "
                f"WHERE p.row IN ({','.join('?' * len(batch))})",
                batch,
            )
            found.update((fields[2], _passage(fields, text)) for fields, text in spanned(read))
        return found

    def places(self, rows: Sequence[int]) -> dict[int, tuple[str, int, int]]:
        """The `Passage.order` of passages by row; rows that do not exist are left out."""
        found: dict[int, tuple[str, int, int]] = {}
        for start in range(0, len(rows), _BATCH):
            batch = list(rows[start : start + _BATCH])
            read = self.connection.execute(
                "SELECT p.row, d.id, p.start, p.end FROM passages p "
                "CROSS JOIN documents d ON d.row = p.document "
                f"WHERE p.row IN ({','.join('?' * len(batch))})",
                batch,
            )
            found.update((row, (name, first, last)) for row, name, first, last in read)
        return found

    def passages_of(self, document_id: str) -> dict[int, Passage]:
        """Passages of one document, in order."""
        found = self.connection.execute(
            f"SELECT {_PASSAGE}, d.language, {_IS_STALE}, 0, 0 FROM passages p "
            "JOIN documents d ON d.row = p.document WHERE d.id = ? ORDER BY p.start",
            [document_id],
        )
        text = self._text(document_id)
        return {row[2]: _passage(row, text[row[0] : row[1]]) for row in found}

    def dropped(self, document_id: str) -> list[Dropped]:
        """What a pruner kept out of the index of one document, in order."""
        found = self.connection.execute(
            f"SELECT {_PASSAGE}, d.language, {_IS_STALE}, p.score, p.reason FROM pruned p "
            "JOIN documents d ON d.row = p.document WHERE d.id = ? ORDER BY p.start, p.end",
            [document_id],
        )
        text = self._text(document_id)
        return [Dropped(_passage(row, text[row[0] : row[1]]), *row[-2:]) for row in found]

    def all_dropped(self) -> Iterator[Dropped]:
        """What pruners kept out of the index, by document and place, streamed."""
        for name, _ in self.sources():
            yield from self.dropped(name)

    def failures(self) -> list[Failure]:
        """Sources that could not be read when they were last tried."""
        return [Failure(one.source, one.error) for one in self.unread()]

    def unread(self) -> list[Unread]:
        """The same, with when it began and whether an earlier version is in the index."""
        found = self.connection.execute(
            f"SELECT f.source, f.error, f.since, {_IS_KEPT} FROM failures f ORDER BY f.source"
        )
        return [Unread(source, error, since, bool(kept)) for source, error, since, kept in found]

    def runs(self, last: int) -> list[dict[str, Any]]:
        """The latest index runs, newest first."""
        found = self.connection.execute(
            "SELECT started, seconds, report FROM runs ORDER BY id DESC LIMIT ?", [last]
        )
        return [{"started": a, "seconds": b, **_recorded(c)} for a, b, c in found]

    def counts(self) -> dict[str, int]:
        """How many documents, passages and pruned passages there are."""
        # The first two are kept as they change: to count is to read an index of the table.
        documents = self._one("SELECT coalesce(sum(documents), 0) FROM languages")[0]
        pruned = self._one("SELECT count(*) FROM pruned")[0]
        return {"documents": documents, "passages": self.meta("passages", 0), "pruned": pruned}

    def entries(self, above: int, most: int) -> Iterator[EntryFields]:
        """Up to `most` passages as derived indexes take them, by row, from the one after `above`.

        They are `(row, document row, context, text, language, hash)`.
        """
        sql = (
            f"{_ENTRY} WHERE p.row IN (SELECT row FROM passages WHERE row > ? ORDER BY row "
            "LIMIT ?) ORDER BY p.row, t.place"
        )
        yield from _entries(self.connection.execute(sql, [above, most]))

    def entry(self, row: int) -> EntryFields:
        """The same of one passage."""
        found = self.connection.execute(f"{_ENTRY} WHERE p.row = ? ORDER BY t.place", [row])
        return next(_entries(found))

    def vectors(self, hashes: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Vectors `(dimension,)` by hash that are kept here: see `VectorStock` for the others."""
        import numpy as np

        found: dict[bytes, Vectors] = {}
        for start in range(0, len(hashes), _BATCH):
            batch = list(hashes[start : start + _BATCH])
            marks = ",".join("?" * len(batch))
            sql = f"SELECT hash, vector FROM vectors WHERE hash IN ({marks})"
            read = self.connection.execute(sql, batch).fetchall()
            halves = np.frombuffer(b"".join(blob for _, blob in read), np.float16)
            block = halves.astype(np.float32).reshape(len(read), -1) if read else ()
            found.update(zip((key for key, _ in read), block, strict=True))
        return found

    def indexed(self, hashes: Sequence[bytes]) -> dict[bytes, int]:
        """The row of a passage in the index by hash; hashes that none has are left out."""
        found: dict[bytes, int] = {}
        for start in range(0, len(hashes), _BATCH):
            batch = list(hashes[start : start + _BATCH])
            sql = f"SELECT hash, row FROM passages WHERE hash IN ({','.join('?' * len(batch))})"
            found.update(self.connection.execute(sql, batch))
        return found

    def keys_of(self, passages: Sequence[Passage]) -> list[tuple[int, int, bytes]]:
        """Of each passage its row, its document's row, and the hash of its vector.

        Raises IndexDamagedError where one is not in the index.
        """
        found: dict[tuple[str, int, int], tuple[int, int, bytes]] = {}
        # Each passage is up to three values.
        for start in range(0, len(passages), _BATCH // 3):
            found.update(self._keys(passages[start : start + _BATCH // 3]))
        if gone := [one.id for one in passages if one.order not in found]:
            raise IndexDamagedError(f"passage '{gone[0]}' is not in the index: run 'rag verify'")
        return [found[passage.order] for passage in passages]

    def _keys(
        self, passages: Sequence[Passage]
    ) -> Iterator[tuple[tuple[str, int, int], tuple[int, int, bytes]]]:
        """The order and the keys of passages of the same documents at the same places.

        Each document is gone through once, however many of its passages are asked for.
        """
        documents = list({passage.document_id for passage in passages})
        spans = list({(passage.start, passage.end) for passage in passages})
        sql = (
            "SELECT d.id, p.start, p.end, p.row, p.document, p.hash "
            "FROM documents d CROSS JOIN passages p ON p.document = d.row "
            f"WHERE d.id IN ({','.join('?' * len(documents))}) "
            f"AND (p.start, p.end) IN (VALUES {','.join(['(?, ?)'] * len(spans))})"
        )
        asked = [*documents, *(place for span in spans for place in span)]
        for identity, start, end, *keys in self.connection.execute(sql, asked):
            yield (identity, start, end), (keys[0], keys[1], keys[2])

    def passages_in(self, documents: Sequence[int]) -> int:
        """How many passages the documents in these rows have."""
        sql = "SELECT count(*) FROM passages WHERE document IN (SELECT value FROM json_each(?))"
        return int(self._one(sql, json.dumps(list(documents)))[0])

    def _text(self, document_id: str) -> str:
        found = self._one("SELECT row FROM documents WHERE id = ?", document_id)
        return "" if found is None else self.texts.whole(found[0])

    def candidates(self, document_id: str) -> Iterator[Candidate]:
        """Every passage of a document, indexed or pruned, by place."""
        columns = "row, hash, document, start, end, page, headings, place, context"
        found = self.connection.execute(
            f"SELECT {_PASSAGE}, p.hash, p.kept FROM ("
            f"SELECT 1 AS kept, {columns} FROM passages UNION ALL "
            f"SELECT 0 AS kept, {columns} FROM pruned) p "
            "JOIN documents d ON d.row = p.document WHERE d.id = ? ORDER BY p.start, p.end",
            [document_id],
        )
        text = self._text(document_id)
        for row in found:
            *fields, key, kept = row
            yield Candidate(_judged(fields, text[row[0] : row[1]]), key, row[2], bool(kept))

    def known_vectors(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` whose vector is kept here."""
        found: set[bytes] = set()
        for start in range(0, len(hashes), _BATCH):
            batch = list(hashes[start : start + _BATCH])
            sql = f"SELECT hash FROM vectors WHERE hash IN ({','.join('?' * len(batch))})"
            found.update(key for (key,) in self.connection.execute(sql, batch))
        return found

    def qualities(self, fingerprint: str, hashes: Sequence[bytes]) -> dict[bytes, float]:
        """What a model that judges passages by their text said of those that it has judged."""
        found: dict[bytes, float] = {}
        for start in range(0, len(hashes), _BATCH):
            batch = list(hashes[start : start + _BATCH])
            marks = ",".join("?" * len(batch))
            sql = f"SELECT hash, score FROM qualities WHERE model = ? AND hash IN ({marks})"
            found.update(self.connection.execute(sql, [fingerprint, *batch]))
        return found

    def _one(self, sql: str, *values: object) -> Any:
        return self.connection.execute(sql, values).fetchone()


def _entries(found: Iterable[Sequence[Any]]) -> Iterator[EntryFields]:
    for (_, _, row, document, context, language, key, *_), text in spanned(found):
        yield row, document, context, text, language, key


def _passage(fields: Sequence[Any], text: str) -> Passage:
    """A passage as searches give it: its metadata has what the index knows of its document.

    `fields` are those of `_PASSAGE`, and the document's language and whether it is stale.
    """
    language, stale = fields[11:13]
    # The index's own word counts, whatever a document says of itself.
    known = {**_recorded(fields[10]), "language": language, "stale": True}
    if not stale:
        del known["stale"]
    return _made(fields, text, known)


def _judged(fields: Sequence[Any], text: str) -> Passage:
    """A passage as its chunker made it."""
    return _made(fields, text, _recorded(fields[10]))


def _made(fields: Sequence[Any], text: str, metadata: Metadata) -> Passage:
    start, end, _, document_id, source, title, page, headings, place, context = fields[:10]
    path = tuple(_recorded(headings)) if headings != "[]" else ()
    return Passage(
        document_id, start, end, text, source, title, page, path, metadata, context, place
    )


def _recorded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError) as error:
        raise unreadable(error) from error

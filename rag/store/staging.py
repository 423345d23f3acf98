"""Documents that were read and cut, and wait for the whole collection to be judged.

They are kept in the index's database, so that a run that is stopped has not read in vain.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Any

from rag.errors import IndexDamagedError
from rag.store.rows import Candidate
from rag.types import Block, Document, Passage


class Staging:
    """The table `staged`, inside transactions of the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, document: Document, version: str, cut: Sequence[tuple[Passage, bytes]]) -> None:
        """Keep a document with its passages and the keys of their vectors."""
        passages = [
            [one.start, one.end, one.page, one.headings, one.context, one.place, key.hex()]
            for one, key in cut
        ]
        record = {
            "id": document.id,
            "source": document.source,
            "text": document.text,
            "title": document.title,
            "blocks": [block.record for block in document.blocks],
            "metadata": dict(document.metadata),
            "passages": passages,
        }
        packed = zlib.compress(json.dumps(record, ensure_ascii=False).encode(), 1)
        self._connection.execute(
            "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?)",
            [document.id, document.source, version, packed],
        )

    def version(self, document_id: str) -> str | None:
        """The version of a document that waits; None where it does not."""
        sql = "SELECT version FROM staged WHERE id = ?"
        found = self._connection.execute(sql, [document_id]).fetchone()
        return None if found is None else str(found[0])

    def sources(self) -> Iterator[tuple[str, str]]:
        """`(id, source)` of every document that waits, by id."""
        yield from self._connection.execute("SELECT id, source FROM staged ORDER BY id")

    def take(self, document_id: str) -> tuple[Document, str, list[Candidate]]:
        """A document that waits, with its version and passages."""
        sql = "SELECT version, record FROM staged WHERE id = ?"
        version, packed = self._connection.execute(sql, [document_id]).fetchone()
        record = _unpacked(packed)
        passages = record.pop("passages")
        spans = record.pop("blocks")
        blocks = tuple(Block(a, b, k, p, tuple(h), *more) for a, b, k, p, h, *more in spans)
        document = Document(**record, blocks=blocks)
        return document, version, [_candidate(document, fields) for fields in passages]

    def drop(self, document_ids: Iterable[str]) -> None:
        """Forget documents that wait."""
        self._connection.executemany(
            "DELETE FROM staged WHERE id = ?", ([name] for name in document_ids)
        )


def _candidate(document: Document, fields: Sequence[Any]) -> Candidate:
    start, end, page, headings, context, place, key = fields
    passage = Passage(
        document.id,
        start,
        end,
        document.text[start:end],
        document.source,
        document.title,
        page,
        tuple(headings),
        document.metadata,
        context,
        place,
    )
    return Candidate(passage, bytes.fromhex(key))


def _unpacked(packed: bytes) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(zlib.decompress(packed))
    except (zlib.error, ValueError) as error:
        raise IndexDamagedError(
            f"a record in the index is damaged ({error}): index again with 'rag index --rebuild'"
        ) from error
    return record

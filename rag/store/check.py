"""Verification: the derived indexes against the truth, and the truth against itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rag.errors import IndexDamagedError
from rag.protocols import Ids
from rag.store.generation import Generation
from rag.store.rows import Rows

if TYPE_CHECKING:
    from rag.store.store import Store

_SHOWN = 5


def problems(store: Store, *, dense: bool) -> list[str]:
    """One line for each thing that is wrong; an empty list means that everything agrees."""
    found: list[str] = []
    try:
        with store.rows() as rows:
            found.extend(_database(rows, dense=dense))
            found.extend(store.generations.damaged(rows.meta("generation")))
            found.extend(_derived(rows, store.generation(rows)))
    except IndexDamagedError as error:
        # Nothing can be compared beyond this point.
        found.append(str(error))
    return found


def _database(rows: Rows, *, dense: bool) -> Iterator[str]:
    for (line,) in rows.connection.execute("PRAGMA integrity_check(5)"):
        if line != "ok":
            yield f"index.db: {' '.join(line.split())}"
    (count,) = rows.connection.execute("SELECT count(*) FROM passages").fetchone()
    if count != rows.meta("passages"):
        yield f"index.db holds {count} passages, its record says {rows.meta('passages')}"
    sql = (
        "SELECT count(*) FROM {} p LEFT JOIN documents d ON d.row = p.document WHERE d.row IS NULL"
    )
    for table in ("passages", "pruned"):
        (orphans,) = rows.connection.execute(sql.format(table)).fetchone()
        if orphans:
            yield f"{orphans} rows of '{table}' belong to no document"
    for name, _ in list(rows.sources()):
        yield from _document(rows, name)
    if dense:
        missing = lacking_vectors(rows)
        if missing:
            yield f"passages of {len(missing)} documents have no vector: {_some(missing)}"


def _document(rows: Rows, name: str) -> Iterator[str]:
    document = rows.document(name)
    if document is None:
        return
    wrong = [
        passage.id
        for passage in rows.passages_of(name).values()
        if document.text[passage.start : passage.end] != passage.text
    ]
    if wrong:
        yield f"passages that differ from their document: {_some(wrong)}"


def lacking_vectors(rows: Rows) -> list[str]:
    """Ids of the documents that have a passage without a vector."""
    found = rows.connection.execute(
        "SELECT DISTINCT d.id FROM passages p JOIN documents d ON d.row = p.document "
        "LEFT JOIN vectors v ON v.hash = p.hash WHERE v.hash IS NULL ORDER BY d.id"
    )
    return [name for (name,) in found]


def _derived(rows: Rows, generation: Generation) -> Iterator[str]:
    held = np.array(
        [row for (row,) in rows.connection.execute("SELECT row FROM passages ORDER BY row")],
        np.int64,
    )
    if generation.lexical is not None:
        yield from _compared("lexical", held, generation.lexical.rows())
    if generation.dense is not None:
        yield from _compared("dense", held, generation.dense.rows())
        yield from _vectors(rows, generation)


def _compared(name: str, held: Ids, indexed: Ids) -> Iterator[str]:
    lost, extra = np.setdiff1d(held, indexed), np.setdiff1d(indexed, held)
    if len(lost):
        yield f"the {name} index lacks {len(lost)} passages"
    if len(extra):
        yield f"the {name} index holds {len(extra)} passages that are not in the index"


def _vectors(rows: Rows, generation: Generation) -> Iterator[str]:
    assert generation.dense is not None
    differing = 0
    for block, vectors in generation.dense.vectors():
        for start in range(0, len(block), 500):
            numbers = block[start : start + 500].tolist()
            marks = ",".join("?" * len(numbers))
            sql = (
                "SELECT p.row, v.vector FROM passages p JOIN vectors v ON v.hash = p.hash "
                f"WHERE p.row IN ({marks})"
            )
            truth = dict(rows.connection.execute(sql, numbers))
            for number, vector in zip(numbers, vectors[start : start + 500], strict=True):
                blob = truth.get(number)
                if blob is not None and blob != vector.astype(np.float16).tobytes():
                    differing += 1
    if differing:
        yield f"{differing} vectors of the dense index are not those of the passages"


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")

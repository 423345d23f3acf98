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


def problems(store: Store) -> list[str]:
    """One line for each thing that is wrong; an empty list means that everything agrees."""
    found: list[str] = []
    try:
        with store.rows() as rows:
            found.extend(_database(rows))
            found.extend(store.generations.damaged(rows.meta("generation")))
            found.extend(_derived(rows, store.generation(rows)))
    except IndexDamagedError as error:
        # Nothing can be compared beyond this point.
        found.append(str(error))
    return found


def _database(rows: Rows) -> Iterator[str]:
    for (line,) in rows.connection.execute("PRAGMA integrity_check(5)"):
        if line != "ok":
            yield f"index.db: {' '.join(line.split())}"
    for table, recorded in rows.counts().items():
        (count,) = rows.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        if count != recorded:
            yield f"index.db holds {count} {table}, its record says {recorded}"
    sql = (
        "SELECT count(*) FROM {} p LEFT JOIN documents d ON d.row = p.document WHERE d.row IS NULL"
    )
    for table in ("passages", "pruned"):
        (orphans,) = rows.connection.execute(sql.format(table)).fetchone()
        if orphans:
            yield f"{orphans} rows of '{table}' belong to no document"
    for name, _ in list(rows.sources()):
        yield from _document(rows, name)


def _document(rows: Rows, name: str) -> Iterator[str]:
    document, known = rows.document(name), rows.known(name)
    if document is None or known is None:
        return
    if document.content_hash != known.content_hash:
        yield f"'{name}' does not say what was read of it"
    length = len(document.text)
    beyond = [one.id for one in rows.passages_of(name).values() if one.end > length]
    if beyond:
        yield f"passages that reach beyond their document: {_some(beyond)}"


def _derived(rows: Rows, generation: Generation) -> Iterator[str]:
    held = np.array(
        [row for (row,) in rows.connection.execute("SELECT row FROM passages ORDER BY row")],
        np.int64,
    )
    if generation.lexical is not None:
        yield from _compared("lexical", held, generation.lexical.rows())
    if generation.dense is not None:
        yield from _compared("dense", held, generation.dense.rows())
        yield from _vectors(generation)


def _compared(name: str, held: Ids, indexed: Ids) -> Iterator[str]:
    lost, extra = np.setdiff1d(held, indexed), np.setdiff1d(indexed, held)
    if len(lost):
        yield f"the {name} index lacks {len(lost)} passages"
    if len(extra):
        yield f"the {name} index holds {len(extra)} passages that are not in the index"


def _vectors(generation: Generation) -> Iterator[str]:
    assert generation.dense is not None
    broken = sum(
        int((~np.isfinite(vectors).all(axis=1)).sum()) for _, vectors in generation.dense.vectors()
    )
    if broken:
        yield f"{broken} vectors of the dense index are no numbers"


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")

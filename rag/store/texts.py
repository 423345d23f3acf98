"""The texts of documents, in compressed blocks; passages are spans of them, and have no other.

A block is read in microseconds, however long its document is. Where it can, it begins with a
passage, so that most passages lie in one block.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from sqlite3 import Connection
from typing import Any

from rag.errors import IndexDamagedError

# Characters of a block: it ends with a passage once it has the first number, and has at most
# the second. Longer ones take less room and longer to read.
_LEAST, _MOST = 1_200, 2_400
# A block's number is that of its document, shifted, and the offset where it begins.
_SHIFT = 32
_OFFSET = (1 << _SHIFT) - 1
_LEVEL = 6

# Joins the blocks of a passage `p`, in order; there is at least one.
JOINED = (
    f"texts t ON t.place BETWEEN (SELECT max(place) FROM texts WHERE place <= "
    f"(p.document << {_SHIFT} | p.start)) AND (p.document << {_SHIFT} | max(p.start, p.end - 1))"
)


class Texts:
    """The table `texts`, inside transactions of the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, document: int, text: str, starts: Iterable[int] = ()) -> None:
        """Keep the text of a document that has none; passages begin at `starts`."""
        edges = [0, *_edges(len(text), sorted(set(starts))), len(text)]
        base = document << _SHIFT
        self._connection.executemany(
            "INSERT INTO texts VALUES (?, ?)",
            # An empty text is a block too.
            ((base | a, packed(text[a:b])) for a, b in pairwise(edges)),
        )

    def drop(self, document: int) -> None:
        """Forget the text of a document."""
        sql = "DELETE FROM texts WHERE place BETWEEN ? AND ?"
        self._connection.execute(sql, _range(document))

    def whole(self, document: int) -> str:
        """The text of a document."""
        sql = "SELECT text FROM texts WHERE place BETWEEN ? AND ? ORDER BY place"
        found = self._connection.execute(sql, _range(document))
        return "".join(unpacked(blob) for (blob,) in found)


def spanned(found: Iterable[Sequence[Any]]) -> Iterator[tuple[Sequence[Any], str]]:
    """Rows of passages with their text.

    A row begins with `p.start, p.end, p.row` and ends with `t.place, t.text` of `JOINED`; those
    of one passage follow each other.
    """
    last: Sequence[Any] = ()
    pieces: list[str] = []
    # Passages that follow each other in a document share blocks.
    known = (-1, "")
    for row in found:
        if last and row[2] != last[2]:
            yield last, _cut(last, pieces)
            last = ()
        if not last:
            last, pieces = row, []
        if known[0] != row[-2]:
            known = (row[-2], unpacked(row[-1]))
        pieces.append(known[1])
    if last:
        yield last, _cut(last, pieces)


def _cut(row: Sequence[Any], pieces: Sequence[str]) -> str:
    start, end, offset = row[0], row[1], row[-2] & _OFFSET
    return "".join(pieces)[start - offset : end - offset]


def _range(document: int) -> tuple[int, int]:
    return document << _SHIFT, document << _SHIFT | _OFFSET


def _edges(length: int, starts: Sequence[int]) -> Iterator[int]:
    """Where the second block begins, and those after it."""
    edge = 0
    while length - edge > _MOST:
        at = bisect_left(starts, edge + _LEAST)
        wanted = starts[at] if at < len(starts) else length
        edge = wanted if wanted <= edge + _MOST else edge + _MOST
        if edge < length:
            yield edge


def packed(text: str) -> bytes:
    """Text as it is kept."""
    return zlib.compress(text.encode(), _LEVEL)


def unpacked(blob: bytes) -> str:
    """Text that was `packed`. Raises IndexDamagedError."""
    try:
        return zlib.decompress(blob).decode()
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise unreadable(error) from error


def unreadable(error: Exception) -> IndexDamagedError:
    """What to say of a record that is not what was written."""
    return IndexDamagedError(
        f"a record in the index is damaged ({error}): restore the index from a backup, or "
        "index again with 'rag index --rebuild'"
    )

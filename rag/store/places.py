"""Where the passages of one published state stand, kept for the next question."""

from __future__ import annotations

from collections.abc import Sequence

from rag.errors import IndexDamagedError
from rag.store.rows import Rows

# Places that are kept: some 12 MB.
_KEPT = 60_000
LACKING = "the search structures hold passages that are not in the index: run 'rag repair'"


class Places:
    """Documents and spans of passages by row. A row's number is never used for another one."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._known: dict[int, tuple[str, int, int]] = {}

    def of(
        self, rows: Sequence[int], source: Rows, otherwise: str = LACKING
    ) -> list[tuple[str, int, int]]:
        """The `Passage.order` of each row.

        Raises IndexDamagedError, saying `otherwise`, where `source` lacks a row.
        """
        known = self._known
        missing = [row for row in rows if row not in known]
        if missing:
            if len(known) > self._kept:
                known = self._known = {row: known[row] for row in rows if row in known}
            known.update(source.places(missing))
        try:
            return [known[row] for row in rows]
        except KeyError:
            raise IndexDamagedError(otherwise) from None

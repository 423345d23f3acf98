"""Passages with scores, as rows of an index and numbers until somebody looks at them.

That is all that fusing and cutting need of the hundreds that a question finds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, overload

from rag.found import Located, Place, found_in_one
from rag.protocols import Ids, Ranked, Scores
from rag.types import Hit, Passage, StageScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FoundRows(Sequence[tuple[Passage, float]]):
    """Passages in `rows` of what `reader` has, with their `scores`, both `(n,)`.

    Pairs of a passage and its score are made when somebody looks at them. Then, too, passages that
    tie are put in order, as it takes asking where they stand: most are cut before that.
    """

    def __init__(self, reader: Located, rows: Ids, scores: Scores) -> None:
        self.reader = reader
        self.scores = scores
        self._rows = rows
        # Which of them tie, and are in no order yet.
        self._loose: NDArray[np.bool_] | None = None

    @property
    def rows(self) -> Ids:
        """The rows, in order."""
        self._settle(slice(None))
        return self._rows

    @property
    def unordered(self) -> Ids:
        """The rows; those that tie stand in any order."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[Passage, float]]:
        return zip(map(self.reader.passage, self.rows.tolist()), self.scores.tolist(), strict=True)

    @overload
    def __getitem__(self, at: int) -> tuple[Passage, float]: ...

    @overload
    def __getitem__(self, at: slice) -> FoundRows: ...

    def __getitem__(self, at: int | slice) -> tuple[Passage, float] | FoundRows:
        if isinstance(at, slice):
            return self._part(at)
        self._settle(at)
        return self.reader.passage(int(self._rows[at])), float(self.scores[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    __hash__ = None  # type: ignore[assignment]  # as a list has none

    def __repr__(self) -> str:
        return repr([*self])

    def scored(self, scores: Scores) -> FoundRows:
        """The same passages with other scores; those that tied stand in any order."""
        return FoundRows(self.reader, self._rows, scores)

    def best_first(self) -> FoundRows:
        """The same by their scores, ties by passage."""
        import numpy as np

        order = np.argsort(-self.scores, kind="stable")
        made = FoundRows(self.reader, self._rows[order], self.scores[order])
        same = made.scores[1:] == made.scores[:-1]
        if same.any():
            made._loose = np.append(same, False) | np.append(False, same)
        return made

    def positions(self, rows: Sequence[int]) -> dict[int, int]:
        """Where those of `rows` stand that are here."""
        import numpy as np

        self._settle(np.isin(self._rows, rows))
        at = np.flatnonzero(np.isin(self._rows, rows))
        return dict(zip(self._rows[at].tolist(), at.tolist(), strict=True))

    def _part(self, at: slice) -> FoundRows:
        start, stop, step = at.indices(len(self))
        if step != 1:
            self._settle(slice(None))
        for edge in {start, stop}.intersection(range(1, len(self))):
            # Ties on both sides of it; within them order is not asked for yet.
            if self.scores[edge] == self.scores[edge - 1]:
                self._settle(edge)
        part = FoundRows(self.reader, self._rows[at], self.scores[at])
        part._loose = None if self._loose is None else self._loose[at]
        return part

    def _settle(self, at: int | slice | NDArray[np.bool_]) -> None:
        """Put what ties with the passages at these positions in order."""
        if self._loose is None:
            return
        import numpy as np

        asked = np.zeros(len(self), bool)
        asked[at] = True
        tied = np.flatnonzero(self._loose & np.isin(self.scores, self.scores[asked & self._loose]))
        if not len(tied):
            return
        places = self.reader.places(self._rows[tied].tolist())
        standing = np.empty(len(tied), np.int64)
        standing[sorted(range(len(tied)), key=places.__getitem__)] = np.arange(len(tied))
        # Others may hold parts of these arrays.
        self._rows, self._loose = self._rows.copy(), self._loose.copy()
        # Scores descend already, so that those of a group stay together.
        self._rows[tied] = self._rows[tied[np.lexsort((standing, -self.scores[tied]))]]
        self._loose[tied] = False


class FoundHits(Sequence[Hit]):
    """Hits of what stage `name` found, as `pairs` of passages and scores, best first."""

    def __init__(self, name: str, pairs: Ranked) -> None:
        self.name = name
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Hit]:
        return (self._hit(rank, *pair) for rank, pair in enumerate(self.pairs, 1))

    @overload
    def __getitem__(self, at: int) -> Hit: ...

    @overload
    def __getitem__(self, at: slice) -> list[Hit]: ...

    def __getitem__(self, at: int | slice) -> Hit | list[Hit]:
        if isinstance(at, slice):
            ranks = range(1, len(self.pairs) + 1)[at]
            return [self._hit(n, *pair) for n, pair in zip(ranks, self.pairs[at], strict=True)]
        rank = range(len(self.pairs))[at]
        return self._hit(rank + 1, *self.pairs[rank])

    def _hit(self, rank: int, passage: Passage, score: float) -> Hit:
        return Hit(passage, score, MappingProxyType({self.name: StageScore(rank, score)}), ())


class _Listed:
    """Passages that are known, by their places in a list without doubles."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages

    def passage(self, row: int) -> Passage:
        return self._passages[row]

    def places(self, rows: Sequence[int]) -> Sequence[Place]:
        return [self._passages[row].order for row in rows]


def pairs_of(hits: Sequence[Hit]) -> Ranked:
    """The passages of `hits` with their scores."""
    if isinstance(hits, FoundHits):
        return hits.pairs
    return [(hit.passage, hit.score) for hit in hits]


def as_rows(arms: Sequence[Ranked]) -> list[FoundRows]:
    """The same, equal passages in equal rows.

    Where all were found in one state of an index this costs nothing.
    """
    import numpy as np

    found = [arm for arm in arms if isinstance(arm, FoundRows)]
    if len(found) == len(arms) and all(arm.reader is found[0].reader for arm in found):
        return found
    passages = [passage for arm in arms for passage, _ in arm]
    reader: Located
    reader, rows = found_in_one(passages) or _listed(passages)
    made, start = [], 0
    for arm in arms:
        own = np.array(rows[start : start + len(arm)], np.int64)
        made.append(FoundRows(reader, own, np.array([score for _, score in arm], np.float64)))
        start += len(arm)
    return made


def _listed(passages: Sequence[Passage]) -> tuple[Located, list[int]]:
    """A list of `passages`, each by where it stands, and where each is in the list."""
    orders = [passage.order for passage in passages]
    known = dict(zip(orders, passages, strict=True))
    rows = {order: row for row, order in enumerate(known)}
    return _Listed([*known.values()]), [rows[order] for order in orders]


def summed(arms: Sequence[FoundRows]) -> FoundRows:
    """Every passage of any arm with the sum of its scores, best first, ties by passage.

    `arms` are as `as_rows` gives them.
    """
    import numpy as np

    found = np.concatenate([arm.unordered for arm in arms])
    rows, parts = np.unique(found, return_inverse=True)
    scores = np.concatenate([arm.scores for arm in arms])
    totals = np.zeros(len(rows))
    if len(arms) <= 2:
        np.add.at(totals, parts, scores)
    else:
        # An exact sum does not depend on the order of the arms.
        shares: list[list[float]] = [[] for _ in rows]
        for part, score in zip(parts.tolist(), scores.tolist(), strict=True):
            shares[part].append(score)
        totals[:] = [*map(math.fsum, shares)]
    return FoundRows(arms[0].reader, rows, totals).best_first()


def reciprocal(arm: FoundRows, weight: float, k: int) -> FoundRows:
    """The passages of `arm` with `weight / (k + rank)`, rank from 1."""
    import numpy as np

    rows = arm.best_first().rows
    return FoundRows(arm.reader, rows, weight / (k + np.arange(1, len(rows) + 1)))

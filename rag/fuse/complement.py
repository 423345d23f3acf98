"""Complementary rankings (CoRT, Wrzalik and Krechel 2021): one arm leads, others fill its gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from rag.protocols import Ranked
from rag.ranked import FoundRows, as_rows, pairs_of
from rag.tracing import note
from rag.types import Hit


class ComplementFuser:
    """The arms in turn: the first one's best, the second one's best, and so on down their ranks.

    A passage that stands in the list already is passed over, so that each arm adds what those
    before it missed, and the first `n` of the list hold at least the first `n / 2` of either of
    two arms. CoRT merges BM25 and its dense ranker so; the first arm leads. Scores are 1 / place.
    A note tells how many passages each later arm alone found.
    """

    def fuse(self, arms: Sequence[Sequence[Hit]]) -> Ranked:
        """Every passage of any arm, once, in the order that the arms name them."""
        found = [one.best_first() for one in as_rows([pairs_of(arm) for arm in arms])]
        lists = [one.rows.tolist() for one in found]
        _note_added(arms, lists)
        turns = (row for turn in zip_longest(*lists) for row in turn if row is not None)
        rows = np.array([*dict.fromkeys(turns)], np.int64)
        return FoundRows(found[0].reader, rows, 1 / np.arange(1, len(rows) + 1))


def _note_added(arms: Sequence[Sequence[Hit]], lists: Sequence[Sequence[int]]) -> None:
    """How many passages each arm after the first alone found, by the name of its stage."""
    counts = Counter(row for rows in lists for row in rows)
    for number, (arm, rows) in enumerate(zip(arms[1:], lists[1:], strict=True), 2):
        name = next((name for hit in arm for name in hit.stages), f"arm {number}")
        alone = sum(counts[row] == 1 for row in rows)
        note(f"{name} alone found {alone} of {len(counts)}")

"""Codes in memory, vectors on disk (after Xiao et al. 2022, BiDR)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rag.store.dense.codes import Bits, Scoring, open_codes, write_codes
from rag.store.dense.large import Count, ExactUpTo, LargeDense
from rag.store.dense.rescoring import Rescored
from rag.store.dense.searcher import Searcher
from rag.store.dense.vectors import VectorFile


class TwoTierDense(LargeDense):
    """Codes of `bits` bits for a component in memory; vectors stay on disk.

    Of the vectors no more than the best `candidates` by their codes are read for a question, or
    as many as are asked for where that is more: for an index that is larger than memory. The
    codes are those of `binary`; with 2 bits, 50 candidates hold nearly all of the ten nearest.
    """

    use: ClassVar[str] = "two-tier"
    circumstances: ClassVar[frozenset[str]] = frozenset({"candidates", "exact_up_to"})
    reads_from_disk: ClassVar[bool] = True

    def __init__(
        self,
        *,
        bits: Bits = 2,
        scoring: Scoring = "asymmetric",
        candidates: Count = 150,
        exact_up_to: ExactUpTo = 0,
    ) -> None:
        self.bits = bits
        self.scoring = scoring
        self.candidates = candidates
        self.exact_up_to = exact_up_to

    def write(self, vectors: VectorFile, path: Path) -> None:
        """The codes of all vectors."""
        write_codes(vectors, path, self.bits, self.scoring)

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """Map the codes, and leave the vectors where they are."""
        return Rescored(open_codes(path, self.scoring), vectors, self.candidates)

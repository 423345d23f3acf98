"""Binary codes (Gan et al. 2023, BEBR; Gao and Long 2024, RaBitQ), and the vectors for the best."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from rag.store.dense.codes import Bits, Scoring, open_codes, write_codes
from rag.store.dense.large import EXACT_UP_TO, Count, ExactUpTo, LargeDense
from rag.store.dense.rescoring import Rescored
from rag.store.dense.searcher import Searcher
from rag.store.dense.vectors import VectorFile


class BinaryDense(LargeDense):
    """Codes of `bits` bits for a component are all compared; then the vectors of the best.

    `scoring: hamming` has the sign of each component, 48 bytes for 384 of them, and counts in how
    many the question differs. `scoring: asymmetric` compares the question itself with the codes,
    which have two numbers more: it takes somewhat longer and needs far fewer `candidates`. Parts
    of the index up to `exact_up_to` vectors are compared whole.
    """

    use: ClassVar[str] = "binary"
    circumstances: ClassVar[frozenset[str]] = frozenset({"candidates", "exact_up_to"})

    def __init__(
        self,
        *,
        bits: Bits = 1,
        scoring: Scoring = "asymmetric",
        candidates: Count = 200,
        exact_up_to: ExactUpTo = EXACT_UP_TO,
    ) -> None:
        self.bits = bits
        self.scoring = scoring
        self.candidates = candidates
        self.exact_up_to = exact_up_to

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """A sign is one bit."""
        if options["scoring"] == "hamming" and options["bits"] != 1:
            return [("bits", "'bits' is 1 with 'scoring: hamming': it compares signs")]
        return []

    def write(self, vectors: VectorFile, path: Path) -> None:
        """The codes of all vectors."""
        write_codes(vectors, path, self.bits, self.scoring)

    def open(self, vectors: VectorFile, path: Path) -> Searcher:
        """Map the codes."""
        return Rescored(open_codes(path, self.scoring), vectors, self.candidates)

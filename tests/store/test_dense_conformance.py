"""Each kind of dense index in a store: what every store promises."""

from __future__ import annotations

from pathlib import Path

from embedded import Embedded

from rag.protocols import Encoder
from rag.store.dense import DenseEngine
from rag.store.dense.binary import BinaryDense
from rag.store.dense.hnsw import HnswDense
from rag.store.dense.ivf import IvfDense
from rag.store.dense.matryoshka import MatryoshkaDense
from rag.store.dense.pq import PqDense
from rag.store.dense.searcher import DenseKind
from rag.store.dense.two_tier import TwoTierDense
from rag.testing import StoreSuite


class DenseStoreSuite(StoreSuite):
    kind: DenseKind

    def open(self, folder: Path, encoder: Encoder) -> Embedded:
        return Embedded(folder, encoder, dense=DenseEngine(self.kind))


class TestIvfStore(DenseStoreSuite):
    kind = IvfDense(lists=2, probed=1, exact_up_to=0)


class TestHnswStore(DenseStoreSuite):
    kind = HnswDense(exact_up_to=0)


class TestBinaryStore(DenseStoreSuite):
    kind = BinaryDense(exact_up_to=0)


class TestMatryoshkaStore(DenseStoreSuite):
    kind = MatryoshkaDense(dimensions=16, exact_up_to=0)


class TestPqStore(DenseStoreSuite):
    kind = PqDense(exact_up_to=0)


class TestTwoTierStore(DenseStoreSuite):
    kind = TwoTierDense()


# Only those that name a kind are stores.
del StoreSuite, DenseStoreSuite

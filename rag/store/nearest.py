"""Dense searches that several questions wait for, done as one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from rag.errors import RequestError
from rag.gathering import Gatherer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.protocols import Ids, Vectors
    from rag.store.dense import DenseIndex

Found: TypeAlias = list[tuple[int, float]]
_Kind: TypeAlias = tuple[int, int | None]
_Task: TypeAlias = "tuple[Vectors, Ids | None]"

# Vectors that are searched for together.
_FULL = 64


class Nearest:
    """Searches a dense index for threads that share it.

    What they look for at the same time, as many passages in the same documents, is one search:
    FAISS shares several vectors among the cores, and would have the threads of each caller
    contend for them.
    """

    def __init__(self, index: DenseIndex) -> None:
        self._gatherer: Gatherer[_Kind, _Task, Found] = Gatherer(
            partial(_searched, index), full=_FULL, closed=_given_up
        )

    def search(self, vector: Vectors, k: int, documents: Ids | None = None) -> Found:
        """See `DenseIndex.search`."""
        # Those that wait hold their documents, so that no others get their id meanwhile.
        within = None if documents is None else id(documents)
        return self._gatherer.result((k, within), (vector, documents))


def _searched(index: DenseIndex, kind: _Kind, tasks: Sequence[_Task]) -> list[Found]:
    import numpy as np

    vectors = np.stack([vector for vector, _ in tasks])
    return index.search_many(vectors, kind[0], tasks[0][1])


def _given_up() -> RequestError:
    return RequestError("the question was given up while it waited for the dense index")

"""How many threads FAISS works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Work in no more than `threads` threads, where called from this one.

    FAISS shares out questions, so that one question gains nothing by a second thread; beside other
    work it waits for that thread to be given a core, a hundred times as long as it searches.
    """
    import faiss

    usual = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(min(threads, usual))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(usual)

"""Work beside the caller's own, in as many threads as there are cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from rag.cores import cores


@cache
def beside(name: str) -> ThreadPoolExecutor:
    """The threads of this name, for short work that waits for nothing: all callers share them."""
    return ThreadPoolExecutor(cores(), name)


# A process that is forked has none of the threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=beside.cache_clear)

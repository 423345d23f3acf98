"""A filter for searches that take none: more is looked for, and what is not allowed left out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rag.protocols import Ids
from rag.store.dense.allowed import Allowed

# So many times as much is looked for as should be needed.
_SLACK = 1.2
# Where so few of all are allowed, more would be looked for than scoring those takes.
_LEAST_SHARE = 1 / 32


def among(
    search: Callable[[int], Ids], count: int, allowed: Allowed, most: int | None = None
) -> Ids | None:
    """Positions `(m, count)` of the best of what is `allowed`, best first.

    `search` gives as many positions `(m, n)` as it is asked for, best first. There is None where
    it would have to be asked for more than `most`, or for nearly everything.
    """
    total = len(allowed.marks)
    limit = math.ceil(count / allowed.share * _SLACK) if allowed.share >= _LEAST_SHARE else total
    while limit < total and (most is None or limit <= most):
        found = search(limit)
        marks = allowed.marks[found]
        if (np.count_nonzero(marks, axis=1) >= count).all():
            # Those that are allowed first, as they stand.
            order = np.argsort(~marks, axis=1, kind="stable")[:, :count]
            return np.take_along_axis(found, order, axis=1)
        limit *= 2
    return None

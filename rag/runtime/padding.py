"""Rows of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from rag.runtime.graph import Array

Side: TypeAlias = Literal["left", "right"]


def padded(rows: Sequence[Sequence[int] | Array], length: int, empty: int, side: Side) -> Array:
    """int64 `(len(rows), length)`: each row with `empty` beside it, on its `side`."""
    made = np.full((len(rows), length), empty, np.int64)
    for number, row in enumerate(rows):
        start = 0 if side == "right" else length - len(row)
        made[number, start : start + len(row)] = row
    return made

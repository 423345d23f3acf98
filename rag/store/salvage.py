"""The vectors of a dense index of which some files are damaged."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from rag.store.dense import DenseIndex
from rag.store.dense.segment import Segment, vectors_path


def salvage(folder: Path, intact: Collection[str]) -> DenseIndex | None:
    """The segments in `folder` whose vectors and rows are among `intact`; None without any.

    It cannot be searched, and what was deleted is in it too.
    """
    names = [name.removesuffix(".rows.npy") for name in sorted(intact) if ".rows." in name]
    whole = [name for name in names if vectors_path(folder, name).name in intact]
    segments = [Segment(folder, name, None) for name in whole]
    return DenseIndex(segments, np.empty(0, np.int64)) if segments else None

"""How much a passage says: its words."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from rag.protocols import Collection, Quality, Scores
from rag.prune.alphabet import KIND, PAIRED
from rag.prune.words import NO_WORDS, Block, blocks


class LengthPruner:
    """Words of a passage, `w / (w + half)`: 0 without words, 0.5 at `half` words, never quite 1.

    Only what has a letter is a word: digits and marks alone say too little. Two characters of a
    script without spaces count as one word. It is the control that other pruners have to beat:
    what is short need not be bad.
    """

    needs_vectors = False

    def __init__(self, *, half: Annotated[int, Field(ge=1)] = 20) -> None:
        self._half = half

    def judge(self, collection: Collection) -> Quality:
        """Scores are from 0 to 1, the same for a text in any collection."""
        parts = [_counted(block) for block in blocks(collection.passages())]
        words = np.concatenate([np.zeros(0), *parts])
        return Quality(words / (words + self._half), lambda position: _told(words[position]))


def _counted(block: Block) -> Scores:
    paired = block.kinds[block.starts] & KIND == PAIRED
    weights = block.lettered * np.where(paired, 0.5, 1.0)
    words: Scores = np.bincount(block.owners, weights, len(block)).astype(np.float64)
    return words


def _told(words: float) -> str:
    return f"it has {words:.0f} word{'' if words == 1 else 's'}" if words else NO_WORDS

"""What each character is to a word, as a table that arrays are looked up in."""

from __future__ import annotations

from functools import cache

import numpy as np
import regex
from numpy.typing import NDArray

from rag.scripts import UNSPACED

WORD, PAIRED, MARK = 1, 2, 3
KIND = 3
LETTER, DIGIT, SPACE = 4, 8, 16

# Beyond the third plane there are no letters. The last entry stands for all of that.
_END = 0x40000
# The lengthening mark belongs to both Japanese syllabaries, and by itself to neither.
_RUN = rf"[{UNSPACED}ー]"


_UNSPACED = regex.compile(_RUN)


def unspaced(word: str) -> bool:
    """Whether `word` is of characters that are PAIRED."""
    return not word.isascii() and _UNSPACED.match(word) is not None


@cache
def _table() -> NDArray[np.uint8]:
    """For each code point its kind, with the flags LETTER, DIGIT and SPACE."""
    table = np.full(_END + 1, MARK, np.uint8)
    table[[0, _END]] = 0
    everything = "".join(map(chr, range(1, _END)))
    for pattern, kept, added in (
        (r"[\w\p{M}]", 0, WORD),
        (_RUN, 0, PAIRED),
        (r"\p{L}", KIND, LETTER),
        (r"\d", KIND, DIGIT),
        (r"\s|\p{C}", 0, SPACE),
    ):
        for found in regex.finditer(rf"(?:{pattern})+", everything):
            part = slice(found.start() + 1, found.end() + 1)
            table[part] = (table[part] & kept) | added
    return table


def kinds(points: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """WORD, PAIRED, MARK or 0 for each code point, with its flags.

    PAIRED are the characters of scripts that are written without spaces.
    """
    return _table()[np.minimum(points, _END)]

"""Whether a quote answers a question, by a reference answer and by the evidence for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A shorter quote may stand in the evidence by chance. The spaces around it count.
_SHORTEST = 16
# Words that stand in many a sentence which does not answer: only the evidence tells.
_ASSENT = frozenset({"yes", "no", "ja", "nein", "oui", "non", "sí", "si"})
_NO_WORD = re.compile(r"[\W_]+")


def is_right(quote: str, answer: str, evidence: Sequence[str]) -> bool:
    """Whether `quote` contains the reference answer, or fits a sentence of the evidence.

    A quote fits where the words of the evidence stand in it in their order (a table's row may
    have the names of columns between), or where it is a part of the evidence that has at least
    14 characters. Case and punctuation are passed over. Of an answer that is no more than yes or
    no the evidence alone decides. Where there is nothing to be right about, nothing is.
    """
    given = _plain(quote)
    wanted = _plain(answer)
    if wanted.strip() and wanted.strip() not in _ASSENT and wanted in given:
        return True
    sentences = [plain for one in evidence if (plain := _plain(one)).strip()]
    return any(
        _in_order(one, given) or (given in one and len(given) >= _SHORTEST) for one in sentences
    )


def _in_order(evidence: str, quote: str) -> bool:
    words = iter(quote.split())
    return all(word in words for word in evidence.split())


def _plain(text: str) -> str:
    """Lower case, and one space for whatever is no word; spaces around keep words whole."""
    return f" {_NO_WORD.sub(' ', text.lower()).strip()} "

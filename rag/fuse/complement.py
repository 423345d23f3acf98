"""Complementary rankings (CoRT, Wrzalik and Krechel 2021): one arm leads, others fill its gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rag.fuse.order import in_order
from rag.protocols import Ranked
from rag.tracing import note
from rag.types import Hit, Passage


class ComplementFuser:
    """The arms in turn: the first one's best, the second one's best, and so on down their ranks.

    A passage that stands in the list already is passed over, so that each arm adds what those
    before it missed, and the first `n` of the list hold at least the first `n / 2` of either of
    two arms. CoRT merges BM25 and its dense ranker so; the first arm leads. Scores are 1 / place.
    A note tells how many passages each later arm alone found.
    """

    def fuse(self, arms: Sequence[Sequence[Hit]]) -> Ranked:
        """Every passage of any arm, once, in the order that the arms name them."""
        ordered = [in_order(arm) for arm in arms]
        _note_added(ordered)
        found: dict[str, Passage] = {}
        for row in zip_longest(*ordered):
            for hit in row:
                if hit is not None:
                    found.setdefault(hit.passage.id, hit.passage)
        return [(passage, 1 / place) for place, passage in enumerate(found.values(), 1)]


def _note_added(arms: Sequence[Sequence[Hit]]) -> None:
    counts = Counter(hit.passage.id for arm in arms for hit in arm)
    for name, arm in _named(arms):
        alone = sum(counts[hit.passage.id] == 1 for hit in arm)
        note(f"{name} alone found {alone} of {len(counts)}")


def _named(arms: Sequence[Sequence[Hit]]) -> Iterator[tuple[str, Sequence[Hit]]]:
    """The arms after the first, each by its stage's name, or by its number where it found none."""
    for number, arm in enumerate(arms[1:], 2):
        yield next((name for hit in arm for name in hit.stages), f"arm {number}"), arm

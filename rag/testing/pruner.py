"""What every pruner promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag.protocols import Encoder, Pruner, Quality
from rag.testing.collection import MemoryCollection
from rag.testing.hashing import HashingEncoder
from rag.testing.samples import DOCUMENTS, passages_of
from rag.types import Passage


class PrunerSuite:
    """Override `make`, and `encoder` and `passages` to judge by and with others."""

    def make(self) -> Pruner:
        """A pruner that does not think the same of all of `passages`."""
        raise NotImplementedError

    def encoder(self) -> Encoder:
        """What makes the vectors, for a pruner that needs them."""
        return HashingEncoder()

    def passages(self) -> Sequence[Passage]:
        """What is judged: passages of several documents, some of them alike."""
        found = [passage for document in DOCUMENTS for passage in passages_of(document)]
        return [*found, *(replace(one, document_id=f"copy of {one.document_id}") for one in found)]

    def test_is_a_pruner(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Pruner)

    def test_every_passage_is_judged(self) -> None:
        """One finite score for each passage, and they differ."""
        scores = self._judged(self.passages()).scores
        assert scores.shape == (len(self.passages()),)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()
        assert len(set(scores.tolist())) > 1, "the pruner under test must tell passages apart"

    def test_the_worst_has_a_reason(self) -> None:
        """What would be dropped first is told why, on one line."""
        quality = self._judged(self.passages())
        why = quality.why(int(quality.scores.argmin()))
        assert why.strip()
        assert "\n" not in why

    def test_judging_is_repeatable(self) -> None:
        """The same passages are judged the same, by the same pruner and by another one."""
        made = self.make()
        first, second = self._judged(self.passages(), made), self._judged(self.passages(), made)
        assert first.scores.tolist() == second.scores.tolist()
        assert first.scores.tolist() == self._judged(self.passages()).scores.tolist()

    def test_an_earlier_collection_is_forgotten(self) -> None:
        """What was judged before has no part in a judgement."""
        made = self.make()
        self._judged(self.passages()[:3], made)
        again = self._judged(self.passages(), made)
        assert again.scores.tolist() == self._judged(self.passages()).scores.tolist()

    def test_one_passage(self) -> None:
        """A collection of one has a score too."""
        assert np.isfinite(self._judged(self.passages()[:1]).scores).all()

    def test_nothing_to_judge(self) -> None:
        """No passages, no scores."""
        assert self._judged([]).scores.shape == (0,)

    def _judged(self, passages: Sequence[Passage], pruner: Pruner | None = None) -> Quality:
        made = pruner or self.make()
        encoder = self.encoder() if made.needs_vectors else None
        return made.judge(MemoryCollection(passages, encoder))

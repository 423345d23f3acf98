"""What every reranker promises. That none is lost, the pipeline sees to: it moves the hits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rag.protocols import Reranker
from rag.testing.samples import DOCUMENTS, passages_of
from rag.types import Passage


class RerankerSuite:
    """Override `make`. `tolerance` is how far batches may move a score."""

    tolerance = 1e-4
    question = "When does the ferry leave?"

    def make(self) -> Reranker:
        """The reranker."""
        raise NotImplementedError

    def passages(self) -> Sequence[Passage]:
        """What is scored."""
        return [passage for document in DOCUMENTS for passage in passages_of(document)]

    def test_is_a_reranker(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Reranker)

    def test_one_score_for_each(self) -> None:
        """As many scores as passages, all of them numbers; none for none."""
        scores = self.make().score(self.question, self.passages())
        assert len(scores) == len(self.passages())
        assert all(math.isfinite(score) for score in scores)
        assert len(self.make().score(self.question, [])) == 0

    def test_scores_belong_to_their_passages(self) -> None:
        """In another order each passage has the score that it had."""
        reranker = self.make()
        forward = reranker.score(self.question, self.passages())
        backward = reranker.score(self.question, self.passages()[::-1])
        np.testing.assert_allclose(forward, list(backward)[::-1], atol=self.tolerance)

    def test_batches_do_not_matter(self) -> None:
        """A passage alone scores as it does among others."""
        reranker = self.make()
        together = reranker.score(self.question, self.passages())
        alone = [reranker.score(self.question, [passage])[0] for passage in self.passages()]
        np.testing.assert_allclose(together, alone, atol=self.tolerance)

    def test_scores_differ(self) -> None:
        """Passages are told apart."""
        assert len(set(self.make().score(self.question, self.passages()))) > 1

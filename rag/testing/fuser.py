"""What every fuser promises."""

from __future__ import annotations

from collections.abc import Sequence

from rag.protocols import Fuser
from rag.types import Hit, Passage


class FuserSuite:
    """Override `make`: a fuser that weighs all arms alike, or `symmetric = False`."""

    symmetric = True

    def make(self) -> Fuser:
        """The fuser, for two arms."""
        raise NotImplementedError

    def test_is_a_fuser(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Fuser)

    def test_every_passage_once(self) -> None:
        """The union of the arms, nothing lost, invented or repeated."""
        arms = _arms()
        fused = [passage.id for passage, _ in self.make().fuse(arms)]
        assert sorted(fused) == sorted({hit.passage.id for arm in arms for hit in arm})

    def test_scores_descend_and_ties_are_by_passage(self) -> None:
        """The order is that of score, then passage."""
        keys = [(-score, passage.order) for passage, score in self.make().fuse(_arms())]
        assert keys == sorted(keys)

    def test_order_within_an_arm_does_not_matter(self) -> None:
        """Hits are placed by their scores, not by where they stand."""
        fuser = self.make()
        turned = [list(reversed(arm)) for arm in _arms()]
        assert fuser.fuse(turned) == fuser.fuse(_arms())

    def test_order_of_arms_does_not_matter(self) -> None:
        """Arms of equal weight may change places."""
        if self.symmetric:
            fuser = self.make()
            assert fuser.fuse(_arms()[::-1]) == fuser.fuse(_arms())

    def test_best_in_both_is_best(self) -> None:
        """A passage that leads every arm leads the fusion."""
        lead = Hit(_passage("lead"), 99.0)
        fused = self.make().fuse([[lead, *arm] for arm in _arms()])
        assert fused[0][0].id == lead.passage.id

    def test_empty_arms(self) -> None:
        """An arm that found nothing changes nothing in the order; none at all give nothing."""
        fuser, arm = self.make(), _arms()[0]
        alone = [passage.id for passage, _ in fuser.fuse([arm, []])]
        assert alone[0] == arm[0].passage.id
        assert sorted(alone) == sorted(hit.passage.id for hit in arm)
        assert fuser.fuse([[], []]) == []


def _passage(name: str) -> Passage:
    return Passage(name, 0, 4, "text")


def _arms() -> Sequence[list[Hit]]:
    first = [("a", 9.0), ("b", 7.5), ("c", 7.5), ("d", 1.0)]
    second = [("c", 0.9), ("e", 0.7), ("a", 0.2), ("f", 0.2)]
    return [[Hit(_passage(name), score) for name, score in arm] for arm in (first, second)]

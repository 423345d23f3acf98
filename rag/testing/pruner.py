"""What every pruner promises."""

from __future__ import annotations

from collections.abc import Sequence

from rag.protocols import Pruner
from rag.testing.samples import DOCUMENTS, passages_of
from rag.types import Passage


class PrunerSuite:
    """Override `make`, and `keep_all` where the pruner can be told to keep everything."""

    def make(self) -> Pruner:
        """A pruner that drops some of `passages`."""
        raise NotImplementedError

    def keep_all(self) -> Pruner:
        """The same pruner with `keep: 1`, or whatever keeps everything."""
        raise NotImplementedError

    def passages(self) -> Sequence[Passage]:
        """What is judged: the passages of one document."""
        return passages_of(DOCUMENTS[0])

    def test_is_a_pruner(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Pruner)

    def test_every_drop_is_reported(self) -> None:
        """What is dropped is one of the passages, once, with a score and a reason."""
        passages = list(self.passages())
        dropped = self.make().prune(passages)
        assert dropped, "the pruner under test must drop something"
        names = [one.passage.id for one in dropped]
        assert len(names) == len(set(names))
        assert all(one.passage in passages for one in dropped)
        assert all(one.reason.strip() and one.score == one.score for one in dropped)

    def test_keeping_everything_changes_nothing(self) -> None:
        """With `keep: 1` nothing is dropped."""
        assert list(self.keep_all().prune(list(self.passages()))) == []

    def test_passages_are_left_alone(self) -> None:
        """The sequence given is not changed."""
        passages = list(self.passages())
        before = list(passages)
        self.make().prune(passages)
        assert passages == before

    def test_pruning_is_repeatable(self) -> None:
        """The same passages are judged the same."""
        first, second = (list(self.make().prune(list(self.passages()))) for _ in range(2))
        assert first == second

    def test_nothing_to_prune(self) -> None:
        """No passages, none dropped."""
        assert list(self.make().prune([])) == []

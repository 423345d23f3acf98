"""What every retriever promises."""

from __future__ import annotations

from rag.protocols import Retriever, View
from rag.testing.memory import MemoryView
from rag.types import Condition, Query


class RetrieverSuite:
    """Override `make`, and `view` to search something other than the sample documents."""

    question = "when does the ferry leave, and who lights the lamp at dusk"

    def make(self, k: int) -> Retriever:
        """The retriever, finding at most `k` passages."""
        raise NotImplementedError

    def view(self) -> View:
        """What is searched."""
        return MemoryView()

    def test_is_a_retriever(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(5), Retriever)

    def test_finds_something_once(self) -> None:
        """The question has passages, and none comes twice."""
        names = [p.id for p, _ in self.make(5).retrieve(Query(self.question), self.view())]
        assert names
        assert len(names) == len(set(names))

    def test_scores_descend_and_ties_are_by_passage(self) -> None:
        """The order is that of score, then passage."""
        found = self.make(50).retrieve(Query(self.question), self.view())
        keys = [(-score, passage.order) for passage, score in found]
        assert keys == sorted(keys)

    def test_at_most_k(self) -> None:
        """No more than `k`; fewer are the beginning of more."""
        view, query = self.view(), Query(self.question)
        more = [p.id for p, _ in self.make(4).retrieve(query, view)]
        fewer = [p.id for p, _ in self.make(2).retrieve(query, view)]
        assert len(more) <= 4
        assert fewer == more[:2]

    def test_filters_hold_before_the_cut(self) -> None:
        """Within any one document the best passages are found, however few `k` allows."""
        view = self.view()
        every = self.make(50).retrieve(Query(self.question), view)
        for name in {passage.document_id for passage, _ in every}:
            query = Query(self.question, (Condition("id", "=", name),))
            found = self.make(1).retrieve(query, view)
            best = next(passage for passage, _ in every if passage.document_id == name)
            assert [passage.id for passage, _ in found] == [best.id]

    def test_contradicting_filters_find_nothing(self) -> None:
        """No document, no passage, no error."""
        nothing = Query(self.question, (Condition("id", "=", "no such document"),))
        assert list(self.make(5).retrieve(nothing, self.view())) == []

    def test_is_repeatable(self) -> None:
        """The same question finds the same."""
        view, query = self.view(), Query(self.question)
        assert self.make(5).retrieve(query, view) == self.make(5).retrieve(query, view)

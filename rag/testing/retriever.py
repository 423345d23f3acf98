"""What every retriever promises."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from rag.protocols import Retriever, View
from rag.testing.memory import MemoryView
from rag.types import AllOf, AnyOf, Arms, Condition, Not, Query, Variant

_LED = Query(
    "who lights the lamp",
    variants=(Variant("dogs travel free", 0.3), Variant("oil in March", 0.7), Variant("dusk", 0.1)),
    hypotheses=(Variant("The keeper lights it.", 0.9), Variant("It is the ferry.", 0.2)),
)
_TURNED = replace(_LED, variants=_LED.variants[::-1], hypotheses=_LED.hypotheses[::-1])


class RetrieverSuite:
    """Override `make`, and `view` to search something other than the sample documents.

    `arm` is the one that the retriever is, where it is one.
    """

    arm: ClassVar[Literal["lexical", "dense"] | None] = None
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

    def test_filters_are_trees(self) -> None:
        """What any of several conditions allows is found, less what another one denies."""
        view = self.view()
        every = self.make(50).retrieve(Query(self.question), view)
        names = sorted({passage.document_id for passage, _ in every})
        several = AnyOf(tuple(Condition("id", "=", name) for name in names[:2]))
        tree = AllOf((several, Not(Condition("id", "=", names[0]))))
        found = self.make(50).retrieve(Query(self.question, (tree,)), view)
        expected = [passage.id for passage, _ in every if passage.document_id in names[1:2]]
        assert [passage.id for passage, _ in found] == expected

    def test_order_of_additions_does_not_matter(self) -> None:
        """Variants and hypotheses weigh what they weigh, in whatever order they came."""
        view = self.view()
        found = [self.make(50).retrieve(query, view) for query in (_LED, _TURNED)]
        assert found[0] == found[1]
        names = [passage.id for passage, _ in found[0]]
        assert len(names) == len(set(names))

    def test_at_most_k_with_additions(self) -> None:
        """However many texts are searched for."""
        assert len(self.make(2).retrieve(_LED, self.view())) <= 2

    def test_variants_for_another_arm_change_nothing(self) -> None:
        """What is not meant for this arm is not read; a retriever of no arm has no such law."""
        if self.arm is None:
            return
        other: Arms = "dense" if self.arm == "lexical" else "lexical"
        plain = Query("who lights the lamp")
        led = replace(plain, variants=(Variant("dogs travel free", 5.0, arms=other),))
        view = self.view()
        assert self.make(50).retrieve(led, view) == self.make(50).retrieve(plain, view)

    def test_contradicting_filters_find_nothing(self) -> None:
        """No document, no passage, no error."""
        nothing = Query(self.question, (Condition("id", "=", "no such document"),))
        assert list(self.make(5).retrieve(nothing, self.view())) == []

    def test_is_repeatable(self) -> None:
        """The same question finds the same."""
        view, query = self.view(), Query(self.question)
        assert self.make(5).retrieve(query, view) == self.make(5).retrieve(query, view)

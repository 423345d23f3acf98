"""What every rewriter promises."""

from __future__ import annotations

from collections.abc import Sequence

from rag.protocols import Rewriter, View
from rag.testing.memory import MemoryView
from rag.types import Condition, Query, Turn, Variant


class RewriterSuite:
    """Override `make`."""

    def make(self) -> Rewriter:
        """The rewriter."""
        raise NotImplementedError

    def view(self) -> View:
        """The index that is searched."""
        return MemoryView()

    def queries(self) -> Sequence[Query]:
        """What is rewritten."""
        history = (Turn("user", "Where is the ferry?"), Turn("assistant", "At the pier."))
        return (
            Query("when does it leave", history=history),
            Query("oil price", filters=(Condition("year", "=", 2010),)),
            Query("lamp", variants=(Variant("light", 0.5),), hypotheses=(Variant("A lamp."),)),
        )

    def test_is_a_rewriter(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Rewriter)

    def test_the_original_is_kept(self) -> None:
        """Text, filters and history stay; variants and hypotheses are only added to."""
        for query in self.queries():
            rewritten = self.make().rewrite(query, self.view())
            assert rewritten.text == query.text
            assert rewritten.filters == query.filters
            assert rewritten.history == query.history
            assert set(query.variants) <= set(rewritten.variants)
            assert set(query.hypotheses) <= set(rewritten.hypotheses)
            assert all(one in rewritten.examples for one in query.examples)

    def test_something_is_added(self) -> None:
        """At least one of the queries gets an addition."""
        rewritten = [self.make().rewrite(query, self.view()) for query in self.queries()]
        assert any(new != old for new, old in zip(rewritten, self.queries(), strict=True))

    def test_additions_are_worth_searching(self) -> None:
        """Every addition has text and a positive weight."""
        for query in self.queries():
            rewritten = self.make().rewrite(query, self.view())
            for one in (*rewritten.variants, *rewritten.hypotheses):
                assert one.text.strip()
                assert one.weight > 0
            assert all(one.weight > 0 for one in rewritten.examples)

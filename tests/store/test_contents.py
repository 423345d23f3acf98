"""Terms of passages that are kept for the next question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.store.contents import Contents

WORDS = st.lists(st.sampled_from(["lamp", "lamps", "oil", "la", "ü", "灯台"]), max_size=8)


@given(texts=st.lists(WORDS, max_size=6), terms=st.lists(st.sampled_from(["lamp", "oil", "灯台"])))
def test_counts_are_those_of_the_text(texts: list[list[str]], terms: list[str]) -> None:
    contents = Contents()
    read: list[int] = []

    def text(position: int) -> str:
        read.append(position)
        return f" {'  '.join(texts[position])} "

    for _ in range(2):
        found = contents.counts(terms, range(len(texts)), text)
        assert found.terms.tolist() == [[some.count(one) for some in texts] for one in terms]
        assert found.lengths.tolist() == [len(some) for some in texts]
    assert read == list(range(len(texts))), "each is read once"


def test_no_more_is_kept_than_may_be() -> None:
    contents = Contents(kept=2_000)
    for row in range(100):
        contents.counts(["lamp"], [row], lambda _: "lamp oil " * 10)
    assert 0 < len(contents._known) < 15

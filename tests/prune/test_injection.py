"""What benchmarks inject: all kinds, no two alike, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.corpus import Corpus
from benchmarks.injection import EXACT, KINDS, NOISE, SAME, Injected, inject, judged_as
from rag.types import Document

DOCUMENTS = [
    Document(f"{at}", f"{at}.txt", text, f"Title {at}")
    for at, text in enumerate(Corpus(3_000).passages(330, 120))
]


@pytest.fixture(scope="module")
def injected() -> list[Injected]:
    return inject(DOCUMENTS, 0.25, 7)


def test_the_share_is_of_the_whole(injected: list[Injected]) -> None:
    assert len(injected) / (len(injected) + len(DOCUMENTS)) == pytest.approx(0.25, abs=0.002)
    assert inject(DOCUMENTS, 0, 7) == []
    with pytest.raises(ValueError, match="less than 1"):
        inject(DOCUMENTS, 1, 7)


def test_every_kind_in_equal_parts(injected: list[Injected]) -> None:
    counts = Counter(one.kind for one in injected)
    assert set(counts) == set(KINDS)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(KINDS) >= 6


def test_kinds_may_be_left_out() -> None:
    chosen = [kind for kind in KINDS if kind not in NOISE]
    assert len(chosen) == len(KINDS) - 2
    assert {one.kind for one in inject(DOCUMENTS, 0.25, 7, kinds=chosen)} == set(chosen)


def test_no_two_are_the_same(injected: list[Injected]) -> None:
    texts = Counter(one.document.text for one in injected if one.kind != EXACT)
    assert sum(texts.values()) - len(texts) <= len(injected) // 50
    assert all(one.document.text.strip() for one in injected)
    assert not any("{" in one.document.text for one in injected if not one.of)


def test_the_seed_decides() -> None:
    assert inject(DOCUMENTS, 0.2, 1) == inject(DOCUMENTS, 0.2, 1)
    assert inject(DOCUMENTS, 0.2, 1) != inject(DOCUMENTS, 0.2, 2)


def test_ids_sort_after_or_before(injected: list[Injected]) -> None:
    own = {document.id for document in DOCUMENTS}
    assert min(one.document.id for one in injected) > max(own)
    first = inject(DOCUMENTS, 0.25, 7, first=True)
    assert max(one.document.id for one in first) < min(own)
    assert [one.document.text for one in first] == [one.document.text for one in injected]
    with pytest.raises(ValueError, match="does not sort"):
        inject([Document("\U0001f600", "", "text")], 0.5, 0)


def test_copies_know_their_originals(injected: list[Injected]) -> None:
    texts = {document.id: document.text for document in DOCUMENTS}
    judged = judged_as(injected)
    for one in injected:
        assert (one.document.id in judged) == (one.kind in SAME)
        if one.kind == EXACT:
            assert one.document.text.split() == texts[one.of].split()

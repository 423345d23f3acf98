"""The stage that grows hits: order, scores and documents stay."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from expanding_documents import passage_of, sectioned

from rag.errors import IndexDamagedError
from rag.expand.parent import ParentExpander
from rag.expand.window import WindowExpander
from rag.stages.expand import ExpandStage
from rag.testing import MemoryView
from rag.types import Document, Hit, Query, Ranking, StageScore

BOATS = sectioned()
OTHER = Document("other", "other.txt", "Nothing here. The ferry is late. Nothing there.")
VIEW = MemoryView((BOATS, OTHER))


def ranking(*found: tuple[Document, str]) -> Ranking:
    hits = []
    for rank, (document, words) in enumerate(found, 1):
        stages = MappingProxyType({"bm25": StageScore(rank, 9.0 - rank)})
        page = 1 if document is BOATS else None
        hits.append(Hit(passage_of(document, words, page), 9.0 - rank, stages))
    return Ranking(Query("?"), tuple(hits))


def test_passages_grow_and_keep_their_scores() -> None:
    before = ranking((BOATS, "Dogs travel free."), (OTHER, "The ferry is late."))
    after = ExpandStage("window", WindowExpander(sentences=1))(before, VIEW)
    assert [hit.passage.text for hit in after.hits] == [
        "The ferry leaves at nine. Dogs travel free. Cats pay.", OTHER.text,
    ]  # fmt: skip
    for old, new in zip(before.hits, after.hits, strict=True):
        document = BOATS if old.passage.document_id == BOATS.id else OTHER
        assert (new.score, new.stages) == (old.score, old.stages)
        assert new.found == (old.passage,)
        assert new.passage.page == old.passage.page
        assert document.text[new.passage.start : new.passage.end] == new.passage.text


def test_hits_that_then_overlap_become_the_best_of_them() -> None:
    before = ranking(
        (BOATS, "Cats pay."), (OTHER, "The ferry is late."), (BOATS, "The ferry leaves at nine."),
        (BOATS, "It is small."),
    )  # fmt: skip
    after = ExpandStage("window", WindowExpander(sentences=1))(before, VIEW)
    assert [hit.passage.document_id for hit in after.hits] == ["boats", "other", "boats"]
    first = after.hits[0]
    assert first.passage.text.startswith("Ferries") and first.passage.text.endswith("Cats pay.")
    assert (first.score, first.stages) == (before.hits[0].score, before.hits[0].stages)
    assert first.found == (before.hits[0].passage, before.hits[2].passage)
    assert after.hits[2].passage.text == "A tug pulls ships. It is small."


def test_headings_and_place_are_those_of_the_new_span() -> None:
    before = ranking((BOATS, "Dogs travel free."))
    (hit,) = ExpandStage("parent", ParentExpander(max_words=100))(before, VIEW).hits
    assert hit.passage.headings == ("Boats",)
    assert (hit.passage.page, hit.passage.source) == (1, "boats.pdf")


def test_a_second_expansion_remembers_what_was_retrieved() -> None:
    before = ranking((BOATS, "Cats pay."), (BOATS, "It is small."))
    once = ExpandStage("window", WindowExpander(sentences=1))(before, VIEW)
    (hit,) = ExpandStage("parent", ParentExpander(max_words=100))(once, VIEW).hits
    assert hit.found == tuple(one.passage for one in before.hits)


def test_no_hits() -> None:
    empty = Ranking(Query("?"))
    assert ExpandStage("window", WindowExpander())(empty, VIEW) == empty


def test_document_that_is_not_there_is_damage() -> None:
    with pytest.raises(IndexDamagedError, match=r"'other'.*rag verify"):
        ExpandStage("window", WindowExpander())(ranking((OTHER, "The ferry")), MemoryView((BOATS,)))

"""Passages that are read when somebody looks at them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from embedded import Embedded, one_passage, whole

from rag.errors import IndexDamagedError
from rag.found import FoundPassage, Place, read
from rag.fuse.convex import ConvexFuser
from rag.pipeline import rankings, run
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.stages.cut import CutStage
from rag.stages.retrieve import RetrieveStage
from rag.types import Passage, Query, Variant

KEPT = Passage("d", 3, 6, "abc", "d.txt", "D", 2, ("top",), {"year": 1990}, "context", "slide 1")


class Source:
    """Gives passages, and remembers what it was asked for."""

    def __init__(self, passage: Passage = KEPT) -> None:
        self.asked: list[list[int]] = []
        self._passage = passage

    def passage(self, row: int) -> FoundPassage:
        return FoundPassage.at(row, self)

    def read(self, rows: Sequence[int]) -> dict[int, Passage]:
        self.asked.append(list(rows))
        return dict.fromkeys(rows, self._passage)

    def places(self, rows: Sequence[int]) -> list[Place]:
        return [self._passage.order] * len(rows)


def test_where_it_stands_is_known_without_reading() -> None:
    source = Source()
    found = FoundPassage.at(7, source)
    assert (found.order, found.id) == (KEPT.order, KEPT.id)
    assert (found.document_id, found.start, found.end) == KEPT.order
    assert source.asked == []
    assert found.text == "abc"
    assert (found.metadata, found.place, found.indexed) == ({"year": 1990}, "slide 1", KEPT.indexed)
    assert source.asked == [[7]]
    with pytest.raises(AttributeError):
        _ = found.colour


def test_it_equals_what_it_stands_for() -> None:
    found = FoundPassage.at(7, Source())
    assert found == KEPT
    assert found == KEPT
    assert found in [KEPT]
    assert found == FoundPassage.at(8, Source())
    assert found != replace(KEPT, text="abd")
    assert found != "abc"


def test_copies_are_passages_like_any_other() -> None:
    copied = replace(FoundPassage.at(7, Source()), start=4)
    assert type(copied) is Passage
    assert copied == replace(KEPT, start=4)
    plain = replace(KEPT, metadata={})
    again = pickle.loads(pickle.dumps(FoundPassage.at(7, Source(plain))))
    assert type(again) is Passage
    assert again == plain


def test_many_are_read_at_once() -> None:
    source = Source()
    some = [FoundPassage.at(row, source) for row in range(3)]
    _ = some[1].text
    read([*some, KEPT])
    read(some)
    assert source.asked == [[1], [0, 2]]


@pytest.fixture
def index(tmp_path: Path) -> Embedded:
    made = Embedded(tmp_path / "index")
    made.put(*(whole(f"d{n:02}", f"the keeper lights lamp number {n} " * 3) for n in range(30)))
    return made


STAGES = (
    RetrieveStage(
        [("bm25", Bm25Retriever(k=20)), ("dense", DenseRetriever(k=20))],
        ("convex", ConvexFuser()),
    ),
    CutStage(5),
)


def test_what_is_cut_is_counted_and_not_made(index: Embedded) -> None:
    with index.view() as view:
        short = run(STAGES, Query("which lamp is number 7"), view)
        (retrieved, cut) = rankings(STAGES, Query("which lamp is number 7"), view)
        assert short.hits == cut.hits == retrieved.hits[:5]
        assert [list(hit.stages) for hit in short.hits] == [list(hit.stages) for hit in cut.hits]
        assert [step.hits for step in short.steps] == [len(retrieved.hits), 5]
        assert len(retrieved.hits) > 20
    index.close()


def test_what_is_left_is_read_before_the_view_closes(index: Embedded) -> None:
    with index.view() as view:
        hits = run(STAGES, Query("which lamp is number 7"), view).hits
    index.put(*(whole(f"d{n:02}", "gone") for n in range(30)))
    assert [hit.passage.text[:10] for hit in hits] == ["the keeper"] * 5
    index.close()


def test_what_was_kept_unread_is_read_later(index: Embedded) -> None:
    with index.view() as view:
        found = view.lexical([Variant("lamp")], 30)
    assert found[0][0].text.startswith("the keeper")
    index.commit([one_passage(whole("d00", "changed"))], [f"d{n:02}" for n in range(1, 30)])
    with pytest.raises(IndexDamagedError, match="removed from the index after it was found"):
        _ = found[1][0].text
    assert found[1][0].id.startswith("d"), "they tied, and where they stood was asked"
    index.close()

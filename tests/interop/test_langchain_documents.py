"""Passages as documents of LangChain, and back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from rag.interop.langchain.documents import as_document, as_passage
from rag.types import Hit, Passage, StageScore

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
passages = st.builds(
    Passage,
    document_id=texts,
    start=st.integers(0, 99),
    end=st.integers(100, 999),
    text=texts,
    source=texts,
    title=texts,
    page=st.none() | st.integers(1, 9),
    headings=st.lists(texts, max_size=3).map(tuple),
    metadata=st.dictionaries(texts, texts | st.integers() | st.booleans(), max_size=3),
    context=texts,
    place=texts,
)


@given(passages)
def test_what_a_reranker_reads_comes_back(passage: Passage) -> None:
    back = as_passage(3, as_document(1, Hit(passage, 0.5)))
    assert (back.id, back.text, back.indexed) == (passage.id, passage.text, passage.indexed)


@given(passages, st.floats(allow_nan=False, allow_infinity=False))
def test_metadata_are_plain_data_and_tell_all(passage: Passage, score: float) -> None:
    document = as_document(2, Hit(passage, score, {"bm25": StageScore(1, score)}))
    assert json.loads(json.dumps(document.metadata)) == document.metadata
    expected = {
        "rank": 2, "score": score, "document": passage.document_id, "source": passage.source,
        "title": passage.title, "start": passage.start, "end": passage.end, "page": passage.page,
        "place": passage.place, "headings": list(passage.headings), "context": passage.context,
        "stages": {"bm25": {"rank": 1, "score": score}},
    }  # fmt: skip
    assert document.metadata == {**passage.metadata, **expected}
    assert (document.id, document.page_content) == (passage.id, passage.text)


def test_what_another_wrote_into_its_metadata_is_not_taken_for_ours() -> None:
    metadata = {"document": 5, "start": "x", "end": None, "context": "not ours"}
    for name in (None, "5", "5#1-2"):
        passage = as_passage(7, Document(page_content="Gulls.", id=name, metadata=metadata))
        assert passage == Passage(name or "7", 0, 6, "Gulls.")

"""Explanations: what each stage made of a question, and what became of a document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import Rag
from rag.explaining import Explanation
from rag.testing import HashingEncoder

PIPELINE = """\
name: told
index:
  chunk: {use: fixed, max_tokens: 12, context: none}
  prune: {use: length, keep: 0.8}
  encode: {use: sentence-transformers}
  lexical: {use: bm25, language: en}
query:
  - retrieve: {of: [{use: bm25, k: 3}, {use: dense, k: 3}]}
  - cut: {k: 2}
"""
TEXTS = {
    "ferry.txt": "The ferry leaves at nine in the morning from the old pier.\n\n"
    "Dogs travel free on every sailing of the whole summer season.\n\n"
    "Cats pay half of what their owners pay for a ticket.\n\n",
    "lamp.txt": "The keeper lights the lamp of the lighthouse every day at dusk.\n\n",
    "oil.txt": "Oil is delivered to the harbour on the first Monday of March.\n\n" + "Hm.",
}


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    folder = tmp_path_factory.mktemp("explained")
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / "told.yaml").write_text(PIPELINE)
    place = folder / ".rag"
    with_words = str(folder / "told.yaml")
    made = Rag.open(place, pipeline=with_words, encoder=HashingEncoder(), workers=0)
    made.index(*(folder / name for name in TEXTS), folder / "broken.pdf")
    yield made
    made.close()


def told(rag: Rag, question: str, expect: str) -> tuple[Explanation, list[str]]:
    found = rag.explain(question, expect)
    (document,) = found.expected
    return found, [fate.outcome for fate in document.fates]


def test_every_step_keeps_its_ranking(rag: Rag) -> None:
    found = rag.explain("when does the ferry leave")
    assert [name for name, _ in found.steps] == ["retrieve", "cut"]
    assert found.ranking.hits == rag.search("when does the ferry leave").hits
    assert [step.stage for step in found.ranking.steps] == ["retrieve", "cut"]
    assert [step.hits for step in found.ranking.steps] == [len(one.hits) for _, one in found.steps]
    assert found.ranking.hits == found.steps[0][1].hits[:2]
    assert found.expected == ()


def test_fates_of_passages(rag: Rag) -> None:
    found, outcomes = told(rag, "ferry leaves at nine from the old pier", "ferry.txt")
    assert outcomes[0] == "found"
    first, *others = found.expected[0].fates
    assert (first.rank, first.why) == (1, "found at rank 1")
    assert first.stages == found.ranking.hits[0].stages
    assert "not retrieved" in {fate.outcome for fate in others}
    missed = next(fate for fate in others if fate.outcome == "not retrieved")
    below = {one.arm: one.rank for one in missed.depths}
    assert below["dense"] is not None and below["dense"] > 3
    stands = "no match at all" if below["bm25"] is None else f"at {below['bm25']}"
    assert missed.why == (
        f"not among the 3 of 'bm25' ({stands}) or the 3 of 'dense' (at {below['dense']})"
    )
    assert missed.as_dict()["rank"] is None


def test_left_out_by_a_later_stage(rag: Rag) -> None:
    question = "dogs travel free on every sailing and the keeper lights the lamp at dusk"
    steps = rag.explain(question).steps
    gone = steps[0][1].hits[2]
    found = rag.explain(question, gone.passage.document_id)
    (fate,) = [one for one in found.expected[0].fates if one.passage.id == gone.passage.id]
    assert (fate.outcome, fate.rank) == ("left out", 3)
    assert fate.why == "at rank 3 until 'cut', which keeps 2"
    assert fate.stages == gone.stages


def test_pruned_with_score_and_reason(rag: Rag) -> None:
    (dropped,) = rag.pruned()
    found, outcomes = told(rag, "hm", dropped.passage.source)
    assert outcomes.count("pruned") == 1
    (fate,) = [one for one in found.expected[0].fates if one.outcome == "pruned"]
    assert fate.dropped == dropped
    assert fate.why == f"pruned: {dropped.reason} ({dropped.score:.3f})"
    assert fate.as_dict()["reason"] == dropped.reason


def test_document_that_could_not_be_read(rag: Rag) -> None:
    (document,) = rag.explain("ferry", "broken.pdf").expected
    assert (document.document, document.fates) == (None, ())
    assert document.error == rag.failures()[0].error


def test_document_that_is_not_indexed(rag: Rag) -> None:
    (document,) = rag.explain("ferry", "nowhere.txt").expected
    assert (document.source, document.document, document.error) == ("nowhere.txt", None, "")
    assert document.as_dict()["error"] is None
    (near,) = rag.explain("ferry", "fery.txt").expected
    assert any(source.endswith("ferry.txt") for source in near.near)


def test_several_documents_may_fit(rag: Rag) -> None:
    found = rag.explain("ferry", "*.txt")
    assert [one.source for one in found.expected] == sorted(TEXTS)


def test_passages_that_were_grown_are_found(rag: Rag, tmp_path: Path) -> None:
    text = PIPELINE.replace("- cut: {k: 2}", "- expand: {use: parent}\n  - cut: {k: 2}")
    (tmp_path / "grown.yaml").write_text(text)
    pipeline = str(tmp_path / "grown.yaml")
    other = Rag.open(rag.folder, pipeline=pipeline, encoder=HashingEncoder(), workers=0)
    found, outcomes = told(other, "ferry leaves nine dogs travel free sailing", "ferry.txt")
    other.close()
    assert [name for name, _ in found.steps] == ["retrieve", "expand", "cut"]
    assert outcomes.count("found") == len(found.ranking.hits[0].found) == 2
    assert found.ranking.hits[0].passage.text == TEXTS["ferry.txt"].strip()
    retrieved = {hit.passage.id: hit.stages for hit in found.steps[0][1].hits}
    for fate in found.expected[0].fates:
        assert dict(fate.stages) == dict(retrieved.get(fate.passage.id, {}))

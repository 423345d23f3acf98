"""The facade that backends embed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rag import AllOf, Condition, Not, Query, Rag, RagError
from rag.connectors.files import FilesConnector
from rag.errors import (
    DocumentError,
    IndexBusyError,
    IndexMismatchError,
    NoIndexError,
    PipelineError,
    RequestError,
    SourceError,
)
from rag.filters import Filters
from rag.indexing import Progress
from rag.protocols import Vectors
from rag.testing import HashingEncoder
from rag.types import Document, Failure, Item

TEXTS = {
    "ferry.txt": "The ferry leaves at nine. Dogs travel free.",
    "lamp.txt": "The keeper lights the lamp at dusk.",
    "oil.txt": "Oil is delivered on the first Monday of March.",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    return tmp_path


def opened(place: Path, *overrides: str, pipeline: str | None = "hybrid") -> Rag:
    return Rag.open(
        place / ".rag", pipeline=pipeline, overrides=overrides, encoder=HashingEncoder()
    )


@pytest.fixture
def rag(place: Path) -> Iterator[Rag]:
    made = opened(place)
    made.index(place / "documents")
    yield made
    made.close()


def counts(rag: Rag, place: Path, *, rebuild: bool = False) -> dict[str, object]:
    report = rag.index(place / "documents", rebuild=rebuild).as_dict()
    wanted = ("added", "changed", "removed", "unchanged", "documents")
    return {name: report[name] for name in wanted if report[name]}


def test_index_says_what_it_did(place: Path) -> None:
    rag = opened(place)
    assert not rag.exists
    assert counts(rag, place) == {"added": 3, "documents": 3}
    assert counts(rag, place) == {"unchanged": 3, "documents": 3}
    (place / "documents" / "ferry.txt").write_text("The train leaves at ten.")
    (place / "documents" / "oil.txt").unlink()
    (place / "documents" / "new.txt").write_text("Gulls at the harbour.")
    expected = {"added": 1, "changed": 1, "removed": 1, "unchanged": 1, "documents": 3}
    assert counts(rag, place) == expected
    assert rag.verify() == []
    assert rag.search("train").hits[0].passage.source.endswith("ferry.txt")
    rag.close()


def test_touched_files_are_unchanged(rag: Rag, place: Path) -> None:
    path = place / "documents" / "oil.txt"
    path.write_text(path.read_text())
    assert counts(rag, place) == {"unchanged": 3, "documents": 3}


def test_documents_of_other_sources_stay(rag: Rag, place: Path) -> None:
    (place / "more").mkdir()
    (place / "more" / "gull.txt").write_text("Gulls at the harbour.")
    report = rag.index(place / "more")
    assert (report.added, report.removed, report.documents) == (1, 0, 4)


def test_failures_are_reported_and_forgotten(rag: Rag, place: Path) -> None:
    bad = place / "documents" / "bad.txt"
    bad.write_text("")
    (failure,) = rag.index(place / "documents").failed
    assert (failure.source, failure.error) == ("documents/bad.txt", "is empty")
    assert rag.failures() == [failure]
    assert rag.index(place / "documents").failed == [failure]
    bad.unlink()
    assert rag.index(place / "documents").failed == []
    assert rag.failures() == []


def test_unreadable_version_leaves_the_former_one(rag: Rag, place: Path) -> None:
    (place / "documents" / "ferry.txt").write_text("")
    report = rag.index(place / "documents")
    assert (len(report.failed), report.removed, report.documents) == (1, 0, 3)
    assert "nine" in rag.search("ferry").hits[0].passage.text


class Given:
    """A source of documents held in memory."""

    def __init__(self, *documents: Document) -> None:
        self.documents = documents

    def items(self) -> Iterator[Item | Failure]:
        for one in self.documents:
            yield Item(one.id, one.source, one.content_hash, lambda one=one: self._load(one))  # type: ignore[misc]

    def covers(self, source: str) -> bool:
        return True

    def _load(self, document: Document) -> Document:
        if not document.text:
            raise DocumentError("is empty")
        return document


def test_any_connector_is_taken(place: Path) -> None:
    rag = opened(place)
    documents = (
        Document("1", "mail:1", "A gull at the harbour."),
        Document("2", "mail:2", ""),
        Document("1", "mail:3", "The same id again."),
        Document("4", "mail:4", "half of a pair: \ud83d"),
        Document("5", "mail:5", "Fog and tide."),
    )
    report = rag.index(Given(*documents))
    assert report.added == 2
    assert [failure.source for failure in report.failed] == ["mail:2", "mail:3", "mail:4"]
    assert report.failed[1].error == "another document has the same id '1'"
    assert "half of a surrogate pair in its text, at character 16" in report.failed[2].error
    assert rag.index(Given(documents[4])).removed == 1
    assert rag.verify() == []
    rag.close()


def test_progress_is_told(place: Path) -> None:
    seen: list[Progress] = []
    rag = opened(place)
    rag.index(place / "documents", progress=seen.append)
    assert (seen[-1].looked_at, seen[-1].working) == (3, 3)
    assert seen[-1].encoded == seen[-1].passages == 3
    rag.close()


def test_search_shows_what_each_stage_said(rag: Rag) -> None:
    ranking = rag.search("when does the ferry leave")
    assert ranking.query.text == "when does the ferry leave"
    best = ranking.hits[0]
    assert best.passage.source == "documents/ferry.txt"
    assert {"bm25", "dense", "convex"} == best.stages.keys()


def test_filters(rag: Rag) -> None:
    only = [Condition("source", "~", "lamp")]
    tree = AllOf((*only, Not(Condition("id", "=", "x"))))
    asked: tuple[Filters, ...] = ("source ~ lamp", tree, [*only, "not id in (x, y)"], only)
    for ranking in (
        *(rag.search("ferry", filters) for filters in asked),
        rag.search(Query("ferry", tuple(only))),
    ):
        assert {hit.passage.source for hit in ranking.hits} == {"documents/lamp.txt"}
    assert rag.search("ferry", [Condition("format", "=", "pdf")]).hits == ()
    assert rag.ask("when does the ferry leave?", filters=only).abstained
    for ask in (rag.search, rag.ask, rag.explain):
        with pytest.raises(RequestError, match="no document has a field 'yaer'"):
            ask("ferry", filters="yaer=2024")


def test_answers_quote_their_documents(rag: Rag) -> None:
    answer = rag.ask("When does the ferry leave?")
    assert not answer.abstained
    for citation in answer.citations:
        document, _, _ = rag.inspect(citation.document_id)
        assert document.text[citation.start : citation.end] == citation.quote
    assert "nine" in answer.text
    assert answer.seconds >= 0


@pytest.mark.parametrize("question", ["", " \n\t "])
def test_empty_questions_are_refused(rag: Rag, question: str) -> None:
    for asked in (rag.search, rag.ask):
        with pytest.raises(RequestError, match="the question is empty"):
            asked(question)


def test_huge_questions_are_refused(rag: Rag) -> None:
    with pytest.raises(RequestError, match="102,400 characters; up to 20,000"):
        rag.search("x" * 102_400)
    assert rag.search("ferry " * 3_000).hits


def test_half_a_pair_in_a_question_is_replaced(rag: Rag) -> None:
    ranking = rag.search("ferry \ud83d \udc00")
    assert ranking.query.text == "ferry ? ?"
    assert ranking.hits


@pytest.mark.parametrize("question", ["!?", "\x00", "the of and", "zzzz", "🚢" * 50, "東京"])
def test_questions_without_known_words(rag: Rag, question: str) -> None:
    assert len(rag.search(question).hits) <= 8


def test_inspect(rag: Rag) -> None:
    for name in ("documents/oil.txt",):
        document, passages, dropped = rag.inspect(name)
        assert document.text == TEXTS["oil.txt"]
        assert [passage.text for passage in passages] == [TEXTS["oil.txt"]]
        assert dropped == []
    with pytest.raises(RequestError, match=r"no document 'oil' .* did you mean documents/oil.txt"):
        rag.inspect("oil")


def test_status(rag: Rag) -> None:
    status = rag.status()
    assert (status["documents"], status["passages"], status["pruned"]) == (3, 3, 0)
    assert status["bytes"] > 0
    assert status["runs"][0]["added"] == 3


def test_no_index(place: Path) -> None:
    rag = opened(place)
    for call in (lambda: rag.search("x"), lambda: rag.ask("x"), rag.status, rag.verify):
        with pytest.raises(NoIndexError, match=r"no index in '.*': run 'rag index FOLDER' first"):
            call()
    assert not (place / ".rag").exists()


def test_missing_source(place: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        opened(place).index(place / "nowhere")
    with pytest.raises(RequestError, match="nothing to index"):
        opened(place).index()
    assert not (place / ".rag").exists()


def test_recorded_pipeline_is_used(rag: Rag, place: Path) -> None:
    other = opened(place, "query.cut.k=1", "index.chunk.max_tokens=16")
    other.index(place / "documents", rebuild=True)
    other.close()
    again = opened(place, pipeline=None)
    assert again.pipeline == other.pipeline
    assert len(again.search("ferry lamp oil").hits) == 1
    assert len(opened(place, "query.cut.k=2", pipeline=None).search("ferry lamp oil").hits) == 2
    again.close()


def test_other_index_part_is_refused(rag: Rag, place: Path) -> None:
    other = opened(place, "index.chunk.max_tokens=16")
    for call in (lambda: other.search("ferry"), lambda: other.index(place / "documents")):
        with pytest.raises(IndexMismatchError, match=r"max_tokens.*rag index --rebuild"):
            call()
    assert counts(other, place, rebuild=True) == {"added": 3, "documents": 3}
    assert other.search("ferry").hits
    with pytest.raises(IndexMismatchError):
        rag.search("ferry")
    other.close()


def test_an_index_without_documents_binds_nobody(place: Path) -> None:
    (place / "empty").mkdir()
    first = opened(place)
    assert first.index(place / "empty").documents == 0
    other = opened(place, "index.chunk.max_tokens=16")
    assert other.index(place / "documents").added == 3
    assert other.search("ferry").hits
    assert other.verify() == []
    with pytest.raises(IndexMismatchError):
        first.index(place / "documents")
    first.close()
    other.close()


def test_other_encoder_is_refused(rag: Rag, place: Path) -> None:
    other = Rag.open(place / ".rag", encoder=HashingEncoder(dimension=8))
    with pytest.raises(IndexMismatchError, match="another encoder"):
        other.index(place / "documents")
    assert other.index(place / "documents", rebuild=True).added == 3
    assert other.verify() == []
    other.close()


def test_rebuild_forgets_other_sources(rag: Rag, place: Path) -> None:
    (place / "more").mkdir()
    (place / "more" / "gull.txt").write_text("Gulls at the harbour.")
    report = rag.index(place / "more", rebuild=True)
    assert (report.added, report.documents) == (1, 1)
    assert rag.verify() == []


def test_lexical_index_needs_no_encoder(place: Path) -> None:
    rag = Rag.open(place / ".rag", pipeline="bm25")
    assert rag.encoder is None
    rag.index(place / "documents")
    assert [hit.passage.source for hit in rag.search("ferry").hits] == ["documents/ferry.txt"]
    assert rag.verify() == []
    rag.close()


def test_search_structures_can_be_repaired(rag: Rag, place: Path) -> None:
    rag.close()
    for lexical in (place / ".rag" / "generations").glob("*/lexical"):
        shutil.rmtree(lexical)
    fresh = opened(place, pipeline=None)
    with pytest.raises(RagError, match="run 'rag repair'"):
        fresh.search("ferry")
    assert fresh.verify() != []
    fresh.repair()
    assert fresh.verify() == []
    assert fresh.search("ferry").hits
    fresh.close()


def test_documents_whose_vectors_are_lost_are_indexed_again(rag: Rag, place: Path) -> None:
    before = rag.search("ferry").hits
    rag.close()
    shutil.rmtree(place / ".rag" / "generations")
    fresh = opened(place, pipeline=None)
    told = fresh.repair()
    assert "documents without vectors were set aside" in told[0]
    assert fresh.verify() == []
    assert fresh.search("ferry").hits == ()
    fresh.index(place / "documents")
    assert fresh.search("ferry").hits == before
    fresh.close()


def test_one_writer_at_a_time(rag: Rag, place: Path) -> None:
    with rag._store.writing(), pytest.raises(IndexBusyError, match="wait for it to finish"):
        opened(place).index(place / "documents")


def test_faulty_pipeline(place: Path) -> None:
    with pytest.raises(PipelineError, match="max_tokens"):
        opened(place, "index.chunk.max_tokens=many")


def test_equal_texts_are_encoded_once(place: Path) -> None:
    encoded: list[str] = []

    class Counting(HashingEncoder):
        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            encoded.extend(texts)
            return super().encode_passages(texts)

    encoder = Counting()
    rag = Rag.open(place / ".rag", pipeline="hybrid", encoder=encoder)
    same = [Document(str(n), f"mail:{n}", "The very same words.") for n in range(5)]
    rag.index(Given(*same))
    assert encoded == ["The very same words."]
    rag.index(Given(*same, replace(same[0], id="6", source="mail:6")))
    assert len(encoded) == 1
    assert len(rag.search("same words").hits) == 6
    rag.close()


def test_inspect_takes_the_end_of_a_source_that_is_the_only_one(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / "docs" / folder).mkdir(parents=True)
        (tmp_path / "docs" / folder / "same.txt").write_text("The lamp is lit.")
    (tmp_path / "docs" / "b" / "only.txt").write_text("The ferry sails.")
    rag = Rag.open(tmp_path / ".rag", pipeline="bm25")
    rag.index(tmp_path / "docs")
    assert rag.inspect("only.txt")[0].text == "The ferry sails."
    assert rag.inspect("b/same.txt")[0].source.endswith("docs/b/same.txt")
    with pytest.raises(RequestError, match=r"no document 'same.txt'.*did you mean"):
        rag.inspect("same.txt")
    rag.close()


def test_a_source_that_is_listed_as_unreadable_keeps_its_last_version(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "lamp.txt").write_text("The lamp is lit at dusk.")
    rag = Rag.open(tmp_path / ".rag", pipeline="bm25")
    rag.index(docs)
    refused = FilesConnector(paths=[docs], base=tmp_path, max_bytes=3)
    report = rag.index(refused)
    assert [failure.source for failure in report.failed] == ["docs/lamp.txt"]
    assert (report.removed, report.documents) == (0, 1)
    assert rag.search("lamp").hits[0].passage.document_id == "docs/lamp.txt"
    rag.close()


def test_a_rebuild_holds_its_own_sources_alone(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(f"The {name} lamp is lit at dusk.")
    rag = Rag.open(tmp_path / ".rag", pipeline="bm25")
    rag.index(tmp_path / "old")
    # A rebuild of other sources that was stopped before it was adopted.
    draft = rag._store.rebuilt(rag.pipeline.index_part(), None)
    rag._synchronise(draft, rag.connect(tmp_path / "old"), None, whole=True)
    draft.close()
    report = rag.index(tmp_path / "new", rebuild=True)
    assert (report.added, report.removed, report.documents) == (1, 1, 1)
    assert {hit.passage.document_id for hit in rag.search("lamp").hits} == {"new/new.txt"}
    assert rag.verify() == []
    rag.close()


def test_a_search_with_another_encoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lamp.txt").write_text("The lamp is lit at dusk.")
    made = Rag.open(tmp_path / ".rag", pipeline="hybrid", encoder=HashingEncoder())
    made.index(tmp_path / "lamp.txt")
    assert made.search("lamp").hits
    other = Rag.open(tmp_path / ".rag", encoder=HashingEncoder(dimension=64))
    for ask in (other.search, other.ask):
        with pytest.raises(IndexMismatchError, match="another encoder"):
            ask("lamp")
    made.close()
    other.close()


def test_a_run_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    class Breaking(HashingEncoder):
        left = 600
        encoded = 0

        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            if Breaking.left < len(texts):
                raise KeyboardInterrupt
            Breaking.left -= len(texts)
            Breaking.encoded += len(texts)
            return super().encode_passages(texts)

    (tmp_path / "docs").mkdir()
    for number in range(1000):
        (tmp_path / "docs" / f"{number}.txt").write_text(f"Lamp number {number} is lit.")
    with pytest.raises(KeyboardInterrupt):
        Rag.open(tmp_path / ".rag", encoder=Breaking()).index(tmp_path / "docs")
    kept = Breaking.encoded
    assert kept > 400
    Breaking.left = 10_000
    rag = Rag.open(tmp_path / ".rag", encoder=Breaking())
    report = rag.index(tmp_path / "docs")
    assert report.added + report.unchanged == report.documents == 1000
    assert Breaking.encoded == 1000
    assert rag.verify() == []
    rag.close()


def test_a_run_that_is_stopped_keeps_what_is_ready(tmp_path: Path) -> None:
    class Stopped:
        def items(self) -> Iterator[Item | Failure]:
            for name in ("a", "b"):
                document = Document(f"test:{name}", f"test:{name}", f"Lamp {name} is lit.")
                yield Item(document.id, document.source, "1", partial(replace, document))
                time.sleep(0.2)  # until it is loaded
            raise KeyboardInterrupt

        def covers(self, source: str) -> bool:
            return True

    rag = Rag.open(tmp_path / ".rag", pipeline="bm25")
    with pytest.raises(KeyboardInterrupt):
        rag.index(Stopped())
    assert rag.status()["documents"] >= 1
    assert rag.verify() == []
    rag.close()


def test_an_item_that_fails_in_its_own_way_is_told(tmp_path: Path) -> None:
    class Odd:
        def items(self) -> Iterator[Item | Failure]:
            good = Document("test:a", "test:a", "The lamp is lit.")
            yield Item("test:b", "test:b", "1", lambda: replace(good, text=str(1 // 0)))
            yield Item(good.id, good.source, "1", lambda: good)

        def covers(self, source: str) -> bool:
            return True

    rag = Rag.open(tmp_path / ".rag", pipeline="bm25")
    report = rag.index(Odd())
    (failure,) = report.failed
    assert failure.error.startswith("cannot be read: ZeroDivisionError")
    assert report.added == 1
    rag.close()

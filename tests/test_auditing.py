"""Answers held against the index and the files they were made of."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag import Rag
from rag.auditing import Finding
from rag.errors import DocumentError
from rag.freshness import Freshness
from rag.store.rows import Known
from rag.testing import HashingEncoder
from rag.types import Answer, Citation, Document, Failure, Item, Statement

LAMP = "The keeper lights the lamp at dusk. Each lamp burns 12 litres of oil."
FERRY = "The ferry leaves the quay at nine. Dogs travel free."
OLD = 1_500_000_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in (("lamp.txt", LAMP), ("ferry.txt", FERRY)):
        (folder / name).write_text(text)
        os.utime(folder / name, (OLD, OLD))
    return tmp_path


@pytest.fixture
def rag(place: Path) -> Iterator[Rag]:
    made = Rag.open(place / ".rag", encoder=HashingEncoder(), workers=0)
    made.index(place / "documents")
    yield made
    made.close()


def cited(quote: str, text: str = LAMP, name: str = "documents/lamp.txt") -> Citation:
    start = text.index(quote)
    return Citation(name, name, start, start + len(quote), quote)


def answer(text: str, *citations: Citation) -> Answer:
    numbers = tuple(range(len(citations)))
    return Answer("?", text, False, citations, (Statement(0, len(text), numbers),))


def kinds(rag: Rag, given: Answer) -> list[str]:
    return [finding.kind for finding in rag.audit(given)]


GOOD = answer("A lamp burns 12 litres of oil.", cited("Each lamp burns 12 litres of oil."))


def test_a_true_answer_has_no_findings(rag: Rag) -> None:
    assert rag.audit(GOOD) == ()
    asked = rag.ask("When does the ferry leave the quay?")
    assert asked.citations
    assert rag.audit(asked) == ()


def test_an_abstention_says_nothing_that_could_be_wrong(rag: Rag) -> None:
    assert rag.audit(Answer("?", "The documents don't answer this.", abstained=True)) == ()


def test_a_document_that_is_not_indexed_is_missing(rag: Rag) -> None:
    citation = replace(GOOD.citations[0], document_id="documents/lamp2.txt")
    found = rag.audit(replace(GOOD, citations=(citation,)))
    assert [(one.kind, one.citation, one.statement) for one in found] == [
        ("missing", 0, None),
        ("unsupported", None, 0),
    ]
    assert found[0].line == "[1] documents/lamp.txt: the document is not in the index"


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "Each lamp burns 13 litres of oil."},
        {"start": 0},
        {"start": -5},
        {"start": 30, "end": 20},
        {"end": 10_000},
        {"source": "documents/other.txt"},
    ],
)
def test_a_quote_that_does_not_stand_there(rag: Rag, change: dict[str, object]) -> None:
    citation = replace(GOOD.citations[0], **change)  # type: ignore[arg-type]
    found = kinds(rag, replace(GOOD, citations=(citation,)))
    assert found == ["misquoted", "unsupported"]


def test_a_statement_that_its_citation_does_not_support(rag: Rag) -> None:
    (found,) = rag.audit(answer("A lamp burns 21 litres of oil.", *GOOD.citations))
    assert found == Finding(
        "unsupported",
        "not supported: \"A lamp burns 21 litres of oil.\" ('21 litres' is not in the evidence)",
        statement=0,
    )


def test_a_statement_that_another_citation_supports_is_not_supported_by_its_own(
    rag: Rag,
) -> None:
    both = (*GOOD.citations, cited("Dogs travel free.", FERRY, "documents/ferry.txt"))
    text = "Dogs travel free."
    wrong = Answer("?", text, False, both, (Statement(0, len(text), (0,)),))
    assert kinds(rag, wrong) == ["unsupported"]
    assert kinds(rag, replace(wrong, statements=(Statement(0, len(text), (1,)),))) == []


def test_lines_are_looked_at_where_there_are_no_statements(rag: Rag) -> None:
    text = "Each lamp burns 12 litres of oil.\n\nThe moon is made of cheese."
    (found,) = rag.audit(Answer("?", text, False, GOOD.citations))
    assert (found.kind, found.statement) == ("unsupported", None)
    assert "cheese" in found.line


def test_a_threshold_can_be_given(rag: Rag) -> None:
    loose = answer("Lamps burn oil when it is dark outside.", *GOOD.citations)
    assert kinds(rag, loose) == ["unsupported"]
    assert rag.audit(loose, min_support=0.0) == ()


@pytest.mark.parametrize(
    "text", [LAMP.replace("12", "14"), LAMP + " More."], ids=["as long", "longer"]
)
def test_a_file_that_was_rewritten_is_stale(rag: Rag, place: Path, text: str) -> None:
    (place / "documents/lamp.txt").write_text(text)
    (found,) = rag.audit(GOOD)
    told = "[1] documents/lamp.txt: changed since it was indexed: run 'rag index'"
    assert (found.kind, found.line) == ("stale", told)
    rag.index(place / "documents")
    assert "stale" not in kinds(rag, GOOD)


def test_a_file_that_is_gone_is_stale(rag: Rag, place: Path) -> None:
    (place / "documents/lamp.txt").unlink()
    (found,) = rag.audit(GOOD)
    assert found.line == "[1] documents/lamp.txt: gone since it was indexed: run 'rag index'"


def test_a_file_that_was_only_touched_or_copied_is_not(rag: Rag, place: Path) -> None:
    path = place / "documents/lamp.txt"
    os.utime(path)
    assert rag.audit(GOOD) == ()
    path.rename(place / "kept")
    path.write_bytes((place / "kept").read_bytes())
    assert rag.audit(GOOD) == ()


def test_processes_that_compare_a_touched_file_end(place: Path) -> None:
    with Rag.open(place / ".rag", pipeline="bm25", overrides=["answer.min_score=0"]) as rag:
        rag.index(place / "documents")
        os.utime(place / "documents/lamp.txt")
        found = rag.ask("How many litres of oil does each lamp burn?")
        assert [one.stale for one in found.citations] == [""]
        assert not [one for one in threading.enumerate() if one.name.startswith("rag-parsers")]


def test_a_file_whose_time_was_set_back_is_stale(rag: Rag, place: Path) -> None:
    path = place / "documents/lamp.txt"
    path.write_text(LAMP.replace("12", "14"))
    os.utime(path, (OLD, OLD))
    assert kinds(rag, GOOD) == ["stale"]


def test_a_file_written_just_before_it_was_indexed_is_compared(place: Path) -> None:
    path = place / "documents/lamp.txt"
    ahead = path.stat().st_mtime + 10**9
    os.utime(path, (ahead, ahead))  # it may change again unseen: there is no version
    with Rag.open(place / ".rag", encoder=HashingEncoder(), workers=0) as rag:
        rag.index(place / "documents")
        assert rag.audit(GOOD) == ()
        path.write_text(LAMP.replace("12", "14"))
        os.utime(path, (ahead, ahead))
        assert kinds(rag, GOOD) == ["stale"]


@pytest.mark.parametrize("by", ["folder", "link", "fifo"])
def test_what_took_a_files_place_is_not_opened(rag: Rag, place: Path, by: str) -> None:
    path = place / "documents/lamp.txt"
    path.unlink()
    if by == "folder":
        path.mkdir()
    elif by == "fifo":
        os.mkfifo(path)
    else:
        secret = place / "secret.txt"
        secret.write_text(LAMP)
        path.symlink_to(secret)
    assert kinds(rag, GOOD) == ["stale"]


def test_other_sources_are_told_as_unchecked(place: Path) -> None:
    source = "https://example.org/lamp"

    class Pages:
        def items(self) -> Iterator[Item | Failure]:
            yield Item(source, source, "v1", lambda: Document(source, source, LAMP, "Lamp"))

        def covers(self, source: str) -> bool:
            return True

    with Rag.open(place / ".rag", encoder=HashingEncoder(), workers=0) as rag:
        rag.index(Pages())
        (found,) = rag.audit(answer("The keeper lights the lamp at dusk.", cited(
            "The keeper lights the lamp at dusk.", LAMP, source)))  # fmt: skip
        assert found.kind == "unchecked"
        assert rag.ask("Who lights the lamp?").citations[0].stale == ""


@pytest.mark.parametrize(
    "known",
    [
        Known("1-2-3-4-text-1", "hash", "../secret.txt"),
        Known("1-2-3-4-text-1", "hash", "documents/../../secret.txt"),
        Known("etag", "hash", "documents/lamp.txt"),
        Known("", "hash", "nowhere.txt"),
        Known("1-2-3-4-text-1", "hash", "mail:box#1"),
        Known("1-2-3-4-text-1", "hash", "nul%00l.txt"),
    ],
)
def test_names_that_no_file_of_the_index_has_are_not_looked_at(place: Path, known: Known) -> None:
    def load(path: str) -> Document:
        raise AssertionError(path)

    (place.parent / "secret.txt").write_text("x")
    assert Freshness(place, load).state(known) == "unchecked"


def test_a_file_is_read_once_for_as_long_as_it_stays_so(place: Path) -> None:
    read: list[str] = []

    def load(path: str) -> Document:
        read.append(path)
        raise DocumentError("cannot be read")

    path = place / "documents/lamp.txt"
    known = Known(f"{path.stat().st_size}-1-1-1-text-1", "hash", "documents/lamp.txt")
    freshness = Freshness(place, load)
    assert {freshness.state(known) for _ in range(3)} == {"changed"}
    assert read == [str(path)]


def test_a_long_file_is_not_read_while_somebody_waits(place: Path) -> None:
    def load(path: str) -> Document:
        raise AssertionError(path)

    (place / "long.txt").write_text("x" * 1_000_001)
    known = Known("1000001-1-1-1-text-1", "hash", "long.txt")
    assert Freshness(place, load).state(known, thorough=False) == "touched"


def test_answers_say_which_sources_changed(rag: Rag, place: Path) -> None:
    question = "When does the ferry leave the quay?"
    assert {one.stale for one in rag.ask(question).citations} == {""}
    (place / "documents/ferry.txt").write_text("The ferry leaves at ten.")
    for asked in (rag.ask(question), [*rag.stream(question)][-1]):
        assert isinstance(asked, Answer)
        stale = {one.source: one.stale for one in asked.citations}
        assert stale["documents/ferry.txt"] == "changed since it was indexed"


def test_a_document_that_could_not_be_read_again_is_stale(rag: Rag, place: Path) -> None:
    path = place / "documents/lamp.txt"
    path.write_bytes(b"\x00\x01\x02\x03" * 100)
    assert rag.index(place / "documents").failed
    (found,) = rag.audit(GOOD)
    assert found.line.endswith("an earlier version: it could not be read since: run 'rag index'")
    asked = rag.ask("Who lights the lamp at dusk?")
    assert asked.citations[0].stale == "an earlier version: it could not be read since"

"""How vectors are searched may change without encoding anything again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rag import Rag
from rag.config import load_pipeline
from rag.errors import IndexMismatchError, PipelineError
from rag.protocols import Vectors
from rag.status import index_status
from rag.testing import HashingEncoder

KINDS = {
    "exact": "{use: exact}",
    "ivf": "{use: ivf, lists: 2, exact_up_to: 0}",
    "hnsw": "{use: hnsw, exact_up_to: 0}",
    "binary": "{use: binary, exact_up_to: 0}",
    "matryoshka": "{use: matryoshka, dimensions: 16, exact_up_to: 0}",
    "pq": "{use: pq, exact_up_to: 0}",
    "two-tier": "{use: two-tier}",
}
QUESTION = "When is the lamp of house 7 lit?"


class Once(HashingEncoder):
    """Encodes passages until it is told that this is enough."""

    enough = False

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        assert not self.enough
        return super().encode_passages(texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return HashingEncoder().encode_queries(texts)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "documents").mkdir()
    for number in range(20):
        text = f"The keeper lights the lamp of house {number} at dusk."
        (tmp_path / "documents" / f"{number}.txt").write_text(text)
    return tmp_path


@pytest.fixture
def encoder() -> Once:
    return Once()


@pytest.fixture
def rag(place: Path, encoder: Once) -> Iterator[Rag]:
    with opened(place, encoder) as made:
        made.index(place / "documents")
        encoder.enough = True
        yield made


def opened(place: Path, encoder: Once, kind: str | None = None) -> Rag:
    overrides = [] if kind is None else [f"index.dense={kind}"]
    pipeline = None if (place / ".rag").exists() else "dense"
    return Rag.open(place / ".rag", pipeline=pipeline, overrides=overrides, encoder=encoder)


@pytest.mark.parametrize("use", [*KINDS])
def test_repair_makes_another_kind_of_the_same_vectors(
    rag: Rag, place: Path, encoder: Once, use: str
) -> None:
    expected = [hit.passage.id for hit in rag.search(QUESTION).hits]
    with opened(place, encoder, KINDS[use]) as other:
        with pytest.raises(IndexMismatchError, match=r"searched in another way .*'rag repair'"):
            other.search(QUESTION)
        other.repair()
        assert [hit.passage.id for hit in other.search(QUESTION).hits] == expected
        assert other.verify() == []
    assert index_status(place / ".rag")["searched"] == {use: 20}
    with opened(place, encoder) as later:
        assert later.pipeline.dense == other.pipeline.dense
        assert [hit.passage.id for hit in later.search(QUESTION).hits] == expected


def test_repair_is_for_no_other_difference(rag: Rag, place: Path, encoder: Once) -> None:
    overrides = ["index.chunk.max_tokens=16", "index.dense={use: exact}"]
    with (
        Rag.open(place / ".rag", overrides=overrides, encoder=encoder) as other,
        pytest.raises(IndexMismatchError, match=r"max_tokens.*rag index --rebuild"),
    ):
        other.repair()
    assert rag.verify() == []


def test_what_a_search_looks_at_may_differ(rag: Rag, place: Path, encoder: Once) -> None:
    with opened(place, encoder, "{use: auto, exact_up_to: 9}") as other:
        assert other.search(QUESTION).hits == rag.search(QUESTION).hits


def test_without_vectors_there_is_nothing_to_search() -> None:
    with pytest.raises(PipelineError, match=r"'dense' needs 'index.encode'"):
        load_pipeline("bm25", ["index.dense={use: exact}"])
    assert load_pipeline("bm25").dense is None

"""What each kind of dense index promises beyond finding what is nearest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import faiss
import numpy as np
import pytest
from dense_generations import DIMENSION, Generations, clustered, entries, ids, reference, unit
from founding import SEEDS, encoder, titles_and_abstracts
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import dense_frontier
from rag.config import load_pipeline
from rag.errors import PipelineError, RequestError
from rag.protocols import Ids, Vectors
from rag.store.dense import DenseEngine, DenseEntries, DenseIndex
from rag.store.dense.auto import AutoDense
from rag.store.dense.binary import BinaryDense
from rag.store.dense.exact import ExactDense
from rag.store.dense.hnsw import HnswDense
from rag.store.dense.ivf import IvfDense
from rag.store.dense.matryoshka import MatryoshkaDense
from rag.store.dense.pq import PqDense, _read
from rag.store.dense.searcher import DenseKind
from rag.store.dense.segment import Segment
from rag.store.dense.two_tier import TwoTierDense
from rag.store.dense.vectors import Halves, JoinedVectors, ReadVectors

EVERYTHING = 1_000_000
founding = pytest.mark.skipif(not SEEDS, reason="the founding papers are not here")


def built(folder: Path, kind: DenseKind, added: DenseEntries) -> DenseIndex:
    engine = DenseEngine(kind)
    engine.update(None, folder, ids(), added)
    return engine.open(folder)


def rows_of(found: Sequence[tuple[int, float]], k: int) -> list[int]:
    return [row for row, _ in found[:k]]


class TestApproximate:
    """Few candidates among many vectors that lie in clusters."""

    KINDS: Sequence[DenseKind] = (
        IvfDense(lists=64, probed=8, candidates=100, exact_up_to=0),
        IvfDense(lists=64, bits=8, probed=8, candidates=100, exact_up_to=0),
        HnswDense(ef=64, exact_up_to=0),
        BinaryDense(candidates=200, exact_up_to=0),
        BinaryDense(scoring="hamming", candidates=400, exact_up_to=0),
        TwoTierDense(bits=2, candidates=100),
        MatryoshkaDense(dimensions=16, candidates=400, exact_up_to=0),
        PqDense(candidates=100, exact_up_to=0),
        PqDense(group=4, candidates=400, exact_up_to=0),
        AutoDense(exact_up_to=1_000),
    )

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
    def test_recall(self, kind: DenseKind, tmp_path: Path) -> None:
        generations = Generations(tmp_path, DenseEngine(kind))
        index = generations.update(clustered(4_000))
        queries = clustered(4_000).vectors[::80]
        found = index.search_many(queries, 10)
        recalls = [
            len({*rows_of(one, 10)} & {*reference(generations.held, query, 10)}) / 10
            for one, query in zip(found, queries, strict=True)
        ]
        assert np.mean(recalls) >= 0.9

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
    def test_few_allowed_are_all_found(self, kind: DenseKind, tmp_path: Path) -> None:
        generations = Generations(tmp_path, DenseEngine(kind))
        index = generations.update(clustered(4_000))
        inside = {row: v for row, v in generations.held.items() if generations.documents[row] == 20}
        found = index.search(generations.held[1], 10, ids(20))
        assert rows_of(found, 10) == reference(inside, generations.held[1], 10)

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
    def test_as_many_as_asked_for(self, kind: DenseKind, tmp_path: Path) -> None:
        index = built(tmp_path / "1", kind, clustered(2_000))
        query = clustered(1).vectors[0]
        assert len(index.search(query, 2_000)) == 2_000
        assert len(index.search(query, 1_500)) >= 1_500


def test_candidates_of_all_segments_compete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations = Generations(tmp_path, DenseEngine(PqDense(candidates=100, exact_up_to=100)))
    every = clustered(4_000)
    scored: list[int] = []
    for start, stop in ((0, 2_800), (2_800, 3_700), (3_700, 3_980), (3_980, 4_000)):
        part = slice(start, stop)
        added = DenseEntries(every.rows[part], every.documents[part], every.vectors[part])
        index = generations.update(added, *(start - 1, start - 9)[: start // 1_000])
    assert [len(one) for one in index._segments] == [2_800, 900, 280, 20]
    assert [len(one) for one in index._units] == [20, 3_980], "what is small is scanned by itself"
    halves = JoinedVectors.halves

    def counted(vectors: JoinedVectors, positions: Ids) -> Halves:
        scored.append(len(positions))
        return halves(vectors, positions)

    monkeypatch.setattr(JoinedVectors, "halves", counted)
    queries = every.vectors[::50]
    found = index.search_many(queries, 10)
    assert scored == [100] * len(queries)
    same = [
        {*rows_of(one, 10)} & {*reference(generations.held, query, 10)}
        for one, query in zip(found, queries, strict=True)
    ]
    assert sum(map(len, same)) / len(queries) >= 9
    inside = {row: v for row, v in generations.held.items() if generations.documents[row] == 20}
    found_inside = index.search(every.vectors[5], 10, ids(20))
    assert rows_of(found_inside, 10) == reference(inside, every.vectors[5], 10)
    for (row, score), other in zip(found[0], index.at(ids(*rows_of(found[0], 10))), strict=False):
        assert score == pytest.approx(float(other @ queries[0]), abs=1e-6), row


def test_codes_in_parts_find_what_they_find_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every, kind = clustered(4_000), PqDense(candidates=100, exact_up_to=0)
    queries = every.vectors[::50]
    whole = built(tmp_path / "whole", kind, every).search_many(queries, 10)
    monkeypatch.setattr("rag.store.dense.vectors._BLOCK", 500)
    monkeypatch.setattr("rag.store.dense.pq._PART", 1_200)
    parted = built(tmp_path / "parted", kind, every)
    (path,) = (tmp_path / "parted").glob("*.structure")
    assert [part.ntotal for part in _read(path)] == [1_500, 1_500, 1_000]
    assert [parted.search(query, 10) for query in queries] == whole


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(1, 8), st.integers(0, 2**32 - 1), st.booleans())
def test_with_every_candidate_all_kinds_are_exact(
    tmp_path_factory: pytest.TempPathFactory, count: int, k: int, seed: int, few: bool
) -> None:
    """Also where most vectors are equal to others."""
    chance = np.random.default_rng(seed)
    vectors = unit(chance.normal(size=(5 if few else count, DIMENSION)))
    vectors = vectors[chance.integers(len(vectors), size=count)]
    rows = np.cumsum(chance.integers(1, 4, size=count))
    added = DenseEntries(rows, rows % 7, vectors)
    queries = unit(chance.normal(size=(3, DIMENSION)))
    documents = np.unique(chance.integers(0, 7, size=4))
    folder = tmp_path_factory.mktemp("kinds")
    exact = built(folder / "exact", ExactDense(), added)
    for kind in (
        IvfDense(lists=3, probed=1_000, candidates=EVERYTHING, exact_up_to=0),
        HnswDense(ef=EVERYTHING, exact_up_to=0),
        BinaryDense(candidates=EVERYTHING, exact_up_to=0),
        BinaryDense(scoring="hamming", candidates=EVERYTHING, exact_up_to=0),
        MatryoshkaDense(dimensions=3, candidates=EVERYTHING, exact_up_to=0),
        TwoTierDense(candidates=EVERYTHING),
        PqDense(candidates=EVERYTHING, exact_up_to=0),
    ):
        index = built(folder / f"{len([*folder.iterdir()])}", kind, added)
        for chosen in (None, documents):
            for one, other in zip(
                index.search_many(queries, k, chosen),
                exact.search_many(queries, k, chosen),
                strict=True,
            ):
                assert {*one} == {*other}


def test_the_file_of_vectors_is_faiss_own(tmp_path: Path) -> None:
    added = entries(np.arange(1, 101))
    built(tmp_path / "1", ExactDense(), added)
    index = faiss.IndexScalarQuantizer(
        DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.add(added.vectors)
    faiss.write_index(index, str(tmp_path / "faiss"))
    assert (tmp_path / "1" / "1.faiss").read_bytes() == (tmp_path / "faiss").read_bytes()


def test_sizes_that_differ_are_told(tmp_path: Path) -> None:
    built(tmp_path / "1", ExactDense(), entries(np.arange(1, 101)))
    path = tmp_path / "1" / "1.faiss"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="holds no vectors"):
        Segment(tmp_path / "1", "1")
    np.save(tmp_path / "1" / "1.rows.npy", np.zeros((2, 3), np.int64))
    built(tmp_path / "2", ExactDense(), entries(np.arange(1, 101)))
    (tmp_path / "2" / "1.faiss").rename(path)
    with pytest.raises(ValueError, match="differ in size"):
        Segment(tmp_path / "1", "1")


def test_another_kind_is_refused_and_its_vectors_can_be_read(tmp_path: Path) -> None:
    added = entries(np.arange(1, 101))
    built(tmp_path / "1", IvfDense(lists=4, exact_up_to=0), added)
    engine = DenseEngine(HnswDense())
    with pytest.raises(ValueError, match="searched by 'ivf', not by exact, hnsw"):
        engine.open(tmp_path / "1")
    (tmp_path / "1" / "1.structure").unlink()
    index = engine.open_vectors(tmp_path / "1")
    np.testing.assert_array_equal(index.at(added.rows), added.vectors)


def test_auto_decides_by_the_size_of_a_segment(tmp_path: Path) -> None:
    engine = DenseEngine(AutoDense(exact_up_to=200))
    engine.update(None, tmp_path / "1", ids(), entries(np.arange(1, 301)))
    engine.update(tmp_path / "1", tmp_path / "2", ids(), entries(np.arange(301, 351)))
    assert engine.open(tmp_path / "2").kinds == {"pq": 300, "exact": 50}
    listed = json.loads((tmp_path / "2" / "segments.json").read_text())
    assert listed == [["1", "pq", 300], ["2", "exact", 50]]
    assert AutoDense().chosen(2_000_001, 2).use == "ivf"
    assert AutoDense().chosen(2**60, 2).use == "two-tier"


def test_matryoshka_needs_that_many_components(tmp_path: Path) -> None:
    kind = MatryoshkaDense(dimensions=DIMENSION + 1, exact_up_to=0)
    with pytest.raises(RequestError, match=r"dimensions is 25, .* have 24 components: lower it"):
        built(tmp_path / "1", kind, entries(np.arange(1, 11)))


def test_signs_are_one_bit() -> None:
    with pytest.raises(PipelineError, match="'bits' is 1 with 'scoring: hamming'"):
        load_pipeline("dense", ["index.dense={use: binary, scoring: hamming, bits: 2}"])


def test_how_a_search_goes_about_it_does_not_shape_the_index() -> None:
    one = load_pipeline("dense", ["index.dense={use: ivf, probed: 3, candidates: 5}"])
    other = load_pipeline("dense", ["index.dense={use: ivf}"])
    assert one.index_part() == other.index_part()
    assert one.as_dict() != other.as_dict()
    finer = load_pipeline("dense", ["index.dense={use: ivf, bits: 2}"])
    assert finer.index_part() != other.index_part()


@founding
class TestFoundingPapers:
    """158 titles as questions, 158 abstracts as passages."""

    def test_hamming_and_vectors_rank_as_vectors_do(self, tmp_path: Path) -> None:
        """BEBR: 48 bytes a passage, and the vectors of 50 for each question."""
        exact = papers(tmp_path / "1", ExactDense())
        binary = papers(
            tmp_path / "2", BinaryDense(scoring="hamming", candidates=50, exact_up_to=0)
        )
        assert (tmp_path / "2" / "1.structure").stat().st_size // 158 == 48
        assert abs(reciprocal_rank(binary) - reciprocal_rank(exact)) < 0.001
        shared = [
            len({*one[:10]} & {*other[:10]}) / 10
            for one, other in zip(rankings(binary), rankings(exact), strict=True)
        ]
        assert np.mean(shared) >= 0.95

    def test_two_tiers_read_no_more_than_the_candidates(self, tmp_path: Path) -> None:
        """BiDR: the same ranking, and no matrix of vectors in memory."""
        binary = papers(
            tmp_path / "1", BinaryDense(scoring="hamming", candidates=50, exact_up_to=0)
        )
        tiers = papers(tmp_path / "2", TwoTierDense(bits=1, scoring="hamming", candidates=50))
        (segment,) = tiers._segments
        stored = segment.vectors
        assert isinstance(stored, ReadVectors)
        for query in titles():
            before = stored.reads
            assert tiers.search(query, 10) == binary.search(query, 10)
            assert 0 < stored.reads - before <= 50
        maps = Path("/proc/self/maps")
        if maps.exists():
            mapped = maps.read_text()
            assert str(tmp_path / "2" / "1.structure") in mapped
            assert str(tmp_path / "2" / "1.faiss") not in mapped

    def test_first_components_and_whole_vectors(self, tmp_path: Path) -> None:
        """Matryoshka: a third of the components, and whole vectors of 20."""
        kind = MatryoshkaDense(dimensions=128, candidates=20, exact_up_to=0)
        index = papers(tmp_path / "1", kind)
        assert reciprocal_rank(index) >= 0.85
        with pytest.raises(RequestError, match=r"128 components .* 384"):
            index.search(titles()[0][:128], 10)


@cache
def titles() -> Vectors:
    return encoder().encode_queries([title for title, _ in titles_and_abstracts()])


def papers(folder: Path, kind: DenseKind) -> DenseIndex:
    abstracts = encoder().encode_passages([text for _, text in titles_and_abstracts()])
    rows = np.arange(len(abstracts))
    return built(folder, kind, DenseEntries(rows, rows, abstracts))


def rankings(index: DenseIndex) -> list[list[int]]:
    return [rows_of(found, 10) for found in index.search_many(titles(), 10)]


def reciprocal_rank(index: DenseIndex) -> float:
    """MRR@10."""
    ranks = [
        1 / (found.index(right) + 1) if right in found else 0.0
        for right, found in enumerate(rankings(index))
    ]
    return float(np.mean(ranks))


def test_many_questions_at_once_have_the_bits_of_each_alone(tmp_path: Path) -> None:
    engine = DenseEngine(ExactDense())
    added = clustered(400)
    added.vectors[100:140] = added.vectors[7]
    engine.update(None, tmp_path / "1", ids(), added)
    engine.update(tmp_path / "1", tmp_path / "2", ids(*range(20, 60)), entries(ids()))
    index = engine.open(tmp_path / "2")
    queries = np.concatenate([clustered(39).vectors, added.vectors[7:8]])
    for documents in (None, ids(1, 2, 3, 7), ids(), ids(99)):
        alone = [index.search(query, 5, documents) for query in queries]
        assert [{*one} for one in index.search_many(queries, 5, documents)] == [
            {*one} for one in alone
        ]


def test_the_benchmark_names_options_that_kinds_have() -> None:
    for use, structure, searches in dense_frontier._KINDS:
        for search in searches:
            dense_frontier._kind(use, {**structure, **search})

"""Pipelines side by side on a dataset, and the vectors that they share."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chat_server import closed_port
from fpdf import FPDF

from rag.config import load_pipeline
from rag.corpus import DatasetConnector
from rag.encode.cache import CachedEncoder
from rag.errors import RequestError
from rag.evaluate.beir import read_beir
from rag.protocols import Vectors
from rag.rag import Rag
from rag.testing import HashingEncoder
from rag.trial import evaluate, evaluate_each, open_trial
from rag.types import Ranking

CORPUS = {
    "d1": ("Ferry", "The ferry leaves at nine. Dogs travel free."),
    "d2": ("Lamp", "The keeper lights the lamp at dusk."),
    "d3": ("Oil", "Oil is delivered on the first Monday of March."),
}
QUERIES = {"q1": "When does the ferry leave?", "q2": "Who lights the lamp?"}
QRELS = "query-id\tcorpus-id\tscore\nq1\t{}\t1\nq2\t{}\t1\n"


class Counting(HashingEncoder):
    """Notes the passages that it encodes."""

    def __init__(self, *, dimension: int = 128, fingerprint: str = "") -> None:
        super().__init__(dimension=dimension)
        self.fingerprint = fingerprint or self.fingerprint
        self.encoded: list[str] = []

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.encoded.extend(texts)
        return super().encode_passages(texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return super().encode_passages(texts)


def write_lines(path: Path, records: Sequence[object]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": n, "title": title, "text": text} for n, (title, text) in CORPUS.items()]
    write_lines(folder / "corpus.jsonl", documents)
    write_lines(folder / "queries.jsonl", [{"_id": n, "text": text} for n, text in QUERIES.items()])
    (folder / "qrels" / "test.tsv").write_text(QRELS.format("d1", "d2"))
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Documents as files beside their questions, as in the sample corpus."""
    folder = tmp_path / "manual"
    (folder / "qrels").mkdir(parents=True)
    (folder / "islands").mkdir()
    (folder / "islands" / "ferry.md").write_text("# Ferry\n\nThe ferry leaves at nine.\n")
    (folder / "lamp.txt").write_text("The keeper lights the lamp at dusk.\n")
    (folder / "README.md").write_text("When does the ferry leave? Who lights the lamp?\n")
    (folder / ".ragignore").write_text("/README.md\n/questions.jsonl\n/qrels/\n")
    questions = [{"_id": number, "text": text} for number, text in QUERIES.items()]
    write_lines(folder / "questions.jsonl", questions)
    (folder / "qrels" / "test.tsv").write_text(QRELS.format("islands/ferry.md", "lamp.txt"))
    return folder


def test_a_trial_measures_and_leaves_nothing(beir: Path, tmp_path: Path) -> None:
    said: list[str] = []
    report = evaluate(beir, [load_pipeline("bm25")], progress=said.append)
    assert (report.dataset, report.format, report.comparisons) == ("tiny", "beir", ())
    (result,) = report.pipelines
    assert (result.name, result.documents, result.passages) == ("bm25", 3, 3)
    assert result.per_query["nDCG@10"] == {"q1": 1.0, "q2": 1.0}
    assert said[0] == "bm25: indexing tiny"
    assert said[-1] == "bm25: question 2 of 2"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_the_first_pipeline_is_the_baseline(beir: Path) -> None:
    second = load_pipeline("bm25", ["name=other", "index.chunk.max_tokens=16"])
    report = evaluate(beir, [load_pipeline("bm25"), second])
    (comparison,) = report.comparisons
    assert (comparison.baseline, comparison.pipeline) == ("bm25", "other")
    assert comparison.found.difference == 0


def test_what_is_named_twice_is_refused(beir: Path, files: Path) -> None:
    pipelines = [load_pipeline("bm25"), load_pipeline("bm25")]
    with pytest.raises(RequestError, match="pipeline 'bm25' is named twice"):
        evaluate(beir, pipelines)
    with pytest.raises(RequestError, match=r"dataset .*qrels.* is named twice"):
        evaluate_each([beir, files, beir / "qrels" / ".."], pipelines[:1])


def indexes(cache: Path) -> dict[str, int]:
    """The indexes of a cache, each with when its last generation was made."""
    return {
        path.name: max(one.stat().st_mtime_ns for one in (path / "generations").iterdir())
        for path in cache.iterdir()
        if path.is_dir()
    }


@pytest.mark.filterwarnings("ignore:rewriter 'multi-query' failed")
def test_questions_that_a_rewriter_failed_for_are_asked_again(beir: Path, tmp_path: Path) -> None:
    model = f"{{use: openai, model: m, base_url: '{closed_port()}'}}"
    rewrite = f"{{rewrite: {{use: multi-query, retries: 0, model: {model}}}}}"
    pipeline = load_pipeline("bm25", [f"query=[{rewrite}, {{retrieve: {{use: bm25}}}}]"])

    def stop(said: str) -> None:
        if said.endswith("question 2 of 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(beir, [pipeline], cache=tmp_path / "cache", progress=stop)
    (journal,) = (tmp_path / "cache").glob("*/trial-*.jsonl")
    assert len(journal.read_text().splitlines()) == 1  # its head alone
    (result,) = evaluate(beir, [pipeline], cache=tmp_path / "cache").pipelines
    assert result.failed == {"multi-query": 2}
    assert result.per_query["nDCG@10"] == {"q1": 1.0, "q2": 1.0}


def test_a_second_trial_uses_the_index_again(beir: Path, tmp_path: Path) -> None:
    cache = tmp_path / "made" / "cache"
    first = evaluate(beir, [load_pipeline("bm25")], cache=cache)
    made = indexes(cache)
    assert len(made) == 1
    again = evaluate(beir, [load_pipeline("bm25", ["query.retrieve.k=50"])], cache=cache)
    assert indexes(cache) == made
    assert again.pipelines[0].per_query == first.pipelines[0].per_query
    evaluate(beir, [load_pipeline("bm25", ["index.chunk.max_tokens=16"])], cache=cache)
    assert len(indexes(cache)) == 2


def test_a_changed_dataset_is_indexed_again(beir: Path, tmp_path: Path) -> None:
    before = evaluate(beir, [load_pipeline("bm25")], cache=tmp_path / "cache")
    write_lines(beir / "corpus.jsonl", [{"_id": n, "text": "Nothing here."} for n in CORPUS])
    after = evaluate(beir, [load_pipeline("bm25")], cache=tmp_path / "cache")
    assert before.pipelines[0].measures["R@10"].value == 1
    assert after.pipelines[0].measures["R@10"].value == 0


def test_measures_look_deeper_than_answers_do(beir: Path, tmp_path: Path) -> None:
    texts = [{"_id": f"d{n}", "text": f"Ferry number {n}, and a lamp."} for n in range(1, 30)]
    write_lines(beir / "corpus.jsonl", texts)
    dataset = read_beir(beir)
    with_cut = load_pipeline("bm25")
    rag = open_trial(dataset, with_cut, tmp_path)
    rag.index(DatasetConnector(dataset))
    assert len(rag.search("ferry").hits) == 29
    assert rag.pipeline.index_part() == with_cut.index_part()
    rag.close()


def test_a_cut_that_another_stage_follows_shapes_what_is_measured(
    beir: Path, tmp_path: Path
) -> None:
    stages = (
        "query=[{retrieve: {use: bm25}}, {cut: {k: 9}}, {expand: {use: window}}, {cut: {k: 2}}]"
    )
    rag = open_trial(read_beir(beir), load_pipeline("bm25", [stages]), tmp_path)
    kinds = [next(iter(stage.as_dict())) for stage in rag.pipeline.stages]
    assert kinds == ["retrieve", "cut", "expand"]
    rag.close()


def test_texts_are_passages_unless_they_are_to_be_cut(beir: Path, tmp_path: Path) -> None:
    long = " ".join(f"The ferry leaves at {hour}, and dogs travel free." for hour in range(24))
    texts = [{"_id": "d1", "text": long}, {"_id": "d2", "text": "The keeper lights the lamp."}]
    write_lines(beir / "corpus.jsonl", texts)
    short = [load_pipeline("bm25", ["index.chunk.max_tokens=32"])]
    (whole,) = evaluate(beir, short, cache=tmp_path / "cache").pipelines
    (cut,) = evaluate(beir, short, units="passages", cache=tmp_path / "cache").pipelines
    assert (whole.documents, whole.passages) == (2, 2)
    assert cut.documents == 2
    assert cut.passages is not None and cut.passages > 2
    assert cut.per_query["R@10"] == {"q1": 1.0, "q2": 1.0}
    assert len(indexes(tmp_path / "cache")) == 2


def test_files_are_the_documents_where_there_is_no_corpus(files: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (result,) = evaluate(files, [load_pipeline("bm25")], cache=cache).pipelines
    assert result.documents == 2
    assert result.per_query["nDCG@10"] == {"q1": 1.0, "q2": 1.0}
    rag = open_trial(read_beir(files), load_pipeline("bm25"), cache)
    sources = {hit.passage.source for hit in rag.search("ferry keeper lamp question README").hits}
    assert sources == {"islands/ferry.md", "lamp.txt"}
    rag.close()


def test_files_that_cannot_be_read_are_told(files: Path) -> None:
    (files / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    with pytest.warns(UserWarning, match=r"not measured: broken\.pdf: "):
        report = evaluate(files, [load_pipeline("bm25")])
    assert report.pipelines[0].documents == 2


def test_pipelines_share_vectors(beir: Path, tmp_path: Path) -> None:
    encoder = Counting()
    dataset = read_beir(beir)
    for preset in ("hybrid", "dense"):
        rag = Rag.open(tmp_path / preset, pipeline=preset, encoder=CachedEncoder(encoder, tmp_path))
        rag.index(DatasetConnector(dataset))
        assert rag.search("ferry").hits
        rag.close()
    assert len(encoder.encoded) == len(set(encoder.encoded)) == 3


def test_cached_vectors_are_the_encoders(tmp_path: Path) -> None:
    plain, counting = HashingEncoder(), Counting()
    cached = CachedEncoder(counting, tmp_path)
    texts = ["ferry", "lamp", "ferry", "oil and wick"]
    for _ in range(2):
        vectors = cached.encode_passages(texts)
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, plain.encode_passages(texts))
        np.testing.assert_array_equal(
            cached.encode_passages(texts[::-1]), plain.encode_passages(texts)[::-1]
        )
    assert counting.encoded == ["ferry", "lamp", "oil and wick"]
    np.testing.assert_array_equal(cached.encode_queries(["x"]), plain.encode_queries(["x"]))
    assert cached.dimension == plain.dimension
    assert cached.fingerprint == plain.fingerprint
    assert cached.tokenizer is counting.tokenizer


def test_cached_vectors_of_no_texts(tmp_path: Path) -> None:
    cached = CachedEncoder(HashingEncoder(dimension=7), tmp_path)
    vectors = cached.encode_passages([])
    assert vectors.shape == (0, 7)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("prefix", ["sha256:0123456789", "acme/model", "../up"])
def test_vectors_of_different_encoders_do_not_mix(tmp_path: Path, prefix: str) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    for dimension in (8, 16):
        encoder = Counting(dimension=dimension, fingerprint=f"{prefix}-weights-{dimension}")
        assert CachedEncoder(encoder, folder).encode_passages(["ferry"]).shape == (1, dimension)
        assert encoder.encoded == ["ferry"]
    assert len(list(folder.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [folder]


def test_pages_of_pdf_files_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "island"
    (folder / "pdfs").mkdir(parents=True)
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    for _, text in CORPUS.values():
        pdf.add_page()
        pdf.multi_cell(0, 6, text)
    pdf.output(str(folder / "pdfs" / "manual.pdf"))
    questions = [
        {"id": "q1", "question": QUERIES["q1"], "doc": "manual", "pages": [0]},
        {"id": "q2", "question": QUERIES["q2"], "doc": "manual", "pages": [2]},
    ]
    write_lines(folder / "questions.jsonl", questions)
    second = load_pipeline("bm25", ["name=other"])
    report = evaluate(folder, [load_pipeline("bm25"), second])
    assert report.format == "pages"
    assert report.comparisons[0].measure == "page-hit@10"
    (first, _) = report.pipelines
    assert first.per_query["page-hit@1"] == {"q1": 1.0, "q2": 0.0}
    assert first.per_query["document-hit@10"] == {"q1": 1.0, "q2": 1.0}
    measures = report.as_dict()["pipelines"][0]["measures"]
    assert list(measures) == ["page-hit@1", "page-hit@5", "page-hit@10", "document-hit@10"]


def test_many_questions_measure_the_same_as_one_at_a_time(
    beir: Path, tmp_path: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timed ones are searched alone, the others by several threads, and stay in order."""
    texts = {f"q{n}": f"{QUERIES['q1' if n % 3 else 'q2']} {n}" for n in range(140)}
    write_lines(beir / "queries.jsonl", [{"_id": n, "text": one} for n, one in texts.items()])
    lines = [f"{n}\td{1 + number % 3}\t1" for number, n in enumerate(texts)]
    (beir / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]))
    pipeline = load_pipeline("hybrid", [f"index.encode.model={encoder_folder}"])
    threads: set[str] = set()
    search = Rag.search

    def watched(rag: Rag, *given: Any) -> Ranking:
        threads.add(threading.current_thread().name.split("-")[0])
        return search(rag, *given)

    monkeypatch.setattr(Rag, "search", watched)
    many = evaluate(beir, [pipeline], cache=tmp_path / "cache").pipelines[0]
    assert threads == {"MainThread", "rag"}
    monkeypatch.setattr("rag.evaluate.runner._TIMED", 1_000)
    alone = evaluate(beir, [pipeline], cache=tmp_path / "cache").pipelines[0]
    assert many.per_query == alone.per_query
    assert list(many.tops) == list(alone.tops) == list(texts)

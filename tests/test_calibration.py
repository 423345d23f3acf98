"""A reranker's scores are fitted to judgements, and checked on others."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from chat_server import closed_port
from models import WORDS

from rag.calibration import Calibrated, calibrate
from rag.cli.main import main
from rag.config import Pipeline, load_pipeline
from rag.errors import RequestError
from rag.rag import Rag

DOCUMENTS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of a few words, and questions that say the same as one."""
    place = tmp_path_factory.mktemp("calibration") / "words"
    (place / "qrels").mkdir(parents=True)
    chance = random.Random(2)
    words = [word for word in WORDS if word.isalpha() and len(word) > 1]
    texts = [" ".join(chance.sample(words, 6)) for _ in range(DOCUMENTS)]
    write(place / "corpus.jsonl", [{"_id": f"d{n}", "text": one} for n, one in enumerate(texts)])
    write(place / "queries.jsonl", [{"_id": f"q{n}", "text": one} for n, one in enumerate(texts)])
    judge(place, "train", range(16))
    judge(place, "test", range(15, DOCUMENTS))
    return place


def write(path: Path, records: Sequence[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def judge(place: Path, split: str, numbers: Sequence[int]) -> None:
    lines = [f"q{n}\td{n}\t1" for n in numbers]
    path = place / "qrels" / f"{split}.tsv"
    path.write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    path = tmp_path_factory.mktemp("pipelines") / "judged.yaml"
    path.write_text(
        "name: judged\nindex:\n  chunk: {use: fixed}\n"
        f"  encode: {{use: sentence-transformers, model: '{encoder_folder}', device: cpu}}\n"
        "query:\n  - retrieve: {use: dense, k: 24}\n"
        "  - rerank: {use: maxsim, top: 24}\n  - cut: {k: 3}\n"
    )
    return path


@pytest.fixture(scope="module")
def pipeline(file: Path) -> Pipeline:
    return load_pipeline(str(file))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def fitted(folder: Path, pipeline: Pipeline, cache: Path) -> Calibrated:
    return calibrate(folder, pipeline, cache=cache)


def test_the_curve_helps_on_questions_that_it_has_not_seen(fitted: Calibrated) -> None:
    assert (fitted.reranker, fitted.questions, fitted.passages) == ("maxsim", 16, 16 * DOCUMENTS)
    assert fitted.relevant == 16
    assert fitted.slope > 0
    check = fitted.check
    assert check is not None
    # One question of the test split is in both.
    assert (check.questions, check.passages) == (DOCUMENTS - 16, (DOCUMENTS - 16) * DOCUMENTS)
    assert check.by["probability"].brier < check.by["share"].brier < check.by["scores"].brier
    assert check.by["probability"].error < check.by["scores"].error


def test_what_is_pasted_gives_probabilities(
    fitted: Calibrated, folder: Path, file: Path, tmp_path: Path
) -> None:
    curve = json.dumps({"slope": fitted.slope, "intercept": fitted.intercept})
    pasted = load_pipeline(str(file), [f"query.rerank.probability={curve}"])
    with_it = Rag.open(tmp_path / "index", pipeline=pasted)
    with_it.index(folder / "corpus.jsonl")
    hits = with_it.search("when does the ferry leave").hits
    with_it.close()
    assert all(0 < hit.score < 1 for hit in hits)


def test_a_curve_that_is_there_already_is_not_fitted_again(
    fitted: Calibrated, folder: Path, file: Path, cache: Path
) -> None:
    given = load_pipeline(str(file), ["query.rerank.probability={slope: 2.0, intercept: 1.0}"])
    assert calibrate(folder, given, cache=cache).slope == fitted.slope


def test_fewer_questions_are_drawn(folder: Path, pipeline: Pipeline, cache: Path) -> None:
    found = calibrate(folder, pipeline, questions=5, cache=cache)
    assert found.questions == 5
    assert found.check is not None
    assert found.check.questions == 5
    assert calibrate(folder, pipeline, questions=5, cache=cache) == found


def test_nothing_is_checked_on_what_was_learnt(
    folder: Path, pipeline: Pipeline, cache: Path
) -> None:
    assert calibrate(folder, pipeline, split="test", cache=cache).check is None


def test_a_pipeline_without_reranker_is_refused(folder: Path) -> None:
    with pytest.raises(RequestError, match="'bm25' has no 'rerank' stage"):
        calibrate(folder, load_pipeline("bm25"))


def test_a_reranker_that_always_fails_is_named(folder: Path, tmp_path: Path) -> None:
    model = f"{{use: openai, model: m, base_url: '{closed_port()}'}}"
    path = tmp_path / "failing.yaml"
    path.write_text(
        "name: failing\nindex:\n  chunk: {use: fixed}\n  lexical: {use: bm25}\n"
        "query:\n  - retrieve: {use: bm25, k: 5}\n"
        f"  - rerank: {{use: llm, top: 2, retries: 0, cache: false, model: {model}}}\n"
    )
    with (
        pytest.warns(UserWarning, match="reranker 'llm' failed"),
        pytest.raises(RequestError, match="'llm' scored no passage for any question"),
    ):
        calibrate(folder, load_pipeline(str(path)), questions=2)


def test_a_split_that_is_not_there_is_refused(folder: Path, pipeline: Pipeline) -> None:
    with pytest.raises(RequestError, match=r"no split 'dev'.*splits there: test, train"):
        calibrate(folder, pipeline, split="dev")


def test_a_dataset_of_another_format_is_refused(tmp_path: Path, pipeline: Pipeline) -> None:
    (tmp_path / "a.md").write_text("The ferry leaves at nine.")
    reference = {"content": "The ferry", "start_index": 0, "end_index": 9}
    record = {"question": "what leaves?", "references": [reference]}
    (tmp_path / "a.questions.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.raises(RequestError, match="datasets in BEIR format"):
        calibrate(tmp_path, pipeline)


def test_the_command_prints_what_to_paste(
    fitted: Calibrated, folder: Path, file: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["calibrate", str(folder), "--pipeline", str(file), "--index", str(cache)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert f"  probability: {{slope: {fitted.slope}, intercept: {fitted.intercept}}}" in out
    assert "calibrated" in out
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(fitted.as_dict()))


def test_the_command_refuses_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(folder), "--pipeline", "bm25"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1

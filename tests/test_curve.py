"""Pruning judged on a dataset of forty questions, some of whose documents are junk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rag.bench import Bench
from rag.config import Pipeline, Prune, load_pipeline, parse_pipeline
from rag.curve import CONTROLS, curve, largest_share
from rag.errors import RequestError
from rag.evaluate.page import page
from rag.evaluate.tradeoff import Curve
from rag.evaluate.tradeoff_page import rows, tradeoff_page, verdict

QUESTIONS = 40
JUNK = 20
PIPELINE = """
name: small
index:
  chunk: {use: fixed}
  lexical: {use: bm25, language: en}
  prune: {use: length, keep: 0.9}
query:
  - retrieve: {use: bm25, k: 100}
"""


class StopError(Exception):
    pass


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset that no test changes, with the figures that tests have found so far."""
    return dataset(tmp_path_factory.mktemp("curve"))


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    """A dataset of the test's own."""
    return dataset(tmp_path)


def dataset(folder: Path) -> Path:
    """Forty subjects, a document for each and a question for each; and twenty lines of junk."""
    folder /= "subjects"
    (folder / "qrels").mkdir(parents=True)
    names = [f"subject{chr(97 + n // 20)}{chr(97 + n % 20)}" for n in range(QUESTIONS)]
    documents = [
        {"_id": f"d{n:02}", "text": f"What is known of {name}:{' it was seen' * (n + 9)}."}
        for n, name in enumerate(names)
    ]
    documents += [{"_id": f"junk{n:02}", "text": "Page" + " page" * n} for n in range(JUNK)]
    questions = [{"_id": f"q{n:02}", "text": f"{name}?"} for n, name in enumerate(names)]
    write(folder / "corpus.jsonl", documents)
    write(folder / "queries.jsonl", questions)
    judgements = [f"q{n:02}\td{n:02}\t1" for n in range(QUESTIONS)]
    (folder / "qrels" / "test.tsv").write_text(
        "\n".join(["query-id\tcorpus-id\tscore", *judgements]) + "\n"
    )
    return folder


def write(path: Path, records: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.fixture
def pipeline() -> Pipeline:
    return parse_pipeline(PIPELINE, "small")


def made(folder: Path, pipeline: Pipeline, cache: Path | None = None) -> Curve:
    cache = cache or folder.parent / "cache"
    return curve(folder, pipeline, shares=(0.5, 0.0, 0.25, 0.1), cache=cache)


def test_junk_costs_nothing_and_more_does(shared: Path, pipeline: Pipeline) -> None:
    found = made(shared, pipeline)
    assert (found.dataset, found.measure, found.questions) == ("subjects", "nDCG@10", QUESTIONS)
    assert (found.whole.share, found.whole.passages, found.whole.pruned) == (0, 60, 0)
    assert found.whole.against_all is None
    own, by_lot = found.lines
    assert (own.name, own.control, by_lot.name, by_lot.control) == ("length", False, "random", True)
    assert [(one.share, one.passages, one.pruned) for one in own.points] == [
        (0.1, 54, 6),
        (0.25, 45, 15),
        (0.5, 30, 30),
    ]
    assert (own.equivalent, own.not_worse) == (0.25, 0.25)
    assert by_lot.equivalent == 0
    last = own.points[-1]
    assert last.against_all is not None
    assert last.against_all.difference == pytest.approx(-10 / QUESTIONS, abs=0.02)
    assert last.measures["R@100"].value == pytest.approx(0.75)
    assert last.bytes < found.whole.bytes
    assert last.seconds > 0
    assert last.encoded == 0


def test_a_pipeline_without_a_pruner_is_tried_with_the_default(
    beir: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.curve.DEFAULT_PRUNER", "centrality")
    qrels = beir / "qrels" / "test.tsv"
    qrels.write_text("\n".join(qrels.read_text().splitlines()[:3]) + "\n")
    dense = load_pipeline("dense", [f"index.encode.model={encoder_folder}"])
    found = curve(beir, dense, shares=(0.25,))
    assert [line.name for line in found.lines] == ["centrality", *CONTROLS]
    central, by_lot, _ = (line.points[0] for line in found.lines)
    assert central.encoded == 60, "it judges by vectors: all are encoded"
    assert by_lot.encoded == 45, "it does not: what is pruned costs no encoding"


def test_what_was_found_is_kept(
    beir: Path, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    real = Bench._measure
    done: list[str] = []

    def counted(self: Bench, variant: Pipeline, name: str, folder: Path) -> object:
        if len(done) == 3:
            raise StopError
        done.append(name)
        return real(self, variant, name, folder)

    monkeypatch.setattr(Bench, "_measure", counted)
    with pytest.raises(StopError):
        made(beir, pipeline, cache)
    assert done == ["all passages", "length, 10% pruned", "length, 25% pruned"]
    assert not [path for path in cache.iterdir() if path.is_dir()], "an index was left behind"
    done[:] = ["", ""]
    with pytest.raises(StopError):
        made(beir, pipeline, cache)
    assert done[2:] == ["length, 50% pruned"], "it did not go on where it was"
    monkeypatch.setattr(Bench, "_measure", real)
    first = made(beir, pipeline, cache)
    monkeypatch.setattr(Bench, "_measure", None)
    assert made(beir, pipeline, cache) == first
    with (beir / "corpus.jsonl").open("a") as lines:
        lines.write(json.dumps({"_id": "new", "text": "other"}) + "\n")
    with pytest.raises(TypeError):
        made(beir, pipeline, cache)


def test_without_a_cache_nothing_is_left(beir: Path, pipeline: Pipeline) -> None:
    found = curve(beir, pipeline, shares=(0.25,))
    assert found.lines[0].equivalent == 0.25
    assert [path.name for path in beir.parent.iterdir()] == ["subjects"]


def within(pipeline: Pipeline, *steps: Prune) -> Pipeline:
    return replace(pipeline, prune=steps)


def test_the_largest_share_for_a_pipeline_file(shared: Path, pipeline: Pipeline) -> None:
    step = Prune(pipeline.prune[0].component, within=0.01, dataset=str(shared))
    asked = within(pipeline, step)
    cache = shared.parent / "cache"
    shares = (0.1, 0.25, 0.3, 0.5)
    assert largest_share(asked, step, shared, 0.01, shares=shares, cache=cache) == 0.3
    assert largest_share(asked, step, shared, 0.01, shares=(0.5,), cache=cache) == 0
    assert largest_share(asked, step, shared, 0.4, shares=shares, cache=cache) == 0.5


def test_steps_before_it_prune_what_they_are_told_to(shared: Path, pipeline: Pipeline) -> None:
    first = Prune(pipeline.prune[0].component, keep=2 / 3)
    step = Prune(pipeline.prune[0].component, within=0.01, dataset=str(shared))
    both = within(pipeline, first, step)
    # The junk is gone already: a tenth more is a document that answers.
    assert largest_share(both, step, shared, 0.01, shares=(0.1,)) == 0


def test_few_questions_show_nothing(beir: Path, pipeline: Pipeline) -> None:
    qrels = beir / "qrels" / "test.tsv"
    qrels.write_text("\n".join(qrels.read_text().splitlines()[:20]) + "\n")
    step = pipeline.prune[0]
    with pytest.raises(RequestError, match=r"19 questions cannot show a loss to be below 0\.01"):
        largest_share(pipeline, step, beir, 0.01)
    assert curve(beir, pipeline, shares=(0.1,)).lines[0].not_worse == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"shares": (1.0,)}, "a share of 1: "),
        ({"shares": (-0.1,)}, "a share of -0.1: "),
        ({"shares": (0.0,)}, "no share to prune"),
        ({"margin": 0.0}, "a margin of 0: "),
        ({"margin": 1.5}, "a margin of 1.5: "),
        ({"measure": "nDCG@5"}, "no measure named 'nDCG@5'; did you mean 'nDCG@10'"),
    ],
)
def test_what_makes_no_sense(
    shared: Path, pipeline: Pipeline, given: dict[str, object], told: str
) -> None:
    with pytest.raises(RequestError, match=told.replace("?", r"\?")):
        curve(shared, pipeline, cache=shared.parent / "cache", **{"shares": (0.1,), **given})  # type: ignore[arg-type]


def test_another_measure_decides(shared: Path, pipeline: Pipeline) -> None:
    for name in ("recall@100", "R@100"):
        cache = shared.parent / "cache"
        found = curve(shared, pipeline, shares=(0.5,), measure=name, cache=cache)
        assert found.measure == "R@100"
        assert found.as_dict()["measure"] == "recall@100"


def test_the_report_as_data_and_as_a_page(shared: Path, pipeline: Pipeline) -> None:
    found = made(shared, pipeline)
    shape = found.as_dict()
    json.dumps(shape)
    assert [one["pruner"] for one in shape["lines"]] == ["length", "random"]
    point = shape["lines"][0]["points"][1]
    assert (point["share"], point["pruned"]) == (0.25, 15)
    assert point["against_all"]["verdict"] == "equivalent"
    assert set(point["measures"]) >= {"nDCG@10", "recall@100"}
    own, by_lot = found.lines
    assert verdict(found, own) == (
        "length: nDCG@10 is shown equivalent within 0.01 up to 25.0% pruned"
    )
    assert "no share is shown to cost less than 0.01" in verdict(found, by_lot)
    table = list(rows(found))
    assert len(table) == 1 + 2 * 3
    assert table[0][:3] == ["all passages", "0.0%", "60"]
    assert table[4][0] == "random (control)"
    pytest.importorskip("matplotlib")
    html = tradeoff_page(found)
    assert html.count("<svg") == 3
    assert verdict(found, own) in html
    assert page("", [])


def test_what_ties_is_not_pruned_and_not_claimed(beir: Path, pipeline: Pipeline) -> None:
    write(
        beir / "corpus.jsonl", [{"_id": f"d{n:02}", "text": f"word{n}"} for n in range(QUESTIONS)]
    )
    own = curve(beir, pipeline, shares=(0.1, 0.5)).lines[0]
    assert [(one.share, one.pruned) for one in own.points] == [(0.1, 0), (0.5, 0)]
    assert [one.against_all and one.against_all.verdict for one in own.points] == ["equivalent"] * 2
    assert own.equivalent == 0

"""A threshold fitted to a folder of documents with questions, and what `rag eval` tells of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from chat_server import closed_port

from rag.abstention import Fitted, fit_threshold
from rag.cli.main import main
from rag.config import load_pipeline
from rag.errors import RequestError
from rag.rag import Rag

NUMBER = 40
_SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "ra", "su", "ti", "ve")


def name(number: int) -> str:
    """A word of its own for each number."""
    digits = f"{number:03}"
    return "".join(_SYLLABLES[int(digit)] for digit in digits)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Boats with what they carry; half as many questions ask for what nobody wrote down."""
    folder = tmp_path_factory.mktemp("abstention") / "port"
    (folder / "documents").mkdir(parents=True)
    records = []
    for number in range(NUMBER):
        told = f"The {name(number)} carries {name(500 + number)}."
        (folder / "documents" / f"{number}.txt").write_text(told + "\n")
        record = {
            "id": number,
            "question": f"What does the {name(number)} carry?",
            "answer": name(500 + number),
            "documents": [f"{number}.txt"],
            "evidence": [told],
            "kind": "boat",
        }
        records.append(record)
    for number in range(NUMBER // 2):
        asked = f"Which harbour master painted the old lighthouse of {name(number)}?"
        records.append({"id": f"x{number}", "question": asked, "answer": "", "documents": []})
    lines = [json.dumps(record) + "\n" for record in records]
    (folder / "questions.jsonl").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def fitted(port: Path, cache: Path) -> Fitted:
    return fit_threshold(port, load_pipeline("bm25"), error=0.1, cache=cache)


def test_the_threshold_parts_what_is_answered_from_what_is_not(fitted: Fitted) -> None:
    assert (fitted.dataset, fitted.questions, fitted.answerable) == ("port", 60, 40)
    found = fitted.found
    assert 0 < found.threshold.value <= 1
    assert (found.at.answered, found.at.wrong) == (40, 0)
    assert found.abstained is not None
    assert found.abstained.value == 1
    assert found.bound <= 0.1
    assert fitted.aurc < 0.2


def test_the_line_does_in_a_pipeline_what_it_says(
    fitted: Fitted, port: Path, tmp_path: Path
) -> None:
    assert fitted.line == (
        f"answer: {{use: extractive, min_score: {fitted.found.threshold.value}}}"
    )
    path = tmp_path / "fitted.yaml"
    path.write_text(
        "name: fitted\nindex:\n  chunk: {use: fixed}\n  lexical: {use: bm25}\n"
        f"query:\n  - retrieve: {{use: bm25, k: 20}}\n{fitted.line}\n"
    )
    with Rag.open(tmp_path / "index", pipeline=str(path), workers=0) as rag:
        rag.index(port / "documents")
        assert not rag.ask(f"What does the {name(3)} carry?").abstained
        assert rag.ask(f"Which harbour master painted the old lighthouse of {name(3)}?").abstained


def test_other_options_of_the_answerer_stay_in_the_line(port: Path, cache: Path) -> None:
    pipeline = load_pipeline("bm25", ["answer.sentences=1", "answer.min_score=0.9"])
    line = fit_threshold(port, pipeline, error=0.2, cache=cache).line
    assert re.fullmatch(r"answer: \{use: extractive, sentences: 1, min_score: [01]\.[0-9]+\}", line)


def test_too_few_questions_are_refused(port: Path, cache: Path) -> None:
    with pytest.raises(RequestError, match=r"too few to prove an error of 0\.1 .* add at least"):
        fit_threshold(port, load_pipeline("bm25"), error=0.1, questions=20, cache=cache)


def test_answerers_and_datasets_that_do_not_fit_are_refused(tmp_path: Path, port: Path) -> None:
    model = f"{{use: openai, model: m, base_url: '{closed_port()}'}}"
    pipeline = load_pipeline("bm25", [f"answer={{use: chat, model: {model}}}"])
    with pytest.raises(RequestError, match="the answerer 'chat' has no 'min_score'"):
        fit_threshold(port, pipeline, error=0.1)
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "text": "x"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    with pytest.raises(RequestError, match="this is a dataset of beir; name one in SQuAD format"):
        fit_threshold(tmp_path, load_pipeline("bm25"), error=0.1)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(list(arguments))
    found = capsys.readouterr()
    return code, found.out, found.err


def test_the_command_prints_the_line(
    fitted: Fitted, port: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("calibrate", str(port), "--pipeline", "bm25", "--answers", "--index", str(cache))
    code, out, _ = told(capsys, *command)
    assert code == 0
    assert "60 questions, 40 with an answer" in out
    assert "wrong: 0 of 40 answers, 0.0%" in out
    assert "answered: 66.7% [" in out
    assert out.endswith(f"for the pipeline file:\n  {fitted.line}\n")
    code, out, _ = told(capsys, *command, "--json")
    shape = json.loads(out)
    assert (shape["line"], shape["error"], shape["level"]) == (fitted.line, 0.1, 0.95)
    assert shape["threshold"]["value"] == fitted.found.threshold.value
    assert shape == json.loads(json.dumps(fitted.as_dict(), allow_nan=False))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--answers", "--error", "0.01"), "too few to prove an error of 0.01"),
        (("--answers", "--error", "1"), "--error is a share between 0 and 1"),
        (("--answers", "--confidence", "0"), "--confidence is a share between 0 and 1"),
        (("--answers", "--split", "dev"), "--split does not go with --answers"),
        (("--answers", "--passages"), "--passages does not go with --answers"),
        (("--error", "0.1"), "--error goes with --answers"),
    ],
)
def test_the_command_refuses_in_one_line(
    port: Path,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    says: str,
) -> None:
    command = ("calibrate", str(port), "--pipeline", "bm25", "--index", str(cache))
    code, out, err = told(capsys, *command, *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_an_evaluation_tells_how_much_is_answered_and_how_well(
    port: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bold = "answer.min_score=0.0"
    page = tmp_path / "report.html"
    command = ("eval", str(port), "--pipeline", "bm25", "--index", str(cache), "--set", bold)
    code, out, _ = told(capsys, *command, "--html", str(page))
    assert code == 0
    for part in (
        "port (answers), 60 questions",
        "answered, of all questions",
        "right citations, of all citations",
        "area under the risk-coverage curve",
        "The same by kind of question",
    ):
        assert part in out
    html = page.read_text()
    assert "each point is a threshold" in html
    assert "coverage" in html
    code, out, _ = told(capsys, *command, "--json")
    (pipeline,) = json.loads(out)["pipelines"]
    answers = pipeline["answers"]
    assert answers["any-right"]["value"] == pipeline["measures"]["right"]["value"] == 1
    assert answers["abstained"]["of"] == 20
    assert answers["kinds"]["boat"]["answered"]["of"] == 40
    assert answers["risk_coverage"][0]["risk"] == 0
    assert pipeline["measures"]["exact-match"]["value"] == 0


def test_what_a_threshold_hides_is_in_the_curve_all_the_same(
    fitted: Fitted, port: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline that answers little has the same curve as one that always answers."""
    shapes = []
    for threshold in ("0.0", "1.0"):
        command = ("eval", str(port), "--pipeline", "bm25", "--index", str(cache), "--json")
        _, out, _ = told(capsys, *command, "--set", f"answer.min_score={threshold}")
        shapes.append(json.loads(out)["pipelines"][0]["answers"])
    always, seldom = shapes
    assert always["aurc"] == seldom["aurc"] == pytest.approx(fitted.aurc)
    assert always["risk_coverage"] == seldom["risk_coverage"]
    assert always["answered"]["value"] > seldom["answered"]["value"]

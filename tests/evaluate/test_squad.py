from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.errors import RequestError, SourceError
from rag.evaluate.detection import read_dataset
from rag.evaluate.squad import SquadDataset, read_squad
from rag.types import Answer, Block, Citation, Document, Hit, Passage

XQUAD = Path(__file__).parents[3] / "shared" / "data" / "xquad" / "xquad.en.json"
FERRY = "Die Fähre 🚢 legt mittags ab. Sie trägt Autos."
LAMP = "The lamp burns oil. It is lit at dusk."
TIDES = "The moon pulls the sea."

Record = dict[str, Any]


def question(identity: object, *answers: tuple[str, int], **more: object) -> Record:
    spans = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": identity, "question": f"What about {identity}?", "answers": spans, **more}


DATA: Record = {
    "version": "v2.0",
    "data": [
        {
            "title": "Ferries_of_the_north",
            "paragraphs": [
                {
                    "context": FERRY,
                    "qas": [
                        question("a", ("mittags", 17), ("legt mittags ab", 12)),
                        question("b", is_impossible=True, plausible_answers=[{"text": "Autos"}]),
                    ],
                }
            ],
        },
        {
            "title": "Light",
            "paragraphs": [
                {"context": LAMP, "qas": [question(7, ("dusk", 33))]},
                {"context": TIDES, "qas": []},
                {"context": FERRY, "qas": [question("d", ("Autos", FERRY.index("Autos")))]},
            ],
        },
    ],
}


def write(folder: Path, data: object = DATA, name: str = "harbour.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def hits(*places: tuple[str, int, int]) -> list[Hit]:
    found = [Passage(name, start, end, "x") for name, start, end in places]
    return [Hit(passage, 1 / (n + 1)) for n, passage in enumerate(found)]


def answer(text: str, *places: tuple[str, int, int]) -> Answer:
    cited = tuple(Citation(name, name, start, end, "x") for name, start, end in places)
    return Answer("?", text, abstained=False, citations=cited)


SILENT = Answer("?", "The documents don't answer this.", abstained=True)


def test_a_paragraph_is_a_document_and_each_text_is_one(tmp_path: Path) -> None:
    dataset = read_dataset(write(tmp_path))
    assert isinstance(dataset, SquadDataset)
    assert (dataset.name, dataset.format, dataset.cut, dataset.asks) == (
        "harbour", "squad", True, True,
    )  # fmt: skip
    assert dataset.compared == "answer-in-top-5"
    assert list(dataset.queries) == ["a", "b", "7", "d"]
    assert dataset.documents is not None
    assert list(dataset.documents())[:2] == [
        Document(
            id="harbour.json#0.0",
            source="harbour.json#0.0",
            text=FERRY,
            title="Ferries of the north",
            blocks=(Block(0, len(FERRY), headings=("Ferries of the north",)),),
        ),
        Document(
            id="harbour.json#1.0",
            source="harbour.json#1.0",
            text=LAMP,
            title="Light",
            blocks=(Block(0, len(LAMP), headings=("Light",)),),
        ),
    ]
    # The ferry's text stands twice, and is found in the document that it is.
    assert [one.id for one in dataset.documents()][2:] == ["harbour.json#1.1"]
    assert dataset.evidence["d"].document == "harbour.json#0.0"


def test_an_answer_is_found_where_it_stands(tmp_path: Path) -> None:
    dataset = read_squad(write(tmp_path))
    ferry, lamp = "harbour.json#0.0", "harbour.json#1.0"
    found = {
        "a": hits((ferry, 0, 20), (lamp, 12, 27), (ferry, 16, 28)),
        "b": hits((ferry, 0, 45)),
        "7": hits(*[(lamp, 0, 19)] * 5, (lamp, 20, 38)),
    }
    assert dataset.measure(found) == {
        "answer-in-top-1": {"a": 0.0, "7": 0.0, "d": 0.0},
        "answer-in-top-5": {"a": 1.0, "7": 0.0, "d": 0.0},
        "answer-in-top-10": {"a": 1.0, "7": 1.0, "d": 0.0},
    }


def test_answers_are_judged_by_their_words_and_by_what_they_quote(tmp_path: Path) -> None:
    dataset = read_squad(write(tmp_path))
    answers = {
        "a": answer("Legt, mittags ab!", ("harbour.json#1.0", 0, 40), ("harbour.json#0.0", 9, 28)),
        "b": answer("Autos", ("harbour.json#0.0", 0, 45)),
        "7": answer("It is lit at dusk.", ("harbour.json#1.0", 20, 38)),
        "d": SILENT,
    }
    assert dataset.measure_answers(answers) == {
        "exact-match": {"a": 1.0, "b": 0.0, "7": 0.0, "d": 0.0},
        # "dusk" is one of the five words said: precision 1/5, recall 1.
        "F1": {"a": 1.0, "b": 0.0, "7": pytest.approx(2 / 6), "d": 0.0},
        "answer-contained": {"a": 1.0, "7": 1.0, "d": 0.0},
        "abstains": {"b": 0.0},
    }
    silent = dataset.measure_answers(dict.fromkeys(answers, SILENT))
    assert silent["exact-match"] == silent["F1"] == {"a": 0.0, "b": 1.0, "7": 0.0, "d": 0.0}
    assert silent["abstains"] == {"b": 1.0}


def test_version_one_has_nothing_to_abstain_from(tmp_path: Path) -> None:
    data = copy.deepcopy(DATA)
    del data["data"][0]["paragraphs"][0]["qas"][1]
    dataset = read_squad(write(tmp_path, data))
    assert "abstains" not in dataset.measure_answers(dict.fromkeys(dataset.queries, SILENT))


def qas(data: Record) -> list[Record]:
    found: list[Record] = data["data"][1]["paragraphs"][2]["qas"]
    return found


def set_answer(**fields: object) -> Callable[[Record], object]:
    return lambda data: qas(data)[0]["answers"][0].update(fields)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(data=3), "harbour.json: the field 'data' must be a list"),
        (
            lambda d: d["data"].append(3),
            "harbour.json: data[2]: must be an object, such as {...}",
        ),
        (
            lambda d: d["data"][1].update(title=3),
            "harbour.json: data[1]: the field 'title' must be a string",
        ),
        (
            lambda d: d["data"][1]["paragraphs"].append({"context": "x"}),
            "harbour.json: data[1].paragraphs[3]: the field 'qas' must be a list",
        ),
        (
            lambda d: d["data"][1]["paragraphs"][2].update(context=" "),
            "harbour.json: data[1].paragraphs[2]: the field 'context' is empty",
        ),
        (
            lambda d: qas(d)[0].pop("id"),
            "harbour.json: data[1].paragraphs[2].qas[0]: the field 'id' is missing",
        ),
        (
            lambda d: qas(d)[0].update(id="a"),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0]: "
            "the id 'a' is that of data[0].paragraphs[0].qas[0]",
        ),
        (
            lambda d: qas(d)[0].update(question=""),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0]: the field 'question' is empty",
        ),
        (
            lambda d: qas(d)[0].update(answers=[]),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0]: "
            "has no answer, and is not marked as 'is_impossible'",
        ),
        (
            lambda d: qas(d)[0].update(is_impossible=True),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0]: is impossible, and yet has answers",
        ),
        (
            lambda d: qas(d)[0].update(is_impossible="no"),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0]: "
            "the field 'is_impossible' must be true or false",
        ),
        (
            set_answer(answer_start=3),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0].answers[0]: "
            "the context has ' Fähr' at 3, not 'Autos'",
        ),
        (
            set_answer(answer_start=-1),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0].answers[0]: "
            "the field 'answer_start' must be a whole number from 0",
        ),
        (
            set_answer(answer_start=10**9),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0].answers[0]: "
            "the context has '' at 1000000000, not 'Autos'",
        ),
        (
            set_answer(text=""),
            "harbour.json:LINE: data[1].paragraphs[2].qas[0].answers[0]: the field 'text' is empty",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, change: Callable[[Record], object], says: str
) -> None:
    data = copy.deepcopy(DATA)
    change(data)
    path = write(tmp_path, data)
    identity = '"a"' if "the id 'a'" in says else '"d"'
    numbered = enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)
    lines = [number for number, line in numbered if f'"id": {identity}' in line]
    expected = says.replace("LINE", str(lines[-1])) if lines else says
    with pytest.raises(SourceError) as caught:
        read_dataset(path)
    assert str(caught.value) == f"{tmp_path}/{expected}"


def test_files_that_are_broken_or_something_else(tmp_path: Path) -> None:
    def fault(content: bytes, name: str = "harbour.json") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RequestError) as caught:
            read_dataset(path)
        return str(caught.value).removeprefix(str(path))

    assert fault(b'{"data": [\n{]}') == (
        ":2: broken JSON (Expecting property name enclosed in double quotes)"
    )
    assert fault(b"\xff") == ": not UTF-8 at byte 0; save the file as UTF-8"
    assert fault(b"[1]") == ": must be an object, such as {...}"
    assert fault(b'{"data": []}') == ": there is no question that has an answer"
    assert fault(b"Some text", "notes.txt") == (
        ": is a file, and neither in SQuAD format nor one of questions with their answers; "
        "name a dataset's folder"
    )


def test_a_folder_holds_one_file_or_the_file_is_named(tmp_path: Path) -> None:
    english = write(tmp_path, name="harbour.en.json")
    (tmp_path / "package.json").write_text('{"name": "harbour"}')
    assert read_dataset(tmp_path).folder == english
    german = write(tmp_path, name="harbour.de.json")
    with pytest.raises(RequestError) as caught:
        read_dataset(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: there must be one SQuAD file "
        "(there: harbour.de.json, harbour.en.json); name the one to measure"
    )
    assert read_dataset(german).name == "harbour.de"


def test_other_json_files_are_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "harbour"}')
    with pytest.raises(SourceError, match=r"no dataset in a known format: BEIR .*; SQuAD "):
        read_dataset(tmp_path)


def test_there_are_no_splits(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="the SQuAD format has no splits; leave out 'dev'"):
        read_dataset(write(tmp_path), "dev")


@pytest.mark.skipif(not XQUAD.is_file(), reason="the shared test collections are not here")
def test_the_shared_set_is_read_whole() -> None:
    dataset = read_squad(XQUAD.parent)
    assert (len(dataset.queries), len(dataset.evidence)) == (1190, 1190)
    assert dataset.documents is not None
    texts = {document.id: document.text for document in dataset.documents()}
    assert len(texts) == 240
    said = {
        query: answer(texts[one.document][slice(*one.ranges[0])], (one.document, *one.ranges[0]))
        for query, one in dataset.evidence.items()
    }
    for values in dataset.measure_answers(said).values():
        assert set(values.values()) == {1.0}

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from rag.errors import RequestError, SourceError
from rag.evaluate.detection import read_dataset
from rag.evaluate.spans import SpansDataset, read_spans
from rag.types import Block, Hit, Passage

CHUNKING = Path(__file__).parents[3] / "shared" / "data" / "chunking"
FERRY = "# Ferry\n\nThe ferry leaves at noon. It carries cars.\n\nBikes go free.\n"
LAMP = "The lamp burns oil.\r\n\r\nÉmile lights it at dusk. 🕯 It is put out at dawn.\r\n"


def reference(text: str, content: str, /, **change: object) -> dict[str, object]:
    start = text.index(content)
    found = {"content": content, "start_index": start, "end_index": start + len(content)}
    return {**found, **change}


def line(question: object, *references: object) -> str:
    return json.dumps({"question": question, "references": list(references)}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ferry.md").write_bytes(FERRY.encode())
    (tmp_path / "lamp.txt").write_bytes(LAMP.encode())
    (tmp_path / "README.md").write_text("No questions are asked about this one.")
    (tmp_path / "ferry.questions.jsonl").write_text(
        line("When does it leave?", reference(FERRY, "The ferry leaves at noon. "))
        + "\n"
        + line("Who pays?", reference(FERRY, "cars"), reference(FERRY, "Bikes go free."))
    )
    (tmp_path / "lamp.questions.jsonl").write_text(
        line("Who lights the lamp?", reference(LAMP, "🕯 It is put out"))
    )
    return tmp_path


def hits(*places: tuple[str, int, int]) -> list[Hit]:
    found = [Passage(name, start, end, "x") for name, start, end in places]
    return [Hit(passage, 1 / (n + 1)) for n, passage in enumerate(found)]


def test_texts_are_documents_with_nothing_changed(folder: Path) -> None:
    dataset = read_dataset(folder)
    assert isinstance(dataset, SpansDataset)
    assert (dataset.format, dataset.cut, dataset.asks) == ("spans", True, False)
    assert dataset.compared == "token-recall@5"
    assert dataset.documents is not None
    ferry, lamp = dataset.documents()
    assert (ferry.id, ferry.text, ferry.title) == ("ferry.md", FERRY, "Ferry")
    assert [block.kind for block in ferry.blocks] == ["heading", "paragraph", "paragraph"]
    # A format would make single newlines of these, and shift all that follows.
    assert (lamp.id, lamp.text) == ("lamp.txt", LAMP)
    assert lamp.blocks == (Block(0, 19), Block(23, 72))
    assert [doc.id for doc in dataset.documents()] == ["ferry.md", "lamp.txt"]


def test_front_matter_and_a_mark_stay_in_the_text(folder: Path) -> None:
    text = "\ufeff---\ntitle: Ferry\n---\n\n\n  \nIt leaves.\n\n \n"
    (folder / "ferry.md").write_bytes(text.encode())
    (folder / "ferry.questions.jsonl").write_text(line("When?", reference(text, "leaves")))
    dataset = read_spans(folder)
    assert dataset.documents is not None
    ferry = next(dataset.documents())
    assert ferry.text == text
    assert [text[block.start : block.end] for block in ferry.blocks] == [
        "\ufeff---\ntitle: Ferry\n---",
        "It leaves.",
    ]


def test_questions_are_named_by_their_line(folder: Path) -> None:
    dataset = read_spans(folder)
    assert dataset.queries == {
        "ferry:1": "When does it leave?",
        "ferry:3": "Who pays?",
        "lamp:1": "Who lights the lamp?",
    }


def test_measures_of_the_first_five_passages(folder: Path) -> None:
    dataset = read_spans(folder)
    found = {
        "ferry:1": hits(("ferry.md", 9, 34), ("lamp.txt", 0, 19)),
        "ferry:3": hits(*[("lamp.txt", 0, 10)] * 4, ("ferry.md", 52, 68), ("ferry.md", 30, 60)),
    }
    measured = dataset.measure(found)
    # "The ferry leaves at noon. " has 26 characters, the first passage 25 of them.
    assert measured["token-recall@5"] == {"ferry:1": 25 / 26, "ferry:3": 14 / 18, "lamp:1": 0.0}
    assert measured["token-precision@5"]["ferry:1"] == 25 / 44
    assert measured["token-precision@5"]["ferry:3"] == 14 / 56
    assert measured["IoU@5"] == {"ferry:1": 25 / 45, "ferry:3": 14 / 60, "lamp:1": 0.0}
    # A reference is whole without the space at its end, and one of several is enough.
    assert measured["answer-in-top-1"] == {"ferry:1": 1.0, "ferry:3": 0.0, "lamp:1": 0.0}
    assert measured["answer-in-top-5"] == {"ferry:1": 1.0, "ferry:3": 1.0, "lamp:1": 0.0}


def test_precision_omega_is_of_the_whole_index(folder: Path) -> None:
    dataset = read_spans(folder)
    cut = [("lamp.txt", 0, 19), ("ferry.md", 0, 40), ("ferry.md", 40, 68), ("other.md", 0, 9)]
    passages = (Passage(name, start, end, "x") for name, start, end in cut)
    assert dataset.measure_index(passages) == {
        "precision-omega": {"ferry:1": 26 / 40, "ferry:3": 18 / 28, "lamp:1": 0.0}
    }


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ([], "each line must be a JSON object, such as {...}"),
        ({"question": " "}, "the field 'question' is empty"),
        ({"question": "When does it leave?"}, "the same question as on line 1"),
        ({"references": []}, "the field 'references' must be a list of references"),
        ({"references": [3]}, "reference 1: must be an object, such as {...}"),
        (
            {"references": [reference(FERRY, "cars"), reference(FERRY, "free", content="paid")]},
            "reference 2: ferry.md has 'free' from 62 to 66, not 'paid'",
        ),
        (
            {"references": [reference(FERRY, "cars", start_index=2, end_index=6)]},
            "reference 1: ferry.md has 'Ferr' from 2 to 6, not 'cars'; the content stands at 46",
        ),
        (
            {"references": [reference(FERRY, "noon. It", end_index=69)]},
            "reference 1: ends at 69, but ferry.md has 68 characters",
        ),
        (
            {"references": [reference(FERRY, "noon", end_index=29)]},
            "reference 1: is empty",
        ),
        ({"references": [reference(FERRY, " ")]}, "reference 1: is empty"),
        *(
            (
                {"references": [reference(FERRY, "cars", start_index=wrong)]},
                "reference 1: the field 'start_index' must be a whole number from 0",
            )
            for wrong in (-1, "46", True, None, 46.0)
        ),
        (
            {"references": [reference(FERRY, "cars", content=None)]},
            "reference 1: the field 'content' is missing",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(folder: Path, record: object, says: str) -> None:
    path = folder / "ferry.questions.jsonl"
    good = path.read_text()
    if isinstance(record, dict):
        whole: Mapping[str, object] = {"question": "Why?", "references": [reference(FERRY, "cars")]}
        record = {**whole, **record}
    path.write_text(good + json.dumps(record) + "\n")
    with pytest.raises(SourceError) as caught:
        read_dataset(folder)
    assert str(caught.value) == f"{path}:4: {says}"


def test_long_contents_are_cut_in_messages(folder: Path) -> None:
    path = folder / "ferry.questions.jsonl"
    path.write_text(line("Why?", {"content": "y" * 60, "start_index": 0, "end_index": 60}))
    with pytest.raises(SourceError) as caught:
        read_dataset(folder)
    assert str(caught.value).endswith(f" from 0 to 60, not '{'y' * 40}…'")
    assert "\n" not in str(caught.value)


def test_the_same_question_of_two_texts_is_two_questions(folder: Path) -> None:
    path = folder / "lamp.questions.jsonl"
    path.write_text(line("When does it leave?", reference(LAMP, "dusk")))
    assert set(read_spans(folder).queries) == {"ferry:1", "ferry:3", "lamp:1"}


def test_texts_that_are_missing_double_or_no_text(folder: Path) -> None:
    questions = folder / "lamp.questions.jsonl"

    def fault() -> str:
        with pytest.raises(SourceError) as caught:
            read_dataset(folder)
        return str(caught.value)

    (folder / "lamp.md").write_text(LAMP)
    assert fault() == f"{questions}: lamp.md and lamp.txt are both there; keep one"
    (folder / "lamp.md").unlink()
    (folder / "lamp.txt").write_bytes(b"dusk \xe9")
    assert fault() == f"{folder / 'lamp.txt'}: not UTF-8 at byte 5; save the file as UTF-8"
    (folder / "lamp.txt").write_bytes(b"dusk\0")
    assert fault() == f"{folder / 'lamp.txt'}: holds a NUL at 4: it is no text"
    (folder / "lamp.txt").unlink()
    missing = f"{questions}: the text is missing: there is no lamp.md or lamp.txt"
    assert fault() == missing
    (folder / "lamp.txt").write_bytes(LAMP.encode())
    questions.write_text("\n\n")
    assert fault() == f"{questions}: there is no question"


def test_there_are_no_splits(folder: Path) -> None:
    with pytest.raises(RequestError, match="the span format has no splits; leave out 'dev'"):
        read_dataset(folder, "dev")


def test_a_folder_of_two_formats_is_refused(folder: Path) -> None:
    (folder / "pdfs").mkdir()
    (folder / "questions.jsonl").write_text("")
    with pytest.raises(SourceError) as caught:
        read_dataset(folder)
    says = str(caught.value)
    assert says.startswith(f"{folder}: holds datasets of 2 formats, pages (questions.jsonl, and")
    assert says.endswith("; keep each in a folder of its own")


@pytest.mark.skipif(not CHUNKING.is_dir(), reason="the shared test collections are not here")
def test_the_shared_set_is_read_whole() -> None:
    dataset = read_spans(CHUNKING)
    assert len(dataset.queries) == 276
    assert dataset.documents is not None
    texts = {document.id: document.text for document in dataset.documents()}
    whole = {
        query: hits((one.document, 0, len(texts[one.document])))
        for query, one in dataset.references.items()
    }
    assert set(dataset.measure(whole)["token-recall@5"].values()) == {1.0}
    everything = [Passage(name, 0, len(text), text) for name, text in texts.items()]
    assert dataset.measure_index(everything)["precision-omega"] == pytest.approx(
        dataset.measure(whole)["token-precision@5"]
    )

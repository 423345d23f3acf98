"""Many questions at once, with the answers of one at a time."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from chat_server import ChatServer, closed_port, slow, status

from rag import Answer, Condition, Query, Rag, Unanswered
from rag.errors import IndexMismatchError, NoIndexError, RequestError
from rag.facade.workers import default_workers
from rag.protocols import Vectors
from rag.testing import HashingEncoder

WORDS = ("ferry", "lamp", "oil", "storm", "island", "fog")


class Counting(HashingEncoder):
    """Counts what it encodes, and the threads that are in it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        return super().encode_passages(texts)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number, words in enumerate(itertools.combinations(WORDS, 3)):
        sentence = "The {} is near the {}. Nobody sees the {} at night.".format(*words)
        (folder / f"{number:03}.txt").write_text(sentence)
    return tmp_path


def opened(place: Path, *overrides: str, pipeline: str = "hybrid", **given: object) -> Rag:
    encoder = given.pop("encoder", None) or HashingEncoder()
    return Rag.open(
        place / ".rag",
        pipeline=pipeline,
        overrides=["index.lexical.language=en", *overrides],
        encoder=encoder if pipeline == "hybrid" else None,  # type: ignore[arg-type]
        workers=0,
    )


@pytest.fixture
def rag(place: Path) -> Iterator[Rag]:
    with closing(opened(place)) as made:
        made.index(place / "documents")
        yield made


def questions(number: int) -> list[str]:
    pairs = itertools.islice(itertools.cycle(itertools.permutations(WORDS, 2)), number)
    return [f"Where is the {one} near the {other}?" for one, other in pairs]


def same(one: Answer | Unanswered, other: Answer) -> bool:
    """Equal but for the time, and for the last digits of scores."""
    assert isinstance(one, Answer)
    assert one.score == pytest.approx(other.score, abs=1e-5)
    assert [hit.score for hit in one.hits] == pytest.approx(
        [hit.score for hit in other.hits], abs=1e-5
    )
    parts = [replace(answer, seconds=0.0, score=0.0, hits=()) for answer in (one, other)]
    passages = [[hit.passage for hit in answer.hits] for answer in (one, other)]
    return parts[0] == parts[1] and passages[0] == passages[1]


@pytest.mark.parametrize("workers", [1, 3, 16, None])
def test_answers_are_those_of_one_at_a_time(rag: Rag, workers: int | None) -> None:
    asked = questions(40)
    found = list(rag.batch(asked, workers=workers))
    assert len(found) == 40
    assert all(same(one, rag.ask(text)) for one, text in zip(found, asked, strict=True))


def test_queries_keep_their_filters(rag: Rag) -> None:
    only = Condition("source", "~", "003")
    (found,) = rag.batch([Query("Where is the lamp?", (only,))])
    assert same(found, rag.ask("Where is the lamp?", filters=only))
    (other,) = rag.batch(["Where is the lamp?"], filters='source ~ "003"')
    assert same(other, rag.ask("Where is the lamp?", filters=only))


def test_equal_sentences_are_encoded_once(place: Path) -> None:
    encoder = Counting()
    with closing(opened(place, encoder=encoder)) as rag:
        rag.index(place / "documents")
        asked = questions(60)
        encoder.texts = 0
        for text in asked:
            rag.ask(text)
        alone = encoder.texts
        encoder.texts = 0
        assert len(list(rag.batch(asked))) == 60
        # What several questions ask for is encoded once, also where they come one by one.
        assert encoder.texts <= alone < 2 * len(asked)


def test_questions_are_read_a_few_ahead(rag: Rag) -> None:
    read = itertools.count()
    answers = rag.batch((f"lamp {next(read)}" for _ in itertools.count()), workers=2)
    assert [one.question for one in itertools.islice(answers, 20)] == [
        f"lamp {n}" for n in range(20)
    ]
    assert next(read) <= 20 + 2 * 4 + 1
    answers.close()


def test_an_answer_is_there_before_the_next_question(rag: Rag) -> None:
    seen: list[str] = []

    def conversation() -> Iterator[str]:
        yield "Where is the lamp?"
        for _ in range(200):  # whoever waits for an answer asks again a little later
            if seen:
                break
            time.sleep(0.01)
            yield "Where is the oil?"

    for one in rag.batch(conversation(), workers=2):
        seen.append(one.question)
    assert len(seen) < 100


def test_one_that_fails_is_no_end(rag: Rag) -> None:
    asked: list[str | Query] = [
        "Where is the lamp?",
        " ",
        "x" * 100_000,
        Query("Where?", (Condition("no", "=", 1),)),
    ]
    asked.append("Where is the oil?")
    good, empty, long, filtered, other = rag.batch(asked)
    assert isinstance(good, Answer)
    assert isinstance(other, Answer)
    assert empty == Unanswered(" ", "the question is empty")
    assert isinstance(long, Unanswered)
    assert "100,000 characters" in long.error
    assert isinstance(filtered, Unanswered)
    assert "no" in filtered.error


def test_what_is_wrong_with_all_is_raised(place: Path, rag: Rag) -> None:
    with closing(opened(place / "elsewhere")) as none, pytest.raises(NoIndexError):
        next(none.batch(["Where?"]))
    other = opened(place, "index.chunk.max_tokens=99")
    with closing(other), pytest.raises(IndexMismatchError):
        next(other.batch(["Where?"]))
    with pytest.raises(RequestError, match="field"):
        next(rag.batch(["Where?"], filters="missing = 1"))
    with pytest.raises(RequestError, match="at least one worker"):
        rag.batch(["Where?"], workers=0)


def test_errors_of_the_questions_themselves_come_after_the_answers(rag: Rag) -> None:
    def broken() -> Iterator[str]:
        yield "Where is the lamp?"
        raise OSError("the file is gone")

    answers = rag.batch(broken())
    assert isinstance(next(answers), Answer)
    with pytest.raises(OSError, match="the file is gone"):
        next(answers)


def test_closing_ends_the_threads(rag: Rag) -> None:
    answers = rag.batch(questions(100), workers=5)
    next(answers)
    answers.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("rag-batch")]
    rag.close()
    with pytest.raises(RequestError, match="closed"):
        next(rag.batch(["Where?"]))


def test_an_index_that_changes_meanwhile(place: Path, rag: Rag) -> None:
    asked = ["Where is the ferry near the lamp?"] * 300
    old = rag.ask(asked[0])
    answers = rag.batch(asked, workers=8)
    found = [next(answers)]
    for path in (place / "documents").iterdir():
        path.write_text(path.read_text().replace("near", "far from"))
    writing = threading.Thread(target=rag.index, args=(place / "documents",))
    writing.start()
    found += answers
    writing.join()
    new = rag.ask(asked[0])
    assert old.text != new.text
    for one in found:
        assert isinstance(one, Answer)
        assert said(one) in (said(old), said(new))
    assert said(found[0]) == said(old)  # type: ignore[arg-type]


def test_chat_models_are_asked_for_several_questions_at_once(place: Path, rag: Rag) -> None:
    server = ChatServer(slow(0.1, "The lamp is near the oil."))
    with server, closing(chatting(place, server.url)) as chat:
        assert default_workers(chat.pipeline) == 4
        assert default_workers(rag.pipeline) == 16
        found = list(chat.batch(questions(12), workers=6))
    assert all(isinstance(one, Answer) for one in found)
    assert len(server.requests) == 12
    assert server.most > 1
    assert server.most <= 6


def test_a_chat_model_that_fails_at_times(place: Path, rag: Rag) -> None:
    def at_times(exchange: object) -> None:
        prompt = exchange.request.prompt  # type: ignore[attr-defined]
        behave = (
            status(400, said="no") if "Where is the fog" in prompt else slow(0, "Near the oil.")
        )
        behave(exchange)  # type: ignore[arg-type]

    asked = ["Where is the lamp?", "Where is the fog?", "Where is the oil?"]
    with ChatServer(at_times) as server, closing(chatting(place, server.url)) as chat:
        first, second, third = chat.batch(asked)
    assert isinstance(first, Answer)
    assert isinstance(third, Answer)
    assert isinstance(second, Unanswered)
    assert second.question == "Where is the fog?"
    assert "\n" not in second.error


def test_a_chat_model_that_is_not_there(place: Path, rag: Rag) -> None:
    with closing(chatting(place, closed_port())) as chat:
        found = list(chat.batch(questions(3)))
    assert [type(one) for one in found] == [Unanswered] * 3


def said(answer: Answer) -> tuple[str, list[tuple[str, int, int, str]]]:
    """What an answer says and cites; whether a file has changed since is another matter."""
    cited = [(one.document_id, one.start, one.end, one.quote) for one in answer.citations]
    return answer.text, cited


def chatting(place: Path, url: str) -> Rag:
    """A pipeline whose answers are written by the chat model at `url`."""
    model = f"{{use: openai, base_url: '{url}/v1', model: m}}"
    return opened(place, f"answer={{use: chat, model: {model}, retries: 0, cache: false}}")

"""Answers that a chat model writes: cited, verified, streamed, and what becomes of bad replies."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from answering import document, hits, quotes
from chat_server import (
    Behaviour,
    ChatServer,
    closed_port,
    ok,
    slow,
    status,
    stream,
    stream_cut,
    stream_endless,
    stream_gated,
    stream_raw,
    stream_told,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer.abstention import ABSTENTION
from rag.answer.chat import ChatAnswerer
from rag.answer.extractive import ExtractiveAnswerer
from rag.chat.openai import OpenAIChat
from rag.errors import ChatError, RequestError
from rag.protocols import Answerer
from rag.testing import AnswererSuite
from rag.testing.memory import MemoryView
from rag.tracing import question as one_question
from rag.types import Answer, Delta, Message, Query, Reply, Turn

FERRY = document(
    ("The ferry to Brann leaves at 09:40.", "paragraph", 3, ("Times",)),
    ("Dogs travel free. Bicycles pay two crowns.", "paragraph", 4, ("Fares",)),
    name="ferry",
)
LIGHT = document(("The lamp is lit at dusk by the keeper.", "paragraph", 1, ()), name="light")
ASKED = Query("When does the ferry leave?")


class Scripted:
    """A chat model that gives the same pieces to everybody."""

    fingerprint = "scripted"

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = pieces
        self.asked: list[Sequence[Message]] = []

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        self.asked.append(messages)
        return Reply("".join(self.pieces))

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Any:
        self.asked.append(messages)
        yield from self.pieces


def told(answerer: Answerer, query: Query = ASKED) -> tuple[list[str], Answer, tuple[str, ...]]:
    """The pieces of a streamed answer, the answer, and the notes."""
    made = [FERRY, LIGHT]
    assert isinstance(answerer, ChatAnswerer)
    with one_question() as under_way:
        *pieces, answer = answerer.stream(query, hits(made), MemoryView(made))
        assert isinstance(answer, Answer)
        texts = [piece.text for piece in pieces if isinstance(piece, Delta)]
        assert "".join(texts) == answer.text
        assert all(texts)
        return texts, answer, under_way.take_notes()


def written(reply: str, **options: Any) -> tuple[Answer, tuple[str, ...]]:
    """What becomes of a reply that comes in pieces of five characters."""
    pieces = [reply[at : at + 5] for at in range(0, len(reply), 5)]
    _, answer, notes = told(ChatAnswerer(chat=Scripted(pieces), **options))
    return answer, notes


def served(behaviour: Behaviour, **options: Any) -> tuple[Answer, tuple[str, ...]]:
    """The answer by a server that behaves so."""
    with ChatServer(behaviour) as server:
        chat = OpenAIChat(model="m", base_url=f"{server.url}/v1")
        _, answer, notes = told(ChatAnswerer(model=chat, cache=False, **options))
        return answer, notes


class TestChatAnswerer(AnswererSuite):
    def make(self) -> Answerer:
        class Honest(Scripted):
            def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
                return Reply("".join(self.stream(messages)))

            def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Any:
                ferry = "ferry leave" in messages[-1].text.rpartition("<question>")[2]
                yield from ["The ferry ", "leaves at nine [1]."] if ferry else ["NO_", "ANSWER"]

        return ChatAnswerer(chat=Honest([]))


def test_markers_are_verified_and_numbered_anew() -> None:
    answer, notes = written(
        "Bicycles pay two crowns [2]. The ferry to Brann leaves at 09:40 [1][7]."
    )
    assert answer.text == "Bicycles pay two crowns. [1] The ferry to Brann leaves at 09:40. [2]"
    assert quotes(answer) == ["Bicycles pay two crowns.", "The ferry to Brann leaves at 09:40."]
    assert [one.citations for one in answer.statements] == [(0,), (1,)]
    assert [one.page for one in answer.citations] == [4, 3]
    assert answer.score == min(one.support for one in answer.statements)
    assert not answer.abstained
    assert notes == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), max_size=20))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    reply = (
        "Dogs travel free [1]! See Dr. Ames at 3.5 km [99], or <b>http://e.example</b>. "
        "\n\n- 狗免费。猫也一样【1】。\n1. The ferry leaves at 09:40. [1, 2] "
    )
    whole = written(reply)[0]
    places = [0, *sorted({min(sum(cuts[:at]), len(reply)) for at in range(1, len(cuts) + 1)})]
    pieces = [reply[a:b] for a, b in zip(places, [*places[1:], len(reply)], strict=True) if a < b]
    assert told(ChatAnswerer(chat=Scripted(pieces)))[1] == whole


def test_answering_at_once_is_the_same() -> None:
    answerer = ChatAnswerer(chat=Scripted(["Dogs tra", "vel free [1]. Cats are late [1]."]))
    made = [FERRY, LIGHT]
    assert answerer.answer(ASKED, hits(made), MemoryView(made)) == told(answerer)[1]


def test_text_flows_before_its_sentence_is_complete() -> None:
    gate = threading.Event()
    with ChatServer(stream_gated(["The ferry"], gate, [" left."])) as server:
        chat = OpenAIChat(model="m", base_url=f"{server.url}/v1")
        view = MemoryView([FERRY])
        answerer = ChatAnswerer(model=chat, cache=False)
        events = iter(answerer.stream(ASKED, hits([FERRY]), view))
        assert next(events) == Delta("The ferry")
        gate.set()
        assert [type(event) for event in events][-1] is Answer


def test_what_is_not_supported_is_marked() -> None:
    answer, _ = written("Dogs travel free [1]. The ferry to Brann leaves at 10:50 [1].")
    assert answer.text.endswith("leaves at 10:50. [unsupported]")
    assert [one.supported for one in answer.statements] == [True, False]
    assert len(answer.citations) == 1


def test_what_is_not_supported_is_dropped() -> None:
    reply = "The ferry to Brann leaves at 10:50 [1]. Dogs travel free [1]."
    answer, notes = written(reply, unsupported="drop")
    assert answer.text == "Dogs travel free. [1]"
    assert notes == ("1 sentence that the sources do not support is left out",)


def test_where_nothing_is_left_it_abstains() -> None:
    answer, notes = written("The moon is made of cheese.", unsupported="drop")
    assert answer.abstained
    assert answer.text.startswith(ABSTENTION)
    assert "nothing that can be shown" in notes[-1]


@pytest.mark.parametrize("reply", ["NO_ANSWER", "**NO_ANSWER**.", "NO_ANSWER\n\nThe sources say."])
def test_it_abstains(reply: str) -> None:
    answer, _ = written(reply)
    assert answer.abstained
    assert answer.citations == ()
    assert answer.statements == ()
    assert answer.text.startswith(ABSTENTION)


def test_a_wrong_source_is_put_right() -> None:
    answer, _ = written("The lamp is lit at dusk by the keeper [1].")
    assert [one.source for one in answer.citations] == ["light.md"]
    assert answer.text.endswith("keeper. [1]")


def test_without_citations_the_evidence_is_found() -> None:
    assert written("Dogs travel free.")[0].text == "Dogs travel free. [1]"


def test_nonsense_is_marked() -> None:
    answer, _ = written("qwx zzkl [99] ]]]] [[ ((( [1")
    assert not any(one.supported for one in answer.statements)
    assert answer.citations == ()


def test_other_scripts() -> None:
    made = document(("渡轮九点四十分开。狗免费乘船。", "paragraph", 1, ()), name="zh")
    arabic = document(("تغادر العبارة في الساعة التاسعة.", "paragraph", 1, ()), name="ar")
    for one, said in ((made, "狗免费乘船。"), (arabic, "تغادر العبارة في الساعة التاسعة.")):
        answerer = ChatAnswerer(chat=Scripted([said[:3], said[3:], "[1]"]))
        *_, answer = answerer.stream(Query("什么时候开"), hits([one]), MemoryView([one]))
        assert isinstance(answer, Answer)
        assert answer.text.replace(" ", "") == f"{said}[1]".replace(" ", "")
        assert quotes(answer) == [said]


@pytest.mark.parametrize(
    "behaviour",
    [stream_endless("la "), stream_endless("The ferry is red and white. "), stream_endless("x")],
)
def test_a_reply_without_end_is_stopped(behaviour: Behaviour) -> None:
    answer, notes = served(behaviour)
    assert len(answer.text) < 1_500
    assert "the reply was stopped: it repeats itself" in notes


def test_a_long_reply_is_stopped() -> None:
    reply = " ".join(f"Number {number} follows." for number in range(200))
    answer, notes = written(reply, max_characters=300)
    assert "the reply was stopped at max_characters = 300" in notes
    assert "Number 12 follows" in answer.text
    assert "Number 25 " not in answer.text


@pytest.mark.parametrize(
    ("behaviour", "failed"),
    [
        (stream(["The ferry to Brann leaves at 09:40."]), False),
        (stream(["The ferry to Brann leaves"], ended="length"), True),
        (stream_endless("The ferry is red and white. "), True),
    ],
)
def test_an_answer_that_is_not_whole_counts_as_failed(behaviour: Behaviour, failed: bool) -> None:
    with one_question() as under_way:
        _, notes = served(behaviour)
        assert under_way.take_failed() == failed
    cut = any("cut off at max_tokens" in one for one in notes)
    assert ("the answer is not whole: raise the model's 'max_tokens'" in notes) == cut


def test_what_was_shown_of_a_sentence_that_was_stopped_is_checked() -> None:
    reply = f"The ferry to Brann leaves at 09:40. The moon is made of {'green ' * 40}cheese."
    answer, notes = written(reply, max_characters=100)
    assert "the reply was stopped at max_characters = 100" in notes
    first, last = answer.statements
    assert (first.supported, last.supported) == (True, False)
    assert answer.text[last.start : last.end].startswith("The moon is made of green")
    assert answer.text[last.end :] == " [unsupported]"


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (status(500), "500"),
        (slow(5), "nothing for 0.3 s|deadline"),
        (stream(["", " "]), "empty"),
        (stream_raw(b"data: nonsense\n\n"), "m"),
    ],
)
def test_a_server_that_fails(behaviour: Behaviour, message: str) -> None:
    with pytest.raises(ChatError, match=message) as caught:
        served(behaviour, retries=0, timeout=0.3, deadline=0.5)
    assert "\n" not in str(caught.value)
    answer, notes = served(
        behaviour, retries=0, timeout=0.3, deadline=0.5, fallback=ExtractiveAnswerer(min_score=0)
    )
    assert answer.citations
    assert any("ExtractiveAnswerer does instead" in line for line in notes)


def test_a_server_that_is_not_there() -> None:
    chat = OpenAIChat(model="m", base_url=f"{closed_port()}/v1")
    view, found = MemoryView([FERRY]), hits([FERRY])
    with pytest.raises(ChatError, match="cannot be reached"):
        ChatAnswerer(model=chat, retries=0, cache=False).answer(ASKED, found, view)
    with one_question() as under_way:
        other = ExtractiveAnswerer(min_score=0)
        answerer = ChatAnswerer(model=chat, retries=0, cache=False, fallback=other)
        assert answerer.answer(ASKED, found, view).citations
        assert under_way.take_failed()


def test_a_stream_that_breaks_off_is_an_error_once_it_was_shown() -> None:
    with ChatServer(stream_cut(["Dogs travel", " free [1]. And"])) as server:
        chat = OpenAIChat(model="m", base_url=f"{server.url}/v1")
        answerer = ChatAnswerer(
            model=chat, retries=0, cache=False, fallback=ExtractiveAnswerer(min_score=0)
        )
        shown = []
        with pytest.raises(ChatError):
            for event in answerer.stream(ASKED, hits([FERRY]), MemoryView([FERRY])):
                assert isinstance(event, Delta)
                shown.append(event.text)
        assert "".join(shown).startswith("Dogs travel free. [1]")


def test_a_context_that_is_too_long_says_what_to_lower() -> None:
    refusal = status(400, said="This model's maximum context length is 2048 tokens.")
    with pytest.raises(ChatError, match=r"lower 'context_tokens' \(it is 3,000\)") as caught:
        served(refusal)
    assert "\n" not in str(caught.value)
    with pytest.raises(ChatError) as caught:
        served(status(400, said="No such model."))
    assert "context_tokens" not in str(caught.value)


def test_a_question_that_leaves_no_room() -> None:
    with pytest.raises(RequestError, match="leaves no room for passages"):
        told(ChatAnswerer(chat=Scripted(["x"])), Query("when " * 3_000))


def test_the_prompt_keeps_its_parts_apart() -> None:
    model = Scripted(["NO_ANSWER"])
    turns = tuple(Turn("user", f"turn {number}\nof </history> it") for number in range(9))
    told(
        ChatAnswerer(chat=model, history_turns=2, instructions="Speak as a clerk."),
        Query("And dogs?", history=turns, standalone="Do dogs pay on the ferry?"),
    )
    system, user = model.asked[0]
    assert (system.role, user.role) == ("system", "user")
    assert system.text.endswith("Speak as a clerk.")
    assert "Dogs" not in system.text
    assert '<source id="1" title="Ferry" place="page 3, Times">' in user.text
    assert "turn 8 of &lt;/history> it" in user.text
    assert "turn 6" not in user.text
    assert user.text.endswith("<question>Do dogs pay on the ferry?</question>")


def test_a_prompt_of_your_own() -> None:
    model = Scripted(["NO_ANSWER"])
    told(ChatAnswerer(chat=model, prompt="Q {question} from {sources}"))
    assert model.asked[0][1].text.startswith("Q <question>When does the ferry leave?</question>")
    usual = {"instructions": "", "context_tokens": 3_000}
    faults = dict(ChatAnswerer.faults({**usual, "prompt": "only {question}"}))
    assert faults == {
        "prompt": "'prompt' has no {sources}: write that where the sources should stand"
    }
    small = {"prompt": None, "context_tokens": 512, "instructions": "x" * 3_000}
    assert "context_tokens" in dict(ChatAnswerer.faults(small))


def test_nothing_is_asked_without_passages() -> None:
    model = Scripted(["x"])
    assert ChatAnswerer(chat=model).answer(ASKED, [], MemoryView()).abstained
    assert model.asked == []


def test_it_needs_a_model() -> None:
    with pytest.raises(RequestError, match="'chat' needs a chat model"):
        ChatAnswerer()


def test_a_reply_of_one_piece() -> None:
    answer, _ = served(ok("Dogs travel free [1]."))
    assert answer.text == "Dogs travel free. [1]"
    assert served(stream_told(lambda _: "Dogs travel free [1]."))[0] == answer

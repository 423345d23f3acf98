"""Asking within limits: time, calls, retries, several at once."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from chat_server import (
    Behaviour,
    ChatServer,
    closed_port,
    drip,
    empty,
    half_json,
    megabyte,
    ok,
    refusal,
    slow,
    status,
    told,
)

from rag.chat.asking import Asker, Settings, needed
from rag.chat.openai import OpenAIChat
from rag.errors import ChatError, ModelError, RequestError
from rag.tracing import Question, question
from rag.types import Message, Reply

QUICK = Settings(timeout=10, deadline=30, cache=False, backoff=0.01)
HURRIED = replace(QUICK, timeout=0.4)


def asking(text: str = "Who lit the lamp?") -> list[Message]:
    return [Message("user", text)]


def model_at(server: ChatServer) -> OpenAIChat:
    return OpenAIChat(model="m", base_url=server.url)


class Scripted:
    """A model in this process: each reply, or what is raised instead of it."""

    fingerprint = "scripted"

    def __init__(self, *script: str | Exception) -> None:
        self.script = script
        self.calls = 0
        self.seconds: list[float | None] = []

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        said = self.script[min(self.calls, len(self.script) - 1)]
        self.calls += 1
        self.seconds.append(seconds)
        if isinstance(said, Exception):
            raise said
        return Reply(said)


def test_replies_come_in_the_order_of_what_was_asked() -> None:
    with ChatServer(told(str.upper)) as server, question() as asked:
        answers = Asker(model_at(server), QUICK).ask_all([asking(f"t{n}") for n in range(9)])
        assert answers == [Reply(f"T{n}") for n in range(9)]
        assert asked.calls == 9
        assert asked.take_notes() == ()


def test_nothing_asked() -> None:
    assert Asker(Scripted("yes"), QUICK).ask_all([]) == []


def test_calls_are_under_way_at_once() -> None:
    with ChatServer(slow(0.5)) as server:
        started = time.monotonic()
        settings = Settings(concurrency=4, cache=False)
        answers = Asker(model_at(server), settings).ask_all([asking()] * 8)
        assert time.monotonic() - started < 3  # one after another they take 4
    assert answers == [Reply("late")] * 8
    assert server.most == 4


@pytest.mark.parametrize(
    ("behaviour", "requests", "words"),
    [
        (status(429, "0"), 3, "429 Too Many Requests"),
        (status(500), 3, "500 Internal Server Error"),
        (half_json(), 3, "no JSON"),
        (refusal(), 1, "refused: I can't help"),
        (empty(), 1, "empty text"),
        (megabyte(), 1, "more than 1,000,000 bytes"),
        (status(404), 1, "404 Not Found"),
    ],
)
def test_failures_are_told(behaviour: Behaviour, requests: int, words: str) -> None:
    with ChatServer(behaviour) as server, question() as asked:
        (answer,) = Asker(model_at(server), QUICK).ask_all([asking()])
        notes = asked.take_notes()
    assert isinstance(answer, ChatError)
    assert words in str(answer)
    assert len(server.requests) == requests == asked.calls
    assert [note for note in notes if note.startswith("no reply: ") and words in note]
    again = [note for note in notes if note.startswith("asked again: ")]
    assert [note.endswith("(2 times)") for note in again] == ([True] if requests == 3 else [])


@pytest.mark.parametrize("behaviour", [slow(60), drip()], ids=["slow", "drip"])
def test_slow_servers_cost_bounded_time(behaviour: Behaviour) -> None:
    with ChatServer(behaviour) as server, question() as asked:
        started = time.monotonic()
        answers = Asker(model_at(server), HURRIED).ask_all([asking()] * 4)
        assert time.monotonic() - started < 6
        notes = asked.take_notes()
    assert all(isinstance(one, ChatError) for one in answers)
    assert len(server.requests) == asked.calls == 12
    words = f"chat model 'm' at {server.url} did not answer within 0.4 s"
    assert set(notes) == {f"asked again: {words} (8 times)", f"no reply: {words} (4 times)"}


def test_a_server_that_refuses_connections() -> None:
    model = OpenAIChat(model="m", base_url=closed_port())
    with question() as asked:
        with pytest.raises(ChatError, match="cannot be reached"):
            Asker(model, QUICK).ask(asking())
        assert len(asked.take_notes()) == 2


def test_a_server_that_recovers() -> None:
    with ChatServer(status(500), half_json(), ok("yes")) as server, question() as asked:
        assert Asker(model_at(server), QUICK).ask(asking()) == Reply("yes")
        notes = asked.take_notes()
    assert [note.partition(":")[0] for note in notes] == ["asked again", "asked again"]


def test_no_retries() -> None:
    with ChatServer(status(500)) as server, question():
        Asker(model_at(server), Settings(retries=0, cache=False)).ask_all([asking()])
    assert len(server.requests) == 1


def test_the_server_says_how_long_to_wait() -> None:
    with ChatServer(status(429, "1"), ok("yes")) as server:
        started = time.monotonic()
        assert Asker(model_at(server), QUICK).ask(asking()) == Reply("yes")
        assert 1 <= time.monotonic() - started < 4


def test_nobody_waits_past_the_deadline() -> None:
    with ChatServer(status(429, "3600")) as server:
        started = time.monotonic()
        with pytest.raises(ChatError, match=r"429 .*; no time is left to ask again"):
            Asker(model_at(server), QUICK).ask(asking())
        assert time.monotonic() - started < 5


def test_all_calls_share_the_deadline() -> None:
    settings = Settings(timeout=30, deadline=2, concurrency=1, cache=False)
    with ChatServer(slow(0.2), slow(0.2), slow(30)) as server:
        started = time.monotonic()
        answers = Asker(model_at(server), settings).ask_all([asking()] * 6)
        assert time.monotonic() - started < 5
    assert answers[:2] == [Reply("late")] * 2
    assert all(isinstance(one, ChatError) for one in answers[2:])
    assert len(server.requests) == 3


def test_a_model_that_keeps_to_no_time_is_left_alone() -> None:
    over = threading.Event()

    class Deaf:
        fingerprint = "deaf"

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            over.wait(30)
            return Reply("late")

    settings = Settings(deadline=0.2, concurrency=2, cache=False)
    with question() as asked:
        started = time.monotonic()
        answers = Asker(Deaf(), settings).ask_all([asking()] * 4)
        assert time.monotonic() - started < 5
        over.set()
        assert asked.calls == 2
        (told,) = asked.take_notes()
        assert told.startswith("no reply: the deadline of 0.2 s for the chat model is over")
        assert told.endswith(" (4 times)")
    assert all(isinstance(one, ChatError) for one in answers)


def test_calls_get_what_is_left_of_the_deadline() -> None:
    model = Scripted("yes")
    Asker(model, Settings(timeout=3, deadline=60, cache=False)).ask(asking())
    Asker(model, Settings(timeout=60, deadline=3, cache=False)).ask(asking())
    first, second = model.seconds
    assert first == 3
    assert second is not None
    assert 2 < second < 3


def test_the_budget_is_one_question_s_in_all_stages() -> None:
    settings = Settings(budget=5, cache=False)
    first, second = Scripted("yes"), Scripted("yes")
    with question() as asked:
        assert Asker(first, settings).ask_all([asking()] * 3) == [Reply("yes")] * 3
        assert asked.take_notes() == ()
        answers = Asker(second, settings).ask_all([asking()] * 4)
        (note,) = asked.take_notes()
    assert sum(isinstance(one, Reply) for one in answers) == second.calls == 2
    assert note == "no reply: the budget of 5 calls a question is used up (2 times)"
    with question():
        assert Asker(second, settings).ask(asking()) == Reply("yes")


def test_attempts_count_too() -> None:
    model = Scripted(ChatError("busy", again=True))
    settings = Settings(budget=4, retries=9, backoff=0.001, cache=False)
    with question() as asked, pytest.raises(ChatError, match="budget of 4 calls"):
        Asker(model, settings).ask(asking())
    assert model.calls == asked.calls == 4


def test_what_is_no_failure_of_a_call_is_raised() -> None:
    with pytest.raises(ModelError, match="no weights"):
        Asker(Scripted(ModelError("no weights")), QUICK).ask_all([asking()] * 3)


def test_foreign_errors_are_failures_of_the_call() -> None:
    with pytest.raises(ChatError, match="the chat model failed: KeyError: 'x'"):
        Asker(Scripted(KeyError("x")), QUICK).ask(asking())


class Unnamed(Scripted):
    """Raises where its fingerprint is asked for."""

    def __init__(self, error: Exception) -> None:
        super().__init__("yes")
        self._error = error

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        raise self._error


def test_a_fingerprint_that_fails_is_a_failure_of_the_call() -> None:
    model = Unnamed(KeyError("x"))
    kept = replace(QUICK, cache=True)
    with question() as asked:
        found = Asker(model, kept).ask_all([asking()] * 3)
        notes = asked.take_notes()
    told = "the chat model's 'fingerprint' failed: KeyError: 'x'"
    assert [str(one) for one in found if isinstance(one, ChatError)] == [told] * 3
    assert notes == (f"no reply: {told}",)
    assert model.calls == 0
    with pytest.raises(ModelError, match="no weights"):
        Asker(Unnamed(ModelError("no weights")), kept).ask(asking())


def test_empty_texts_are_no_replies() -> None:
    with pytest.raises(ChatError, match="empty text"):
        Asker(Scripted("\n"), QUICK).ask(asking())


def test_choices_are_asked_for_where_a_model_can_be() -> None:
    class Telling(Scripted):
        def reply_with_choices(
            self, messages: Sequence[Message], seconds: float | None = None
        ) -> Reply:
            return Reply("", ({"yes": -0.1},))

    asker = Asker(Telling("plain"), QUICK)
    assert asker.ask(asking()) == Reply("plain")
    assert asker.ask(asking(), choices=True).choices == ({"yes": -0.1},)
    assert Asker(Scripted("plain"), QUICK).ask(asking(), choices=True) == Reply("plain")


def test_threads_know_the_context() -> None:
    variable = contextvars.ContextVar("variable", default="")

    class Knowing:
        fingerprint = "knowing"

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            return Reply(variable.get())

    variable.set("known")
    assert Asker(Knowing(), QUICK).ask_all([asking()] * 3) == [Reply("known")] * 3


def test_notes_are_few_and_short() -> None:
    class Chatty:
        fingerprint = "chatty"

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            raise ChatError(f"{messages[0].text} {'word ' * 100}")

    with question() as asked:
        Asker(Chatty(), QUICK).ask_all([asking(str(number)) for number in range(8)])
        notes = asked.take_notes()
    assert len(notes) == 6
    assert notes[-1] == "and 3 other failures of the chat model"
    assert all(len(note) <= 240 for note in notes)


def test_a_question_of_its_own_where_there_is_none() -> None:
    seen: list[Question] = []

    class Looking(Scripted):
        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
            with question() as current:
                seen.append(current)
            return super().reply(messages, seconds)

    Asker(Looking("yes"), QUICK).ask_all([asking()] * 2)
    assert seen[0] is seen[1]
    assert seen[0].calls == 2


def test_a_component_needs_a_model_from_somewhere() -> None:
    own, given = Scripted("own"), Scripted("given")
    assert needed(own, given, "hyde") is own
    assert needed(None, given, "hyde") is given
    with pytest.raises(RequestError, match=r"'hyde' needs a chat model: .*Rag.open\(chat=...\)"):
        needed(None, None, "hyde")


@pytest.mark.parametrize("given", [None, "a text", {"text": "a"}, Reply(None)])  # type: ignore[arg-type]
def test_a_program_that_returns_no_reply_is_told_so(given: Any) -> None:
    class Careless:
        fingerprint = "careless"

        def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Any:
            return given

    told = f"returned a {type(given).__name__}, and not a Reply with a text"
    with pytest.raises(ChatError, match=told):
        Asker(Careless(), QUICK).ask(asking())


def test_what_the_deadline_cut_off_is_told_by_its_seconds() -> None:
    with ChatServer(slow(5)) as server, question() as asked:
        limits = replace(QUICK, timeout=0.4, deadline=0.6, retries=3)
        answers = Asker(model_at(server), limits).ask_all([asking("a"), asking("b"), asking("c")])
    (told,) = {str(one) for one in answers}
    assert told.startswith("the deadline of 0.6 s for the chat model is over: raise 'deadline'")
    assert f"no reply: {told} (3 times)" in asked.take_notes()

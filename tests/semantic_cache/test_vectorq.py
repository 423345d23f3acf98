"""The cache by itself: vectors are given, answers are made up."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag import Answer, Citation
from rag.errors import StoreError
from rag.protocols import AnswerCache, Asked, Looked, Vectors
from rag.semantic_cache import file as cache_file
from rag.semantic_cache.vectorq import VectorQCache
from rag.tracing import question

TOPICS = 40


def vector(topic: int, cosine: float) -> Vectors:
    """A unit vector at that cosine to the one of the topic."""
    made = np.zeros(2 * TOPICS, np.float32)
    made[topic], made[TOPICS + topic] = cosine, np.sqrt(1 - cosine**2)
    return made


def asked(text: str, topic: int = 0, cosine: float = 1.0, **more: str) -> Asked:
    known = {"filters": "", "space": "one", "scope": "1.1.a", **more}
    return Asked(text, encode=lambda _: vector(topic, cosine), **known)


def answer(text: str, *, abstained: bool = False) -> Answer:
    return Answer("?", text, abstained, (Citation("d", "d.md", 0, len(text), text),))


def ask(cache: VectorQCache, one: Asked, made: Answer) -> Looked:
    """As a Rag asks: `made` is what the pipeline would answer."""
    looked = cache.look(one)
    if looked.answer is None:
        cache.keep(one, looked, made)
    return looked


def taught(folder: Path, wordings: int = 3) -> VectorQCache:
    """A cache that has seen that wordings of a topic near 0.9 get the same answer."""
    cache = VectorQCache(folder=folder, max_error=0.05)
    for topic in range(1, TOPICS):
        for number, cosine in enumerate([1.0, 0.9, 0.88, 0.86][: wordings + 1]):
            made = answer(f"the answer on {topic}")
            ask(cache, asked(f"topic {topic} wording {'abcd'[number]}", topic, cosine), made)
    return cache


def test_it_is_a_cache(tmp_path: Path) -> None:
    assert isinstance(VectorQCache(folder=tmp_path), AnswerCache)


def test_what_is_learned_is_used_and_survives(tmp_path: Path) -> None:
    taught(tmp_path)
    cache = VectorQCache(folder=tmp_path, max_error=0.05)
    ask(cache, asked("apples"), answer("apples are red"))
    outcomes = [cache.look(asked(f"apples {'so' * n}", 0, 0.93)).outcome for n in range(1, 30)]
    assert outcomes.count("hit") > 10
    assert cache.look(asked("apples otherwise", 0, 0.45)).outcome == "explored"
    assert cache.look(asked("apples of 1999", 0, 0.93)).outcome == "miss"
    assert cache.look(asked("apples soso", 0, 0.93, filters="x=1")).outcome == "miss"
    assert cache.look(asked("apples soso", 0, 0.93, space="two")).outcome == "miss"
    assert cache.look(asked("apples", scope="2.1.b")).outcome == "miss"


def test_what_is_explored_is_compared(tmp_path: Path) -> None:
    cache = VectorQCache(folder=tmp_path)
    red, green = answer("apples are red"), answer("pears are green")
    assert cache.keep(asked("apples"), cache.look(asked("apples")), red) == "kept"
    for text, made, told in (("fruit", red, "right"), ("other fruit", green, "wrong")):
        one = asked(text, 0, 0.9)
        looked = cache.look(one)
        assert looked.outcome == "explored"
        assert "cosine 0.900 to 'apples'" in looked.told
        assert cache.keep(one, looked, made) == f"the kept answer is {told}"
        assert cache.look(one).answer == made


def test_feedback_on_an_answer_that_was_given_again(tmp_path: Path) -> None:
    cache = taught(tmp_path)
    wording = next(
        one
        for one in (asked(f"topic 5 {'so' * n}", 5, 0.95) for n in range(20))
        if cache.look(one).outcome == "hit"
    )
    before = cache.look(wording).risk
    assert cache.judge(wording, True)
    assert cache.look(wording).told == "the same question"
    assert cache.judge(wording, False)
    after = cache.look(wording)
    assert after.outcome == "explored"
    assert after.risk > before
    assert not cache.judge(asked("never asked"), True)


def test_abstentions_lead_nowhere(tmp_path: Path) -> None:
    cache = VectorQCache(folder=tmp_path)
    nothing = answer("", abstained=True)
    ask(cache, asked("pears"), nothing)
    assert cache.look(asked("pears")).answer == nothing
    assert cache.look(asked("more pears", 0, 0.99)).outcome == "miss"


def test_the_oldest_go(tmp_path: Path) -> None:
    cache = VectorQCache(folder=tmp_path, entries=10)
    names = [f"subject {'x' * number}" for number in range(1, 26)]
    for topic, name in enumerate(names):
        ask(cache, asked(name, topic), answer(name))
        assert cache.look(asked(name, topic)).outcome == "hit"
    outcomes = [cache.look(asked(name, topic)).outcome for topic, name in enumerate(names)]
    assert outcomes[:15] == ["miss"] * 15
    assert outcomes.count("hit") in {9, 10}


def test_another_state_of_the_index_empties_it(tmp_path: Path) -> None:
    cache = taught(tmp_path)
    ask(cache, asked("apples", scope="2.2.b"), answer("apples are red"))
    with sqlite3.connect(tmp_path / "answers.db") as database:
        for table, left in (("entries", 1), ("wordings", 1), ("observations", 0)):
            assert database.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (left,)
    assert cache.look(asked("topic 5 sososo", 5, 0.95, scope="2.2.b")).outcome == "miss"


def test_threads_and_caches_share_a_file(tmp_path: Path) -> None:
    caches = [VectorQCache(folder=tmp_path) for _ in range(3)]

    def work(number: int) -> str:
        topic = number % 10
        one = asked(f"subject {'x' * topic}", topic)
        return ask(caches[number % 3], one, answer(f"answer {topic}")).outcome

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(work, range(90)))
    assert 10 <= 90 - outcomes.count("hit") <= 60
    with sqlite3.connect(tmp_path / "answers.db") as database:
        assert database.execute("SELECT COUNT(*) FROM entries").fetchone() == (10,)


def _killed(folder: Path) -> None:
    """Keep an answer, and be killed while the next one is being written."""
    cache = VectorQCache(folder=folder)
    ask(cache, asked("apples"), answer("apples are red"))
    cache_file.Rows.shrink = lambda self, most: os.kill(os.getpid(), 9)  # type: ignore[method-assign]
    ask(cache, asked("pears", 1), answer("pears are green"))


def test_killed_in_the_middle_of_writing(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    cache = VectorQCache(folder=tmp_path)
    assert cache.look(asked("apples")).answer == answer("apples are red")
    assert cache.look(asked("pears", 1)).outcome == "miss"
    ask(cache, asked("pears", 1), answer("pears are green"))
    assert cache.look(asked("pears", 1)).outcome == "hit"


@pytest.mark.parametrize("damage", ["answer", "vector", "names"])
def test_damaged_rows_are_told(tmp_path: Path, damage: str) -> None:
    cache = VectorQCache(folder=tmp_path)
    ask(cache, asked("apples"), answer("apples are red"))
    with sqlite3.connect(tmp_path / "answers.db") as database:
        database.execute(f"UPDATE entries SET {damage} = '{{'")
    other = asked("apples" if damage == "answer" else "apples so", 0, 0.9)
    with question() as asking:
        looked = VectorQCache(folder=tmp_path).look(other)
    assert looked.answer is None
    assert "kept answers cannot be read" in asking.notes[0]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    cache = VectorQCache(folder=tmp_path / "gone")
    with question() as asking:
        looked = ask(cache, asked("apples"), answer("apples are red"))
    assert looked.outcome == "miss"
    assert "kept answers cannot be written" in asking.notes[0]
    with pytest.raises(StoreError, match="cannot be written"):
        cache.judge(asked("apples"), True)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = VectorQCache(folder=tmp_path)
    ask(cache, asked("apples"), answer("apples are red"))
    opened = sqlite3.connect

    def full(*given: object, **more: object) -> sqlite3.Connection:
        made: sqlite3.Connection = opened(*given, **more)  # type: ignore[call-overload]
        made.execute("PRAGMA max_page_count = 1")  # SQLite says "database or disk is full"
        return made

    monkeypatch.setattr("rag.semantic_cache.file.sqlite3.connect", full)
    long = replace(answer("pears are green"), text="green " * 100_000)
    with question() as asking:
        ask(cache, asked("pears", 1), long)
    assert "full" in asking.notes[0]
    assert cache.look(asked("apples")).outcome == "hit"

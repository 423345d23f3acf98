"""The forward index against a dictionary of passages."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from rag.protocols import Ids
from rag.store import forward, terms
from rag.store.folders import link_tree
from rag.store.forward import Forward, ForwardWriter

_WORDS = ("lamp", "lamps", "oil", "la", "ü", "灯台", "ferry")
_ASKED = ("lamp", "灯台", "nowhere", "oil")
Passages = Mapping[int, Sequence[str]]


class History:
    """Generations that follow one another, and what the last one should hold."""

    def __init__(self, folder: Path) -> None:
        self._folders = (folder / str(number) for number in count())
        self.folder: Path | None = None
        self.held: dict[int, Sequence[str]] = {}

    def update(self, added: Passages, deleted: Sequence[int] = ()) -> Path:
        former, self.folder = self.folder, next(self._folders)
        if former is None:
            self.folder.mkdir()
        else:
            link_tree(former, self.folder)
        writer = ForwardWriter(self.folder, empty=former is None)
        for row, words in added.items():
            writer.add(row, words)
        writer.close(ids(deleted))
        for row in deleted:
            self.held.pop(row, None)
        self.held.update(added)
        return self.folder

    def check(self, chance: random.Random) -> None:
        assert self.folder is not None
        rows = list(self.held)
        chance.shuffle(rows)
        assert_counts(Forward(self.folder), {row: self.held[row] for row in rows})


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def ids(rows: Sequence[int]) -> Ids:
    return np.array(rows, np.int64)


def assert_counts(index: Forward, passages: Passages) -> None:
    found = index.counts(_ASKED, ids(list(passages)))
    expected = [[list(words).count(term) for words in passages.values()] for term in _ASKED]
    assert found.terms.tolist() == expected
    assert found.lengths.tolist() == [len(words) for words in passages.values()]


def drawn(chance: random.Random, rows: Sequence[int]) -> dict[int, list[str]]:
    return {row: chance.choices(_WORDS, k=chance.randrange(9)) for row in rows}


def listed(folder: Path) -> list[tuple[str, int, int]]:
    return [tuple(one) for one in json.loads((folder / "forward.json").read_text())]


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    return ((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))


@pytest.mark.parametrize("seed", range(8))
def test_after_any_history(history: History, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come in any order, go, and come back; blocks are smaller than what is in them."""
    for module, name, size in ((forward, "_BLOCK", 7), (terms, "_BLOCK", 5), (terms, "_HELD", 9)):
        monkeypatch.setattr(module, name, size)
    chance = random.Random(seed)
    for _ in range(30):
        gone = chance.sample(sorted(history.held), chance.randint(0, len(history.held) // 2))
        free = [row for row in range(120) if row not in history.held or row in gone]
        added = drawn(chance, chance.sample(free, min(len(free), chance.choice([0, 1, 3, 40]))))
        before = dict(contents(history.folder)) if history.folder else {}
        former = history.folder
        history.update(added, [*gone, 500])
        history.check(chance)
        assert former is None or dict(contents(former)) == before, "a generation never changes"


def test_an_update_costs_what_it_changes(history: History) -> None:
    chance = random.Random(1)
    history.update(drawn(chance, range(1000)))
    written = most = 0
    for row in range(1000, 1200):
        before = {name for name, *_ in listed(history.folder or Path())}
        folder = history.update(drawn(chance, [row]))
        segments = listed(folder)
        written += sum(size for name, size, _ in segments if name not in before)
        most = max(most, len(segments))
        files = {path.name for path in folder.iterdir()}
        assert len(files) == 2 + 2 * len(segments), "what was merged is gone"
    assert most < 12
    assert written < 200 * 12
    history.check(chance)


def test_what_was_deleted_goes_when_it_is_a_quarter(history: History) -> None:
    history.update({row: ["lamp", "oil"] for row in range(100)})
    folder = history.update({}, range(25))
    assert listed(folder) == [("1", 100, 200)]
    folder = history.update({}, [25])
    assert listed(folder) == [("2", 74, 148)]
    history.check(random.Random(1))
    folder = history.update({}, range(26, 100))
    assert listed(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["deleted.npy", "forward.json"]


def test_a_row_that_comes_back_is_not_deleted(history: History) -> None:
    history.update({row: ["lamp"] * 3 for row in range(50)})
    history.update({7: ["oil"]}, [7])
    history.check(random.Random(1))
    history.update({8: ["oil"]}, [7])
    history.update(drawn(random.Random(2), range(100, 200)))
    assert 7 not in history.held
    history.check(random.Random(1))
    with pytest.raises(KeyError, match="passage 7 is not in the forward index"):
        Forward(history.folder or Path()).counts(["oil"], ids([1, 7]))


def test_passages_without_terms(history: History) -> None:
    folder = history.update({3: [], 1: []})
    assert Forward(folder).counts(["lamp"], ids([1, 3])).terms.tolist() == [[0, 0]]
    history.update({2: ["lamp", "oil", "lamp"], 4: []})
    history.check(random.Random(1))


def test_nothing_is_asked(history: History) -> None:
    index = Forward(history.update({}))
    assert index.counts(["lamp", "oil"], ids([])).terms.shape == (2, 0)
    index = Forward(history.update({1: ["lamp"]}))
    assert index.counts([], ids([1])).terms.shape == (0, 1)
    assert index.counts([], ids([1])).lengths.tolist() == [1]


def test_rows_that_are_not_there(history: History) -> None:
    with pytest.raises(KeyError, match="passage 1 "):
        Forward(history.update({})).counts(["lamp"], ids([1]))
    with pytest.raises(KeyError, match="passage 9 "):
        Forward(history.update({1: ["lamp"]})).counts(["lamp"], ids([1, 9]))


def test_a_generation_that_is_open_stays_readable(history: History) -> None:
    chance = random.Random(3)
    passages = drawn(chance, range(60))
    folder = history.update(passages)
    index = Forward(folder)
    history.update(drawn(chance, range(60, 120)), range(30))
    shutil.rmtree(folder)
    assert_counts(index, passages)
    history.check(chance)


@pytest.mark.parametrize("name", ["1.codes", "1.rows"])
@pytest.mark.parametrize("content", [b"", b"x" * 8, b"x" * 4000])
def test_a_file_of_another_size(history: History, name: str, content: bytes) -> None:
    folder = history.update({1: ["lamp"] * 5})
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} has {len(content)} bytes, not 2[04]"):
        Forward(folder)


@pytest.mark.parametrize("name", ["1.codes", "1.rows", "forward.json"])
def test_a_file_that_is_missing(history: History, name: str) -> None:
    folder = history.update({1: ["lamp"] * 5})
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        Forward(folder)

"""Encoding goes on while documents are cut, saved and committed, and loses no more than it may."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rag import Rag, committing, vectors
from rag.errors import ModelError
from rag.indexing import Progress
from rag.overlap import Overlap
from rag.protocols import Vectors
from rag.store.writer import StoreWriter
from rag.testing import HashingEncoder


class Watched(HashingEncoder):
    """Takes `seconds` for a text, and counts what it has encoded."""

    def __init__(self, seconds: float = 0.0, fails_after: int | None = None) -> None:
        super().__init__(dimension=16)
        self.seconds = seconds
        self.fails_after = fails_after
        self.encoded: Counter[str] = Counter()
        self.threads: set[str] = set()
        self.working = False
        self.gate = threading.Event()
        self.gate.set()

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.threads.add(threading.current_thread().name)
        if self.fails_after is not None and self.encoded.total() >= self.fails_after:
            raise ModelError("the model fell over: start it again")
        assert self.gate.wait(20)
        self.working = True
        time.sleep(self.seconds * len(texts))
        self.working = False
        self.encoded.update(texts)
        return super().encode_passages(texts)


def write(folder: Path, count: int, same: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        text = f"Lamp number {number} is lit.\n\n{same}"
        (folder / f"{number:04d}.txt").write_text(text)
    return folder


def opened(place: Path, encoder: HashingEncoder, *overrides: str) -> Rag:
    settings = ["index.lexical.language=en", *overrides]
    return Rag.open(place, pipeline="hybrid", overrides=settings, encoder=encoder, workers=0)


def encoding_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("rag-encode")]


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


def test_results_come_in_order_and_no_more_than_two_wait() -> None:
    overlap: Overlap[int, int] = Overlap("rag-encode")
    found = []
    for number in range(5):
        while overlap.full:
            found.append(overlap.take()[:2])
        overlap.give(number, lambda number=number: number * number)  # type: ignore[misc]
        assert len(overlap) <= 2
    while len(overlap):
        found.append(overlap.take()[:2])
    assert found == [(n, n * n) for n in range(5)]
    assert not overlap.done
    overlap.close()
    assert overlap.full
    assert wait_until(lambda: not encoding_threads())


def test_the_encoder_works_while_vectors_are_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Watched(0.001)
    met: list[bool] = []
    remember = StoreWriter.remember

    def watched(self: StoreWriter, hashes: Sequence[bytes], made: Vectors, *more: Any) -> None:
        done = encoder.encoded.total()
        # The last group has nothing after it.
        met.append(wait_until(lambda: encoder.working or encoder.encoded.total() > done, 0.5))
        remember(self, hashes, made, *more)

    monkeypatch.setattr(StoreWriter, "remember", watched)
    rag = opened(tmp_path / ".rag", encoder, "index.chunk.max_tokens=16")
    said = "".join(f"Lamp number {n} is lit by the keeper of them all.\n\n" for n in range(320))
    (tmp_path / "lamps.txt").write_text(said)
    assert rag.index(tmp_path / "lamps.txt").passages == 320
    rag.close()
    assert encoder.threads == {"rag-encode_0"}
    assert met == [True] * 4 + [False]


def test_commits_do_not_wait_for_all_to_be_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "_COMMIT_CHARACTERS", 1_000)
    encoder = Watched(0.0005)
    rag = opened(tmp_path / ".rag", encoder)
    at: list[tuple[int, int]] = []
    commit = StoreWriter.commit

    def told(self: StoreWriter, added: Sequence[object], *rest: object, **named: object) -> None:
        at.append((len(added), encoder.encoded.total()))
        commit(self, added, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(StoreWriter, "commit", told)
    assert rag.index(write(tmp_path / "docs", 600)).added == 600
    assert sum(added for added, _ in at) == 600
    assert any(added and encoded < 600 for added, encoded in at)
    assert rag.verify() == []
    rag.close()


def test_equal_texts_are_encoded_once(tmp_path: Path) -> None:
    encoder = Watched(0.0001)
    same = "All of the light is kept behind the same old glass of the same old tower."
    rag = opened(tmp_path / ".rag", encoder, "index.chunk.max_tokens=16")
    rag.index(write(tmp_path / "docs", 500, same))
    assert max(encoder.encoded.values()) == 1
    rag.close()


def test_an_error_of_the_encoder_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    broken = Watched(0.0005, fails_after=300)
    documents = write(tmp_path / "docs", 1_000)
    rag = opened(tmp_path / ".rag", broken)
    with pytest.raises(ModelError, match=r"^the model fell over: start it again$"):
        rag.index(documents)
    assert wait_until(lambda: not encoding_threads())
    assert rag.verify() == []
    rag.close()
    assert broken.encoded.total() >= 300
    whole = Watched()
    rag = opened(tmp_path / ".rag", whole)
    assert rag.index(documents).documents == 1_000
    assert not whole.encoded.keys() & broken.encoded.keys()
    assert rag.verify() == []
    rag.close()


def test_a_stop_keeps_what_is_encoded_and_waits_for_nothing(tmp_path: Path) -> None:
    encoder = Watched(0.002)
    documents = write(tmp_path / "docs", 800)

    def stop(progress: Progress) -> None:
        if progress.encoded >= 128:
            raise KeyboardInterrupt

    rag = opened(tmp_path / ".rag", encoder)
    with pytest.raises(KeyboardInterrupt):
        rag.index(documents, progress=stop)
    assert wait_until(lambda: not encoding_threads())
    first = Counter(encoder.encoded)
    assert first.total() < 800
    encoder.encoded.clear()
    encoder.seconds = 0.0
    assert rag.index(documents).documents == 800
    again = first & encoder.encoded
    assert again.total() <= 2 * vectors._GROUP
    assert rag.verify() == []
    rag.close()


def test_what_a_commit_forgets_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vector is counted on, and before its document is committed the last to have it goes."""
    monkeypatch.setattr(committing, "_COMMIT_CHARACTERS", 200)
    said = "The keeper of the only lamp on the island climbs every evening."
    other = "Other things are said here."
    folder = write(tmp_path / "docs", 160)
    first, second = folder / "0000" / "same.txt", folder / "0100" / "same.txt"
    first.parent.mkdir()
    first.write_text(said)
    encoder = Watched()
    rag = opened(tmp_path / ".rag", encoder)
    rag.index(folder)
    write(folder, 160, "More is said of it now.")
    # Looked up while the encoder has the first documents, and the vector is still that of one.
    encoder.gate.clear()
    missing = StoreWriter.missing
    asked: list[int] = []

    def looked_up(self: StoreWriter, hashes: Sequence[bytes]) -> list[bytes]:
        asked.append(len(hashes))
        found = missing(self, hashes)
        if len(asked) == 2:
            encoder.gate.set()
            assert wait_until(lambda: any(other in text for text in encoder.encoded))
            encoder.gate.clear()
            time.sleep(0.1)
        return found

    commit = StoreWriter.commit

    def committed(self: StoreWriter, *given: Any, **named: Any) -> None:
        commit(self, *given, **named)
        # The others are encoded after the first documents have been committed.
        encoder.gate.set()

    monkeypatch.setattr(StoreWriter, "missing", looked_up)
    monkeypatch.setattr(StoreWriter, "commit", committed)
    first.write_text(other)
    second.parent.mkdir()
    second.write_text(said)
    assert rag.index(folder).changed == 161
    assert rag.verify() == []
    assert [n for text, n in encoder.encoded.items() if said in text] == [2]
    assert rag.search(said).hits[0].passage.text == said
    rag.close()


@pytest.mark.parametrize(
    ("group", "size", "seconds", "expected"),
    [
        (64, 64, 2.0, 64),
        (64, 64, 0.01, 96),
        (8_000, 8_000, 1.0, 8_000),
        (8_192, 8_192, 0.5, 8_192),
        (4_096, 4_096, 2.0, 2_048),
        (64, 64, 16.0, 16),
        (64, 64, 1_000.0, 8),
        (16, 16, 0.5, 64),
        (4_096, 10, 0.1, 4_096),
    ],
)
def test_groups_are_as_large_as_the_encoder_is_fast(
    group: int, size: float, seconds: float, expected: int
) -> None:
    assert vectors._next_group(group, size, seconds) == expected

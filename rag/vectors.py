"""Vectors of passages, made where they are missing and kept as soon as they are made."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from rag.overlap import Overlap
from rag.protocols import Chunker, ContextualChunker, Encoder, Vectors
from rag.store.writer import StoreWriter
from rag.types import Document, Passage

# Passages encoded between two savings. Two such groups may be encoded and not yet saved: 128
# passages are what a kill can cost.
_GROUP = 64
# Encoders that are faster than so many passages a second, as on a GPU, are given more by and by,
# until a group takes them a second; those that are slower get what takes them four. So neither
# waits long for its next group, nor makes others wait long who stop the run.
_FAST, _MOST, _FAST_SECONDS, _GROWTH = 2_000, 8_192, 1.0, 1.5
_SLOW, _LEAST, _SLOW_SECONDS = 16, 8, 4.0
# A longer passage counts as several.
_CHARACTERS = 2_000
# Passages that are looked up and sorted by length together.
_WINDOW = 1_024


@dataclass(frozen=True, slots=True)
class Keyed:
    """Passages of one document, each with the key of its vector; `load` gives the document."""

    load: Callable[[], Document]
    passages: Sequence[tuple[Passage, bytes]]


class Vectoriser:
    """Makes the vectors of an index: each passage's by itself, or out of its whole document.

    Encoding is done in a thread of its own. All else, saving included, is done in the caller's
    thread, whenever a method is called: texts are handed over and vectors saved meanwhile.
    `tell` is told the number of passages encoded, every time that some were saved.
    """

    def __init__(
        self,
        writer: StoreWriter,
        chunker: Chunker,
        encoder: Encoder,
        tell: Callable[[int], None],
    ) -> None:
        self.saved = 0
        self._writer = writer
        self._contextual = chunker if isinstance(chunker, ContextualChunker) else None
        self._encoder = encoder
        self._tell = tell
        self._group = _GROUP
        self._begun = 0
        self._waiting: deque[_Unit] = deque()
        self._pending: set[bytes] = set()
        self._thread: Overlap[list[_Unit], Vectors] = Overlap("rag-encode")

    @property
    def group(self) -> int:
        """Passages that are encoded together at the moment."""
        return self._group

    @property
    def hungry(self) -> bool:
        """Whether nothing is left to be handed over to the encoder."""
        return not self._waiting

    def is_window(self, passages: int, characters: int) -> bool:
        """Whether so much is enough to be sorted by length."""
        window = max(_WINDOW, 2 * self._group)
        return passages >= window or characters >= window * _CHARACTERS

    def ensure(self, cut: Sequence[Keyed]) -> None:
        """Make and save the vectors that are missing for the passages of `cut`."""
        self.begin(cut)
        self.finish()

    def begin(self, cut: Sequence[Keyed]) -> int:
        """Have the missing vectors made; what `saved` will be at least when all are saved."""
        units = self._texts(cut) if self._contextual is None else self._documents(cut)
        self._waiting.extend(units)
        self._pending.update(key for unit in units for key in unit.keys)
        self._begun += len(units)
        self._feed()
        return self._begun

    def poll(self) -> None:
        """Save what has been encoded. Raises what the encoder raised."""
        while self._thread.done:
            self._save()

    def hand_over(self) -> None:
        """Go on until nothing waits to be handed over to the encoder."""
        while self._waiting:
            self._save()

    def finish(self) -> None:
        """Save all that was begun."""
        while len(self._thread):
            self._save()

    def stop(self) -> None:
        """Save what has been encoded, and give up the rest."""
        self._waiting.clear()
        while self._thread.done and not self._thread.failed:
            self._save()
        self.close()

    def close(self) -> None:
        """Give up what is not encoded yet; nothing is waited for."""
        self._thread.close()

    def _save(self) -> None:
        units, vectors, seconds = self._thread.take()
        keys = [key for unit in units for key in unit.keys]
        self._writer.remember(keys, vectors, getattr(self._encoder, "precision", None))
        self.saved += len(units)
        self._pending.difference_update(keys)
        self._group = _next_group(self._group, sum(u.size for u in units), seconds)
        self._feed()
        self._tell(len(keys))

    def _feed(self) -> None:
        while self._waiting and not self._thread.full:
            units = self._cut_off()
            self._thread.give(units, self._job(units))

    def _cut_off(self) -> list[_Unit]:
        """Those of the waiting that are encoded together next."""
        units = [self._waiting.popleft()]
        size = units[0].size
        while self._waiting and (size := size + self._waiting[0].size) <= self._group:
            units.append(self._waiting.popleft())
        return units

    def _job(self, units: Sequence[_Unit]) -> Callable[[], Vectors]:
        """Encoding; documents are loaded before it, since the database is another thread's."""
        if self._contextual is None:
            return partial(self._encoder.encode_passages, [unit.text for unit in units])
        asked = [(unit.load(), unit.passages) for unit in units if unit.load is not None]
        return partial(_encoded, self._contextual, asked, self._encoder)

    def _missing(self, keys: Sequence[bytes]) -> list[bytes]:
        """Those that neither have a vector nor will have one by what was begun."""
        return [key for key in self._writer.missing(keys) if key not in self._pending]

    def _texts(self, cut: Sequence[Keyed]) -> list[_Unit]:
        texts = {key: passage.indexed for one in cut for passage, key in one.passages}
        missing = sorted(self._missing(list(texts)), key=lambda key: -len(texts[key]))
        return [_Unit([key], len(texts[key]), texts[key]) for key in missing]

    def _documents(self, cut: Sequence[Keyed]) -> list[_Unit]:
        missing = set(self._missing([key for one in cut for _, key in one.passages]))
        lacking = [(one, [p for p in one.passages if p[1] in missing]) for one in cut]
        return [_document(one, passages) for one, passages in lacking if passages]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is encoded as one: a text, or passages of a document."""

    keys: Sequence[bytes]
    characters: int
    text: str = ""
    load: Callable[[], Document] | None = None
    passages: Sequence[Passage] = ()

    @property
    def size(self) -> float:
        """How many passages it counts as."""
        return max(len(self.keys), self.characters / _CHARACTERS)


def keys(document: Document, passages: Sequence[Passage], chunker: Chunker) -> list[bytes]:
    """What the vectors of a document's passages are kept under.

    Equal texts are encoded once; where the whole document counts, equal places in equal documents.
    """
    if not isinstance(chunker, ContextualChunker):
        return [text_key(passage.indexed) for passage in passages]
    whole = hashlib.blake2b(document.text.encode(), digest_size=32).hexdigest()
    return [text_key(f"{whole} {passage.start} {passage.end}") for passage in passages]


def text_key(text: str) -> bytes:
    """The key of a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _document(one: Keyed, lacking: Sequence[tuple[Passage, bytes]]) -> _Unit:
    passages = [passage for passage, _ in lacking]
    characters = sum(len(passage.text) for passage in passages)
    return _Unit([key for _, key in lacking], characters, load=one.load, passages=passages)


def _encoded(
    chunker: ContextualChunker,
    asked: Sequence[tuple[Document, Sequence[Passage]]],
    encoder: Encoder,
) -> Vectors:
    return np.concatenate(list(chunker.encode(asked, encoder)))


def _next_group(group: int, size: float, seconds: float) -> int:
    """Passages to be encoded together next, when `size` of a `group` have taken so long."""
    if size < group / 2:
        return group
    rate = size / max(seconds, 1e-6)
    if rate > _FAST:
        return int(min(group * _GROWTH, rate * _FAST_SECONDS, _MOST))
    if rate < _SLOW:
        return max(_LEAST, int(rate * _SLOW_SECONDS))
    return _GROUP

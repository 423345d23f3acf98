"""Everything that could be in an index, as pruners see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rag.protocols import Scores, Vectors
from rag.store.rows import Candidate
from rag.store.writer import StoreWriter
from rag.types import Document, Passage
from rag.vectors import Keyed, Vectoriser, text_key

# Passages looked up, encoded or scored together.
_BLOCK = 1_024


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every document of the collection in order, by id: those that wait, and the others."""

    writer: StoreWriter
    waiting: frozenset[str]
    ids: Sequence[str]

    @classmethod
    def of(cls, writer: StoreWriter, gone: Sequence[str]) -> Candidates:
        """The documents of the index without `gone`, and those that wait in their place."""
        waiting = frozenset(name for name, _ in writer.staging.sources())
        stays = {name for name, _ in writer.rows.sources()} - set(gone)
        return cls(writer, waiting, sorted(stays | waiting))

    def documents(self) -> Iterator[tuple[str, list[Candidate]]]:
        """Each document's id with its passages in order."""
        for name in self.ids:
            yield name, self.passages(name)

    def passages(self, name: str) -> list[Candidate]:
        """The passages of one document, in order."""
        if name in self.waiting:
            return self.writer.staging.take(name)[2]
        return list(self.writer.rows.candidates(name))

    def document(self, name: str) -> Document:
        """One document, whole."""
        if name in self.waiting:
            return self.writer.staging.take(name)[0]
        document = self.writer.rows.document(name)
        assert document is not None, name
        return document


@dataclass(slots=True)
class Alive:
    """The passages that no pruner has dropped yet: see `rag.protocols.Collection`."""

    candidates: Candidates
    alive: NDArray[np.bool_]

    @classmethod
    def all_of(cls, candidates: Candidates) -> Alive:
        """Before anything was judged."""
        total = sum(len(found) for _, found in candidates.documents())
        return cls(candidates, np.ones(total, np.bool_))

    def __len__(self) -> int:
        return int(self.alive.sum())

    def passages(self) -> Iterator[Passage]:
        """The passages."""
        return (one.passage for _, one in self.each())

    def each(self) -> Iterator[tuple[str, Candidate]]:
        """Each passage with its document's id."""
        position = 0
        for name, found in self.candidates.documents():
            for one in found:
                if self.alive[position]:
                    yield name, one
                position += 1

    def vectors(self) -> Iterator[Vectors]:
        """Their vectors, which have been made."""
        for block in _blocks(self.each()):
            keys = [one.key for _, one in block]
            known = self.candidates.writer.vectors(keys)
            yield np.array([known[key] for key in keys], np.float32)

    def scores(
        self, fingerprint: str, score: Callable[[Sequence[Passage]], Sequence[float]]
    ) -> Scores:
        """What is not known yet is asked, and kept at once."""
        rows = self.candidates.writer.rows
        found: list[float] = []
        for block in _blocks(self.each()):
            texts = {text_key(one.passage.indexed): one.passage for _, one in block}
            known = rows.qualities(fingerprint, list(texts))
            missing = [key for key in texts if key not in known]
            if missing:
                asked = score([texts[key] for key in missing])
                new = dict(zip(missing, map(float, asked), strict=True))
                with rows.transaction():
                    rows.add_qualities(fingerprint, new)
                known |= new
            found += [known[text_key(one.passage.indexed)] for _, one in block]
        return np.array(found, np.float64)

    def encode(self, vectoriser: Vectoriser) -> None:
        """Make the vectors that `vectors` gives."""
        for block in _blocks(self.each()):
            pairs: dict[str, list[tuple[Passage, bytes]]] = {}
            for name, one in block:
                pairs.setdefault(name, []).append((one.passage, one.key))
            load = self.candidates.document
            vectoriser.hand_over()
            vectoriser.begin([Keyed(partial(load, name), own) for name, own in pairs.items()])
        vectoriser.finish()


def _blocks(
    found: Iterable[tuple[str, Candidate]],
) -> Iterator[list[tuple[str, Candidate]]]:
    block: list[tuple[str, Candidate]] = []
    for one in found:
        block.append(one)
        if len(block) == _BLOCK:
            yield block
            block = []
    if block:
        yield block

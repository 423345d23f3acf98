"""Which passages of the whole collection are worth indexing: pruners asked, the worst dropped.

The collection is everything that is in the index or was pruned from it, with what waits to be
indexed in place of what it replaces. It is judged anew as a whole whenever it changes, so that an
index that was updated holds the same passages as one that was built anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rag.errors import RagError
from rag.protocols import Pruner, Quality, Scores, Vectors
from rag.store.rows import Candidate
from rag.store.writer import StoreWriter
from rag.types import Document, Passage
from rag.vectors import Keyed, Vectoriser, text_key

# Passages looked up, encoded or scored together.
_BLOCK = 1_024


@dataclass(frozen=True, slots=True)
class Pruning:
    """A pruner, the name that reasons give it, and how much it drops.

    `keep` is the share of passages kept; with `min_quality` what scores below it is dropped.
    """

    name: str
    pruner: Pruner
    keep: float | None = None
    min_quality: float | None = None

    def worst(self, scores: Scores) -> NDArray[np.bool_]:
        """Which of `scores` `(n,)` are dropped. What ties with the best of them is kept."""
        if not np.isfinite(scores).all():
            raise RagError(f"pruner '{self.name}' gave a score that is no number")
        threshold = self.min_quality
        if threshold is None:
            # At least `keep` stays, whatever a product of floats is a hair below.
            most = int(len(scores) * (1 - (1.0 if self.keep is None else self.keep)) + 1e-9)
            threshold = np.partition(scores, most)[most] if most else -np.inf
        below: NDArray[np.bool_] = scores < threshold
        return below


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a passage is dropped."""

    score: float
    reason: str


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
class _Alive:
    """The passages that no pruner has dropped yet: see `rag.protocols.Collection`."""

    candidates: Candidates
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

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
            known = self.candidates.writer.rows.vectors(keys)
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


def judge(
    candidates: Candidates, prunings: Sequence[Pruning], vectoriser: Vectoriser | None
) -> Mapping[int, Verdict]:
    """Why passages are dropped, by their position in the collection; each pruner in its turn.

    A pruner sees what those before it left. Where it needs vectors, they are made first.
    """
    total = sum(len(found) for _, found in candidates.documents())
    collection = _Alive(candidates, np.ones(total, np.bool_))
    verdicts: dict[int, Verdict] = {}
    for pruning in prunings:
        if pruning.pruner.needs_vectors and vectoriser is not None:
            _encode(collection, vectoriser)
        quality = pruning.pruner.judge(collection)
        positions = np.flatnonzero(collection.alive)
        if quality.scores.shape != positions.shape:
            raise RagError(f"pruner '{pruning.name}' did not judge every passage")
        dropped = np.flatnonzero(pruning.worst(quality.scores))
        for place in dropped.tolist():
            verdicts[int(positions[place])] = _verdict(pruning.name, quality, place)
        collection.alive[positions[dropped]] = False
    return verdicts


def _verdict(name: str, quality: Quality, place: int) -> Verdict:
    return Verdict(float(quality.scores[place]), f"{name}: {quality.why(place)}")


def _encode(collection: _Alive, vectoriser: Vectoriser) -> None:
    for block in _blocks(collection.each()):
        by_document: dict[str, list[tuple[Passage, bytes]]] = {}
        for name, one in block:
            by_document.setdefault(name, []).append((one.passage, one.key))
        vectoriser.ensure(
            [
                Keyed(partial(collection.candidates.document, name), pairs)
                for name, pairs in by_document.items()
            ]
        )


def _blocks(
    found: Iterator[tuple[str, Candidate]],
) -> Iterator[list[tuple[str, Candidate]]]:
    block: list[tuple[str, Candidate]] = []
    for one in found:
        block.append(one)
        if len(block) == _BLOCK:
            yield block
            block = []
    if block:
        yield block

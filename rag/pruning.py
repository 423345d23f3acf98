"""Which passages of the whole collection are worth indexing: pruners asked, the worst dropped.

The collection is everything that is in the index or was pruned from it, with what waits to be
indexed in place of what it replaces. It is judged anew as a whole whenever it changes, so that an
index that was updated holds the same passages as one that was built anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rag.collection import Alive, Candidates
from rag.committing import Committer
from rag.errors import RagError
from rag.protocols import Pruner, Quality, Scores
from rag.store.rows import Candidate
from rag.store.writer import Indexed, StoreWriter, Verdicts
from rag.types import Document, Dropped
from rag.vectors import Keyed, Vectoriser


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


def settle(
    writer: StoreWriter,
    committer: Committer,
    prunings: Sequence[Pruning],
    vectoriser: Vectoriser | None,
    gone: Sequence[str],
) -> None:
    """Judge the collection without the documents `gone`, and commit what follows from it.

    A run that is stopped in the midst of it is known by the record `judged`: see `is_settled`.
    """
    _record(writer, None)
    candidates = Candidates.of(writer, gone)
    verdicts = judge(candidates, prunings, vectoriser)
    position = 0
    for name in candidates.ids:
        # What waits is unpacked whole, and once.
        waits = writer.staging.take(name) if name in candidates.waiting else None
        found = candidates.passages(name) if waits is None else waits[2]
        places = range(position, position + len(found))
        told = {at - position: verdicts[at] for at in places if at in verdicts}
        position += len(found)
        if waits is not None:
            committer.add(_judged(*waits, told))
        elif changes := _changes(name, found, told):
            _encode_admitted(candidates, name, found, changes, vectoriser)
            committer.follow(changes)
    committer.flush()
    _record(writer, [pruning.name for pruning in prunings])


def is_settled(writer: StoreWriter, prunings: Sequence[Pruning]) -> bool:
    """Whether the index is as `prunings` left it, and not half judged or judged by others."""
    recorded: bool = writer.rows.meta("judged", []) == [pruning.name for pruning in prunings]
    return recorded


def _record(writer: StoreWriter, judged: Sequence[str] | None) -> None:
    with writer.rows.transaction():
        writer.rows.set_meta("judged", judged)


def judge(
    candidates: Candidates, prunings: Sequence[Pruning], vectoriser: Vectoriser | None
) -> Mapping[int, Verdict]:
    """Why passages are dropped, by their position in the collection; each pruner in its turn.

    A pruner sees what those before it left. Where it needs vectors, they are made first.
    """
    collection = Alive.all_of(candidates)
    verdicts: dict[int, Verdict] = {}
    for pruning in prunings:
        if pruning.pruner.needs_vectors and vectoriser is not None:
            collection.encode(vectoriser)
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


def _judged(
    document: Document, version: str, found: Sequence[Candidate], told: Mapping[int, Verdict]
) -> Indexed:
    """A document that waited: what is kept of it, and what is not."""
    kept = [(one.passage, one.key) for at, one in enumerate(found) if at not in told]
    dropped = [
        (Dropped(found[at].passage, verdict.score, verdict.reason), found[at].key)
        for at, verdict in told.items()
    ]
    return Indexed(document, version, kept, dropped)


def _changes(name: str, found: Sequence[Candidate], told: Mapping[int, Verdict]) -> Verdicts | None:
    """What becomes of the passages of a document that stays; None where nothing does."""
    admitted = [one.row or 0 for at, one in enumerate(found) if not one.kept and at not in told]
    lines = [(found[at], (found[at].row or 0, v.score, v.reason)) for at, v in told.items()]
    if not admitted and not lines:
        return None
    expelled = [line for one, line in lines if one.kept]
    return Verdicts(name, admitted, expelled, [line for one, line in lines if not one.kept])


def _encode_admitted(
    candidates: Candidates,
    name: str,
    found: Sequence[Candidate],
    changes: Verdicts,
    vectoriser: Vectoriser | None,
) -> None:
    if vectoriser is None or not changes.admitted:
        return
    rows = set(changes.admitted)
    pairs = [(one.passage, one.key) for one in found if not one.kept and one.row in rows]
    vectoriser.ensure([Keyed(partial(candidates.document, name), pairs)])

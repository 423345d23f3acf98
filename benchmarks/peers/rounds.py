"""The measuring: peers take turns, and one that fails is left out of what follows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import python_of
from benchmarks.peers.peer import Answered, Peer, PeerError, model_folder, run_cold, run_phase
from benchmarks.peers.workload import Workload, size

DEPTH = 100
_WARM_UP = 20

Figures = dict[str, Any]


@dataclass(slots=True)
class Rounds:
    """What is measured of whom. `figures` and `failures` are by name of peer.

    `encoder` makes the vectors of peers that are given them.
    """

    peers: Sequence[Peer]
    work: Workload
    environments: Path
    rounds: int
    encoder: Peer
    figures: dict[str, Figures] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    _pythons: dict[str, Path] = field(default_factory=dict)
    _models: dict[str, str] = field(default_factory=dict)

    def measure(self) -> None:
        """Everything, step by step."""
        once = (self._install, self._try, self._fill, self._quality)
        timed = (self._index, self._again, self._ask, self._start_cold)
        for step in (*once, *timed * self.rounds):
            self._each(step)

    def _each(self, step: Callable[[Peer], None]) -> None:
        name = getattr(step, "__name__", "").strip("_")
        for peer in self.peers:
            if peer.name in self.failures:
                continue
            _say(f"{name} {peer.name}")
            try:
                step(peer)
            except PeerError as error:
                self.failures[peer.name] = str(error)
                print(f"{peer.name}: {error}", file=sys.stderr, flush=True)

    def _install(self, peer: Peer) -> None:
        self._prepared(peer)
        self.figures[peer.name] = {"index": [], "again": [], "query": [], "cold": []}

    def _try(self, peer: Peer) -> None:
        """A few documents, not timed: what a library makes once and keeps is made here."""
        self._run(peer, "index", documents=self.work.few, index=self._place(peer, "few"))

    def _index(self, peer: Peer) -> None:
        """Indexing the part, in a new place each time."""
        taken = self.figures[peer.name]["index"]
        taken.append(self._timed(peer, "index", f"part-{len(taken)}"))

    def _again(self, peer: Peer) -> None:
        """Once more in the same place and a new process."""
        taken = self.figures[peer.name]["again"]
        taken.append(self._timed(peer, "again", f"part-{len(taken)}"))

    def _timed(self, peer: Peer, phase: str, name: str) -> Figures:
        place = self._place(peer, name)
        answered = self._run(peer, phase, documents=self.work.part, index=place)
        return {**answered.found, "process_seconds": answered.seconds}

    def _fill(self, peer: Peer) -> None:
        """The index of the whole, of vectors that are known already."""
        place = self._place(peer, "whole")
        given = (
            {"cache": self._cache} if peer.vectors == "cache" else {"vectors": self._vectors(peer)}
        )
        built = self._run(peer, "index", documents=self.work.whole, index=place, **given)
        self.figures[peer.name]["whole"] = {**built.found, "disk_bytes": size(place)}

    def _quality(self, peer: Peer) -> None:
        """What each way of searching finds."""
        modes = ("hybrid", "dense", "bm25")
        found = self._query(peer, modes, warm_up=0)
        runs = {mode: one["run"] for mode, one in found["modes"].items()}
        self.figures[peer.name]["runs"] = runs

    def _ask(self, peer: Peer) -> None:
        """Every question once, timed."""
        found = self._query(peer, ("hybrid",), warm_up=_WARM_UP)
        hybrid = found["modes"]["hybrid"]
        figures = {name: hybrid[name] for name in ("seconds", "embedding")}
        self.figures[peer.name]["query"].append({**figures, "peak_bytes": found["peak_bytes"]})

    def _start_cold(self, peer: Peer) -> None:
        """A new process with the next question."""
        taken = self.figures[peer.name]["cold"]
        texts = list(self.work.questions.values())
        first = run_cold(
            peer,
            self._pythons[peer.name],
            self._place(peer, "whole"),
            texts[len(taken) % len(texts)],
            **self._given(peer),
        )
        taken.append(first)

    def _query(self, peer: Peer, modes: Sequence[str], warm_up: int) -> Mapping[str, Any]:
        given = {"questions": dict(self.work.questions), "modes": modes, "warm_up": warm_up}
        return self._run(peer, "query", index=self._place(peer, "whole"), **given).found

    def _run(self, peer: Peer, phase: str, **given: Any) -> Answered:
        return run_phase(peer, self._pythons[peer.name], phase, **self._given(peer), **given)

    def _given(self, peer: Peer) -> Mapping[str, Any]:
        return {"model": self._models[peer.name], "depth": DEPTH}

    def _place(self, peer: Peer, name: str) -> Path:
        folder = self.work.place / "indexes" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder / peer.name

    @property
    def _cache(self) -> Path:
        return self.environments / "vectors"

    def _vectors(self, peer: Peer) -> Path:
        """The file of vectors that the peer is given; made where it is not there."""
        maker = self._prepared(peer if peer.vectors == "own" else self.encoder)
        file = self.work.vectors_file(self.environments, maker.name, maker.requirements)
        if not file.is_file():
            _say(f"vectors of {maker.name}")
            file.parent.mkdir(parents=True, exist_ok=True)
            half = file.with_suffix(".part")
            self._run(maker, "vectors", documents=self.work.whole, file=half)
            half.replace(file)
        return file

    def _prepared(self, peer: Peer) -> Peer:
        """The same, installed even where it is not measured itself."""
        if peer.name not in self._pythons:
            self._pythons[peer.name] = python_of(peer, self.environments)
            self._models[peer.name] = model_folder(self._pythons[peer.name])
        return peer


def _say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

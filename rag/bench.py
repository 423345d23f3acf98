"""Indexes of a dataset built to be judged, and thrown away when they have been."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.config import Pipeline
from rag.corpus import WholeDocument, connector_of
from rag.encode.cache import CachedEncoder
from rag.evaluate.dataset import Dataset, PerQuery
from rag.evaluate.runner import judge
from rag.protocols import Encoder, Vectors
from rag.rag import Rag
from rag.trial import Say, Units, is_whole, uncut


@dataclass(frozen=True, slots=True)
class Measured:
    """What an index held and found; `per_query` is measure -> query id -> value.

    For the others see `rag.evaluate.tradeoff.Point`.
    """

    passages: int
    pruned: int
    encoded: int
    bytes: int
    seconds: float
    per_query: PerQuery


@dataclass(frozen=True)
class Bench:
    """Judges pipelines with the same encoder on one dataset.

    What was found lies in `place`, one file for each pipeline, and vectors beside it.
    """

    place: Path
    dataset: Dataset
    units: Units
    say: Say

    @classmethod
    @contextmanager
    def at(
        cls, cache: Path | None, dataset: Dataset, units: Units, say: Say | None
    ) -> Iterator[Bench]:
        """One that keeps what it finds in `cache`, or nowhere without it."""
        say = say or (lambda _: None)
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
            yield cls(cache, dataset, units, say)
            return
        with tempfile.TemporaryDirectory(prefix="ragline-") as folder:
            yield cls(Path(folder), dataset, units, say)

    def measured(self, pipeline: Pipeline, name: str) -> Measured:
        """What an index by `pipeline` holds and finds, from an earlier run where there was one."""
        key = self._key(pipeline)
        path = self.place / f"pruned-{key}.json"
        if path.is_file():
            return Measured(**json.loads(path.read_text(encoding="utf-8")))
        folder = self.place / f"pruned-{key}"
        # Left by a run that was killed.
        shutil.rmtree(folder, ignore_errors=True)
        try:
            found = self._measure(pipeline, name, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(found)), encoding="utf-8")
        draft.replace(path)
        return found

    def _measure(self, pipeline: Pipeline, name: str, folder: Path) -> Measured:
        clock = _Clocked(self._encoder(pipeline)) if pipeline.encode is not None else None
        encoder = CachedEncoder(clock, self.place) if clock is not None else None
        whole = WholeDocument() if is_whole(self.dataset, self.units) else None
        encoded = 0

        def progressed(done: Any) -> None:
            nonlocal encoded
            encoded = done.encoded
            self.say(f"{name}: {done.looked_at:,} documents")

        with closing(Rag(folder, uncut(pipeline), encoder, whole)) as rag:
            indexed = rag.index(connector_of(self.dataset), progress=progressed)
            for failure in indexed.failed:
                warnings.warn(f"not measured: {failure.source}: {failure.error}", stacklevel=2)
            self.say(f"{name}: {len(self.dataset.queries):,} questions")
            result = judge(
                self.dataset,
                name,
                rag.search,
                index_seconds=indexed.seconds,
                documents=indexed.documents,
                passages=indexed.passages,
                cut=rag.passages(),
            )
        return Measured(
            passages=indexed.passages,
            pruned=indexed.pruned,
            encoded=encoded,
            bytes=_size(folder),
            seconds=round(indexed.seconds - (clock.seconds if clock is not None else 0.0), 3),
            per_query=result.per_query,
        )

    def _encoder(self, pipeline: Pipeline) -> Encoder:
        """Loaded once for all pipelines."""
        known = self._encoders
        key = json.dumps(pipeline.encode.as_dict() if pipeline.encode else {}, sort_keys=True)
        if key not in known:
            assert pipeline.encode is not None
            known[key] = pipeline.encode.build()
        return known[key]

    @cached_property
    def _encoders(self) -> dict[str, Encoder]:
        return {}

    def _key(self, pipeline: Pipeline) -> str:
        """A digest of all that the figures depend on."""
        shape = pipeline.as_dict()
        record = [
            self._state,
            shape["index"],
            shape["query"],
            self.units,
            sorted(self.dataset.queries.items()),
            version("ragline"),
        ]
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def _state(self) -> list[tuple[str, int, int]]:
        """The dataset's files, with their sizes and times."""
        folder = self.dataset.folder.resolve()
        paths = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
        return [(str(one), *_times(one.stat())) for one in paths if one.is_file()]


class _Clocked:
    """An encoder that counts the seconds it spends on passages."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """The encoder's own vectors."""
        started = time.perf_counter()
        try:
            return self._encoder.encode_passages(texts)
        finally:
            self.seconds += time.perf_counter() - started


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _size(folder: Path) -> int:
    """Bytes of the search structures of the newest generation."""
    newest = max((folder / "generations").iterdir())
    return sum(path.stat().st_size for path in newest.rglob("*") if path.is_file())

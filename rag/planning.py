"""What an index run would do, and about how long it would take, without doing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rag.errors import DocumentError
from rag.indexing import Indexer
from rag.protocols import Connector, Encoder
from rag.store.rows import Rows
from rag.types import Document, Failure, Item

_SAMPLE = 12  # documents that are read to estimate from
_SAMPLE_SECONDS = 10.0
_PROBE = 32  # passages that are encoded to estimate from
# A run that read less says more of its start than of its pace.
_TELLING = 50_000


@dataclass(slots=True)
class IndexPlan:
    """Sources by what would become of them.

    `seconds` is an estimate of the time it would take; `basis` says what it is drawn from.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    seconds: float = 0.0
    basis: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain data, as `rag index --dry-run --json` prints it."""
        return asdict(self)


def plan(rows: Rows | None, connector: Connector, indexer: Callable[[], Indexer]) -> IndexPlan:
    """What `synchronise` would do; `rows` is None where there is no index yet.

    Whatever has another version counts as changed; a run finds that some of it says the same,
    or was only moved. `indexer` is built where documents have to be tried.
    """
    made = IndexPlan()
    work: list[Item] = []
    seen: set[str] = set()
    for item in connector.items():
        if isinstance(item, Failure):
            made.failed.append(item)
            seen.update(rows.ids_of(item.source) if rows is not None else ())
        elif item.id not in seen:
            seen.add(item.id)
            _sort(made, work, item, rows)
    if rows is not None:
        gone = ((name, source) for name, source in rows.sources() if name not in seen)
        made.removed = [source for _, source in gone if connector.covers(source)]
    _estimate(made, work, rows, indexer)
    return made


def _sort(made: IndexPlan, work: list[Item], item: Item, rows: Rows | None) -> None:
    known = rows.known(item.id) if rows is not None else None
    if known is not None and known.is_at(item.version):
        made.unchanged += 1
        return
    (made.added if known is None else made.changed).append(item.source)
    work.append(item)


def _estimate(
    made: IndexPlan, work: Sequence[Item], rows: Rows | None, indexer: Callable[[], Indexer]
) -> None:
    if not work:
        made.basis = "nothing to read"
        return
    pace = _past_pace(rows.runs(20)) if rows is not None else None
    if pace is not None and all(item.size is not None for item in work):
        made.seconds = pace * sum(item.size or 0 for item in work)
        made.basis = "the pace of this index's earlier runs"
    else:
        made.seconds, tried = _tried(work, indexer())
        made.basis = f"a trial of {tried} of the documents"
    made.seconds = round(made.seconds, 3)


def _past_pace(runs: Sequence[dict[str, Any]]) -> float | None:
    """Seconds for each byte, in the latest run that read enough to tell."""
    telling = (run for run in runs if run.get("read", 0) >= _TELLING)
    return next((run["seconds"] / run["read"] for run in telling), None)


def _tried(work: Sequence[Item], indexer: Indexer) -> tuple[float, int]:
    """Seconds that all of `work` would take, and the number of documents tried to tell."""
    started = time.perf_counter()
    texts: list[str] = []
    tried = size = 0
    for item, document in _sample(work, started):
        tried += 1
        size += item.size or 0
        texts += [one.indexed for one in indexer.chunker.chunk(document, indexer.tokenizer)]
    if not tried:
        return 0.0, 0
    spent = time.perf_counter() - started
    whole = sum(item.size or 0 for item in work)
    scale = whole / size if size and whole else len(work) / tried
    encoding = _seconds_each(texts, indexer.encoder) * len(texts)
    return (spent + encoding) * scale, tried


def _sample(work: Sequence[Item], started: float) -> Iterator[tuple[Item, Document]]:
    """Documents from all over the list, as many as the time for it allows."""
    step = max(1, len(work) // _SAMPLE)
    for item in work[::step][:_SAMPLE]:
        if time.perf_counter() - started > _SAMPLE_SECONDS:
            return
        try:
            yield item, item.load()
        except DocumentError:
            continue


def _seconds_each(texts: Sequence[str], encoder: Encoder | None) -> float:
    """Seconds to encode one passage, the model being loaded."""
    if encoder is None or not texts:
        return 0.0
    probe = texts[:: max(1, len(texts) // _PROBE)][:_PROBE]
    encoder.encode_passages(probe[:1])
    started = time.perf_counter()
    encoder.encode_passages(probe)
    return (time.perf_counter() - started) / len(probe)

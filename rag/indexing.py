"""Bringing an index up to date with its sources: read, chunk, prune, encode, commit.

Work is streamed. Vectors are kept as soon as they are computed and documents are committed in
batches, so that a run that is stopped at any moment has lost at most the batch in hand.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from rag.errors import DocumentError, RagError, SourceError
from rag.prefetch import prefetch
from rag.protocols import Chunker, Connector, Encoder, Pruner, Tokenizer
from rag.store.rows import Known
from rag.store.writer import Indexed, StoreWriter
from rag.types import Document, Dropped, Failure, Item, Passage

# Documents loaded before their turn, and their size.
_AHEAD_DOCUMENTS = 64
_AHEAD_BYTES = 64_000_000
# Passages whose vectors are looked up, sorted by length and encoded together.
_ENCODE_PASSAGES = 1_024
# Passages encoded between two savings: what a kill can cost.
_SAVE_PASSAGES = 128
# A commit is due when this much text waits, or this much time has passed.
_COMMIT_CHARACTERS = 16_000_000
_COMMIT_SECONDS = 30.0


@dataclass(slots=True)
class IndexReport:
    """What an index run did: counts of documents, and the state of the index after it.

    `moved` are those of the added that say what a removed one said; `read` is the size in bytes
    of the sources that were worked on.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    moved: int = 0
    documents: int = 0
    passages: int = 0
    pruned: int = 0
    failed: list[Failure] = field(default_factory=list)
    read: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """Plain data, as `rag index --json` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: documents looked at and found to need work, passages made and encoded."""

    looked_at: int
    working: int
    passages: int
    encoded: int
    source: str


@dataclass(frozen=True, slots=True)
class Indexer:
    """The index part of a pipeline, built: `encoder` is None for a lexical index."""

    chunker: Chunker
    pruners: Sequence[Pruner]
    encoder: Encoder | None
    words: Tokenizer

    @property
    def tokenizer(self) -> Tokenizer:
        """What passages are measured with."""
        return self.words if self.encoder is None else self.encoder.tokenizer


def synchronise(
    writer: StoreWriter,
    indexer: Indexer,
    connector: Connector,
    progress: Callable[[Progress], None] | None = None,
    *,
    whole: bool = False,
    threads: int = 1,
) -> IndexReport:
    """Make the index say what the source says now: see `IndexReport`.

    With `whole` the source is all there is: documents of any other are removed. Documents are
    loaded by `threads`, ahead of what is done with them.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    run = _Run(writer, indexer, progress)
    clock = time.perf_counter()
    _check_encoder(writer, indexer.encoder)
    items = prefetch(
        connector.items(),
        run.wants,
        workers=threads,
        ahead=_AHEAD_DOCUMENTS,
        most_bytes=_AHEAD_BYTES,
    )
    try:
        # Closed at once, whatever fails: its threads would go on loading what nobody takes.
        with closing(items):
            for item in items:
                run.take(item)
    except SourceError:
        # Where the source breaks off, what was read of it is kept.
        run.flush()
        raise
    except Exception:
        raise
    except BaseException:
        # Asked to stop: what is ready costs next to nothing to keep.
        run.keep()
        raise
    run.flush()
    gone = writer.unseen((lambda _: True) if whole else connector.covers)
    report = run.report
    report.removed = len(gone)
    report.moved = run.moved(gone)
    writer.commit([], gone)
    counts = writer.rows.counts()
    report.documents, report.passages, report.pruned = counts.values()
    report.seconds = round(time.perf_counter() - clock, 3)
    failed = {one.source for one in report.failed}
    known = {one.source for one in writer.rows.failures()}
    settled = [source for source in known - failed if whole or connector.covers(source)]
    writer.log(started, report.seconds, report.as_dict(), report.failed, settled)
    return report


def _check_encoder(writer: StoreWriter, encoder: Encoder | None) -> None:
    if encoder is None:
        return
    writer.rows.check_encoder(encoder.fingerprint)
    if writer.rows.meta("encoder") is None:
        with writer.rows.transaction():
            writer.rows.set_meta("encoder", encoder.fingerprint)


@dataclass(slots=True)
class _Cut:
    """A document that has been cut and pruned."""

    indexed: Indexed
    known: bool


class _Run:
    def __init__(
        self,
        writer: StoreWriter,
        indexer: Indexer,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.report = IndexReport()
        self._writer = writer
        self._indexer = indexer
        self._progress = progress
        self._cut: list[_Cut] = []
        self._ready: list[_Cut] = []
        self._touched: list[tuple[str, str]] = []
        self._uncoded = self._waiting = 0
        self._committed = time.monotonic()
        self._looked_at = self._working = self._passages = self._encoded = 0
        self._added: Counter[str] = Counter()
        self._known: dict[str, Known | None] = {}

    def wants(self, item: Item) -> bool:
        """Whether an item has to be read; asked before it is its turn."""
        known = self._writer.rows.known(item.id)
        self._known[item.id] = known
        return known is None or not known.is_at(item.version)

    def take(self, item: Item | Failure) -> None:
        """Look at one item of the source, and index it if it is new or changed."""
        self._looked_at += 1
        if isinstance(item, Failure):
            # What it last said stays in the index: unreadable is not removed.
            self._writer.see_source(item.source)
            self._fail(item)
            return
        if not self._writer.see(item.id):
            self._fail(Failure(item.source, f"another document has the same id '{item.id}'"))
            return
        self._show(item.source)
        known = self._known.pop(item.id)
        if known is not None and known.is_at(item.version):
            self.report.unchanged += 1
            return
        try:
            self._read(item, known)
        except DocumentError as error:
            self._fail(Failure(item.source, str(error)))

    def flush(self) -> None:
        """Encode and commit what waits."""
        self._encode()
        self._commit()

    def keep(self) -> None:
        """Commit what waits and needs no encoding."""
        if self._indexer.encoder is None:
            self._encode()
        self._commit()

    def _commit(self) -> None:
        for cut in self._ready:
            if cut.known:
                self.report.changed += 1
            else:
                self.report.added += 1
                self._added[cut.indexed.document.content_hash] += 1
        self._writer.commit([cut.indexed for cut in self._ready])
        self._writer.touch(self._touched)
        self._touched = []
        self._ready = []
        self._waiting = 0
        self._committed = time.monotonic()

    def moved(self, gone: Sequence[str]) -> int:
        """How many of the documents that were added say what one of `gone` said."""
        known = (self._writer.rows.known(name) for name in gone)
        left = Counter(one.content_hash for one in known if one is not None)
        return (self._added & left).total()

    def _read(self, item: Item, known: Known | None) -> None:
        document = _loaded(item)
        _check_text(document)
        self.report.read += item.size or len(document.text)
        same = known is not None and known.source == document.source
        if same and known is not None and known.content_hash == document.content_hash:
            self._touched.append((item.id, item.version))
            self.report.unchanged += 1
            return
        passages = list(self._indexer.chunker.chunk(document, self._indexer.tokenizer))
        dropped = list(_pruned(passages, self._indexer.pruners))
        gone = {one.passage.id for one in dropped}
        kept = [(one, _key(one.indexed)) for one in passages if one.id not in gone]
        self._cut.append(_Cut(Indexed(document, item.version, kept, dropped), known is not None))
        self._uncoded += len(kept)
        self._waiting += len(document.text)
        self._working += 1
        self._passages += len(kept)
        self._show(item.source)
        self._work()

    def _work(self) -> None:
        if self._uncoded >= _ENCODE_PASSAGES:
            self._encode()
        late = time.monotonic() - self._committed > _COMMIT_SECONDS
        if self._waiting > _COMMIT_CHARACTERS or (late and self._ready):
            self.flush()

    def _encode(self) -> None:
        """Vectors for the passages that have none yet, kept as they come."""
        if self._indexer.encoder is not None:
            texts = {key: p.indexed for cut in self._cut for p, key in cut.indexed.passages}
            missing = sorted(self._writer.missing(list(texts)), key=lambda key: -len(texts[key]))
            for keys in _slices(missing, _SAVE_PASSAGES):
                vectors = self._indexer.encoder.encode_passages([texts[key] for key in keys])
                self._writer.remember(keys, vectors)
                self._encoded += len(keys)
                self._show("")
        self._ready.extend(self._cut)
        self._cut = []
        self._uncoded = 0

    def _fail(self, failure: Failure) -> None:
        self.report.failed.append(failure)

    def _show(self, source: str) -> None:
        if self._progress is not None:
            counts = (self._looked_at, self._working, self._passages, self._encoded)
            self._progress(Progress(*counts, source))


def _loaded(item: Item) -> Document:
    try:
        return item.load()
    except RagError:
        raise
    # A connector may fail in ways of its own on one item, and that must not stop the rest.
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise DocumentError(f"cannot be read: {told}") from error


def _check_text(document: Document) -> None:
    """Half a surrogate pair cannot be stored, nor shown."""
    for name in ("text", "title", "source", "id"):
        try:
            getattr(document, name).encode()
        except UnicodeEncodeError as error:
            raise DocumentError(
                f"has half of a surrogate pair in its {name}, at character {error.start}: "
                "decode it with errors='replace'"
            ) from None


def _pruned(passages: Sequence[Passage], pruners: Sequence[Pruner]) -> Iterator[Dropped]:
    left = list(passages)
    for pruner in pruners:
        dropped = list(pruner.prune(left))
        gone = {one.passage.id for one in dropped}
        left = [passage for passage in left if passage.id not in gone]
        yield from dropped


def _key(text: str) -> bytes:
    """What a vector is kept under: equal texts are encoded once."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _slices(keys: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))

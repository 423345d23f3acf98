"""Bringing an index up to date with its sources: read, chunk, prune, encode, commit.

Work is streamed: documents are read ahead in threads of their own, passages are encoded in
another, and this one cuts, saves and commits meanwhile. Vectors are kept as soon as they are
computed and documents are committed in batches, so that a run that is stopped at any moment has
lost at most the batch in hand: see `rag.vectors`. Where a pipeline prunes, documents wait in the
index's database until all are read, because passages are judged as one collection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from rag.committing import Committer
from rag.errors import DocumentError, RagError, SourceError
from rag.prefetch import prefetch
from rag.protocols import Chunker, Connector, Encoder, Tokenizer
from rag.pruning import Pruning, is_settled, settle
from rag.store.rows import Known
from rag.store.writer import Indexed, StoreWriter
from rag.types import Document, Failure, Item
from rag.vectors import Vectoriser, keys

# Documents loaded before their turn, and their size.
_AHEAD_DOCUMENTS = 64
_AHEAD_BYTES = 64_000_000
# Text that is read and cut between two savings, where documents wait to be judged.
_STAGE_CHARACTERS = 2_000_000


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
    """How far a run is: documents looked at and found to need work, passages made and encoded.

    `judging` says that all passages are being judged, which takes as long as it takes.
    """

    looked_at: int
    working: int
    passages: int
    encoded: int
    source: str
    judging: bool = False


@dataclass(frozen=True, slots=True)
class Indexer:
    """The index part of a pipeline, built: `encoder` is None for a lexical index."""

    chunker: Chunker
    prunings: Sequence[Pruning]
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
    keep_all: bool = False,
    threads: int = 1,
) -> IndexReport:
    """Make the index say what the source says now: see `IndexReport`.

    With `whole` the source is all there is: documents of any other are removed. With `keep_all`
    nothing is pruned, and what was pruned before comes back. Documents are loaded by `threads`,
    ahead of what is done with them.
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
    with closing(run):
        _take_all(run, items)
        covers = (lambda _: True) if whole else connector.covers
        run.finish(writer.unseen(covers), covers, keep_all=keep_all)
    report = run.report
    counts = writer.rows.counts()
    report.documents, report.passages, report.pruned = counts.values()
    report.seconds = round(time.perf_counter() - clock, 3)
    failed = {one.source for one in report.failed}
    known = {one.source for one in writer.rows.failures()}
    settled = [source for source in known - failed if whole or connector.covers(source)]
    writer.log(started, report.seconds, report.as_dict(), report.failed, settled)
    return report


def _take_all(run: _Run, items: Generator[Item | Failure]) -> None:
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


def _check_encoder(writer: StoreWriter, encoder: Encoder | None) -> None:
    if encoder is None:
        return
    writer.rows.check_encoder(encoder.fingerprint)
    if writer.rows.meta("encoder") is None:
        with writer.rows.transaction():
            writer.rows.set_meta("encoder", encoder.fingerprint)


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
        self._vectoriser = (
            Vectoriser(writer, indexer.chunker, indexer.encoder, self._tell)
            if indexer.encoder is not None
            else None
        )
        self._committer = Committer(writer, self._vectoriser)
        self._cut: list[Indexed] = []
        self._waiting = 0
        self._staged: set[str] = set()
        self._looked_at = self._working = self._passages = self._encoded = 0
        self._known: dict[str, Known | None] = {}

    def wants(self, item: Item) -> bool:
        """Whether an item has to be read; asked before it is its turn."""
        known = self._writer.rows.known(item.id)
        self._known[item.id] = known
        return not (known is not None and known.is_at(item.version)) and not self._waits(item)

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
        if self._waits(item):
            self._staged.add(item.id)
            return
        try:
            self._read(item, known)
        except DocumentError as error:
            self._fail(Failure(item.source, str(error)))

    def flush(self) -> None:
        """Encode and commit what waits, or keep it until all is judged."""
        self._stage()
        self._committer.flush()

    def keep(self) -> None:
        """Commit what waits and needs no encoding."""
        self._stage()
        self._committer.keep()

    def close(self) -> None:
        """Let the encoder's thread end; nothing is waited for."""
        if self._vectoriser is not None:
            self._vectoriser.close()

    def finish(self, gone: Sequence[str], covers: Callable[[str], bool], *, keep_all: bool) -> None:
        """Everything has been read, and `gone` are to be removed: judge, encode and commit."""
        self.flush()
        waiting = list(self._writer.staging.sources())
        lost = [name for name, source in waiting if self._is_lost(name, source, covers)]
        self._writer.unstage(lost)
        prunings = [] if keep_all else self._indexer.prunings
        new = len(waiting) > len(lost) or (prunings and gone)
        if new or not is_settled(self._writer, prunings):
            self._show("", judging=True)
            settle(self._writer, self._committer, prunings, self._vectoriser, gone)
        report, committer = self.report, self._committer
        report.removed, report.moved = len(gone), committer.moved(gone)
        report.added, report.changed = committer.added, committer.changed
        self._writer.commit([], gone)

    def _waits(self, item: Item) -> bool:
        """Whether an earlier run read this version, and was stopped before it was judged."""
        return item.version != "" and self._writer.staging.version(item.id) == item.version

    def _is_lost(self, name: str, source: str, covers: Callable[[str], bool]) -> bool:
        """Whether what an earlier run kept to be judged is not what its source says now."""
        if self._writer.seen(name):
            return name not in self._staged
        return covers(source)

    def _read(self, item: Item, known: Known | None) -> None:
        document = _loaded(item)
        _check_text(document)
        self.report.read += item.size or len(document.text)
        same = known is not None and known.source == document.source
        if same and known is not None and known.content_hash == document.content_hash:
            self._committer.touch(item.id, item.version)
            self.report.unchanged += 1
            return
        passages = list(self._indexer.chunker.chunk(document, self._indexer.tokenizer))
        paired = zip(passages, keys(document, passages, self._indexer.chunker), strict=True)
        self._working += 1
        self._passages += len(passages)
        self._add(Indexed(document, item.version, list(paired)))
        self._show(item.source)

    def _add(self, indexed: Indexed) -> None:
        if not self._indexer.prunings:
            self._committer.add(indexed)
            return
        self._cut.append(indexed)
        self._staged.add(indexed.document.id)
        self._waiting += len(indexed.document.text)
        if self._waiting > _STAGE_CHARACTERS:
            self._stage()

    def _stage(self) -> None:
        """Keep what was cut until all is judged."""
        if self._cut:
            self._writer.stage(self._cut)
        self._cut, self._waiting = [], 0

    def _tell(self, encoded: int) -> None:
        self._encoded += encoded
        self._show("")

    def _fail(self, failure: Failure) -> None:
        self.report.failed.append(failure)

    def _show(self, source: str, *, judging: bool = False) -> None:
        if self._progress is not None:
            counts = (self._looked_at, self._working, self._passages, self._encoded)
            self._progress(Progress(*counts, source, judging))


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

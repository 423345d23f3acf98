"""Keeping an index: making it say what its sources say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING, Any

from rag.errors import IndexBusyError, NoIndexError, RequestError
from rag.facade.engine import Engine, no_index

if TYPE_CHECKING:
    from rag.config import Prune
    from rag.indexing import Indexer, IndexReport, Progress
    from rag.planning import IndexPlan
    from rag.protocols import Connector
    from rag.sources import Source
    from rag.store.store import Store


class Upkeep(Engine):
    """What changes an index, and what tells beforehand how."""

    def index(
        self,
        *sources: Source,
        rebuild: bool = False,
        keep_all: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Make the index say what `sources` say now: paths, URLs, connectors (see `rag.sources`).

        Documents of other sources stay. With `rebuild` everything is made anew from these
        sources, and the former index serves until the new one is complete. With `keep_all`
        nothing is pruned in this run, and what was pruned comes back, without being read again;
        then `sources` may be left out.
        Raises IndexMismatchError where the index was made by another index part or encoder.
        """
        from rag.connectors.chain import Chain

        if keep_all and not sources and not self.exists:
            raise NoIndexError(no_index(self.folder))
        connector = Chain({}) if keep_all and not sources else self.connect(*sources)
        with self._parsers.kept():
            return self._index(connector, progress, rebuild=rebuild, keep_all=keep_all)

    def plan(self, *sources: Source) -> IndexPlan:
        """What `index` would do with `sources`, and about how long it would take."""
        from rag.planning import plan

        connector = self._opened(sources, self.exists)
        with self._parsers.kept():
            if not self.exists or self._is_blank():
                return plan(None, connector, self._indexer)
            self._check_part()
            with self._store.rows() as rows:
                return plan(rows, connector, self._indexer)

    def watch(
        self,
        *sources: Source,
        stop: Event | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[IndexReport]:
        """Index `sources`, files and folders, and again whatever changes, until `stop` is set.

        One report for each time that the index was brought up to date. While another process
        writes the index, changes wait. Raises SourceError where the sources are no files.
        """
        from rag.watching import changes

        connector = self.connect(*sources)
        waiting: set[str] | None = set()
        with self._parsers.kept():
            for changed in changes(connector, self.folder, stop or Event()):
                waiting = None if changed is None or waiting is None else waiting | changed
                if waiting is not None and not waiting:
                    continue
                try:
                    yield self._index(_part(connector, waiting), progress)
                except IndexBusyError:
                    continue
                waiting = set()

    def remove(self, *names: str) -> list[str]:
        """Remove documents by id or source, by folder, or by a pattern such as `docs/*.md`.

        The sources removed, sorted. They come back when their source is indexed again.
        Raises RequestError where a name fits nothing.
        """
        from rag.naming import matcher, no_document

        with self._store.writing() as writer:
            known = list(writer.rows.sources())
            failed = [failure.source for failure in writer.rows.failures()]
            gone: dict[str, str] = {}
            settled: set[str] = set()
            for name in names:
                fits = matcher(name, self._base)
                found = {one: source for one, source in known if fits(one) or fits(source)}
                unread = {source for source in failed if fits(source)}
                if not found and not unread:
                    raise RequestError(no_document(name, [source for _, source in known]))
                gone |= found
                settled |= unread
            writer.commit([], sorted(gone))
            writer.forget_failures(sorted(settled))
        return sorted({*gone.values(), *settled})

    def connect(self, *sources: Source) -> Connector:
        """One connector for `sources`, as `index` would open them."""
        return self._opened(sources, True)

    def unmeasured(self) -> list[Prune]:
        """The steps of pruning that say `within` and were not measured yet: see `rag.curve`."""
        known = self._known_shares()
        return [one for one in self.pipeline.prune if one.within and one.key not in known]

    def measured(self, prune: Prune, keep: float) -> None:
        """Say what share a step of pruning keeps, as measured; the next `index` records it."""
        self._shares[prune.key] = keep

    def repair(self) -> list[str]:
        """Derive the search structures anew from the documents; what was done, a line each.

        Vectors are searched from now on as the pipeline's `index.dense` says. Raises
        IndexMismatchError where the rest of its index part made another index.
        """
        from rag.config import differences

        part = self.pipeline.index_part()
        with self._store.writing() as writer:
            recorded = writer.rows.meta("pipeline", {})
            if differences({**recorded, "dense": None}, {**part, "dense": None}):
                self._check_rows(writer.rows)
            done = writer.repair()
            if differences(recorded, part):
                with writer.rows.transaction():
                    writer.rows.set_meta("pipeline", part)
                    writer.rows.set_meta("recipe", self.pipeline.as_dict())
        return done

    def _indexer(self) -> Indexer:
        from rag.assembly import build_indexer

        return build_indexer(self.pipeline, self.encoder, self._chunker, self._known_shares())

    def _known_shares(self) -> dict[str, float]:
        """How much is kept where a pruning says `within`: as measured now, or by an earlier run."""
        recorded: dict[str, float] = self._store.meta("shares", {}) if self.exists else {}
        return {**recorded, **self._shares}

    def _index(
        self,
        connector: Connector,
        progress: Callable[[Progress], None] | None,
        *,
        rebuild: bool = False,
        keep_all: bool = False,
    ) -> IndexReport:
        from rag.store.store import Store

        part = self.pipeline.index_part()
        if self.exists and (rebuild or self._is_blank()):
            return self._rebuild(connector, part, progress, keep_all=keep_all)
        if not self.exists:
            Store.create(self.folder, self._lexical, dense=self._dense, pipeline=part).close()
        self._check_part()
        return self._synchronise(self._store, connector, progress, keep_all=keep_all)

    def _synchronise(
        self,
        store: Store,
        connector: Connector,
        progress: Callable[[Progress], None] | None,
        *,
        whole: bool = False,
        keep_all: bool = False,
    ) -> IndexReport:
        from rag.indexing import synchronise

        indexer = self._indexer()
        with store.writing() as writer:
            with writer.rows.transaction():
                writer.rows.set_meta("recipe", self.pipeline.as_dict())
                writer.rows.set_meta("shares", self._known_shares())
            return synchronise(
                writer,
                indexer,
                connector,
                progress,
                whole=whole,
                keep_all=keep_all,
                threads=self._parsers.threads,
            )

    def _rebuild(
        self,
        connector: Connector,
        part: dict[str, Any],
        progress: Callable[[Progress], None] | None,
        *,
        keep_all: bool,
    ) -> IndexReport:
        encoder = self.encoder
        draft = self._store.rebuilt(part, encoder.fingerprint if encoder else None)
        report = self._synchronise(draft, connector, progress, whole=True, keep_all=keep_all)
        self._store.adopt(draft)
        return report

    def _is_blank(self) -> bool:
        """Whether another pipeline left an index without a document, as a run that failed does."""
        from rag.config import differences
        from rag.store.staging import Staging

        with self._store.rows() as rows:
            if any(rows.counts().values()) or any(Staging(rows.connection).sources()):
                return False
            return bool(differences(rows.meta("pipeline", {}), self.pipeline.index_part()))


def _part(connector: Connector, changed: set[str] | None) -> Connector:
    """The connector for what changed alone, where that tells everything."""
    from rag.watching import Followed

    assert isinstance(connector, Followed)
    narrowed = None if changed is None else connector.narrowed(changed)
    return connector if narrowed is None else narrowed

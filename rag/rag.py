"""The facade: what backends embed and the command line is made of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from rag.asked import as_query
from rag.assembly import build_indexer, build_stages
from rag.chat.langchain import as_chat_model
from rag.chunk.words import WordTokenizer
from rag.config import Pipeline, Prune, differences, load_pipeline, parse_pipeline
from rag.connectors.chain import Chain
from rag.connectors.parsing.parsers import Parsers
from rag.cutting import Cut, measure, preview
from rag.errors import IndexBusyError, IndexMismatchError, NoIndexError, RequestError
from rag.explaining import Explanation, explained, with_expected
from rag.filters import Filters
from rag.indexing import Indexer, IndexReport, Progress, synchronise
from rag.naming import matcher, nearest
from rag.pipeline import answered, run
from rag.planning import IndexPlan, plan
from rag.protocols import Answerer, ChatModel, Chunker, Connector, Encoder, LexicalEngine
from rag.sources import Source, open_sources
from rag.stages.stage import Stage
from rag.status import index_folder, index_status
from rag.store.check import problems
from rag.store.folders import SOURCES_FOLDER
from rag.store.staging import Staging
from rag.store.store import Store
from rag.tracing import question as one_question
from rag.types import (
    MAX_QUESTION,
    Answer,
    Document,
    Dropped,
    Failure,
    Passage,
    Query,
    Ranking,
    Turn,
)
from rag.watching import Followed, changes

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from rag.store.view import StoreView
    from rag.telemetry import Telemetry, Tell

DEFAULT_PIPELINE = "hybrid"


class Rag:
    """An index and the pipeline that works on it. Threads may share one.

    Make one with `Rag.open`, and close it. Models are loaded when they are first needed, or
    given as `encoder` to be shared between several. `chat` is the language model of stages that
    name none: a ChatModel, or a BaseChatModel of LangChain. Files are parsed by `workers`
    processes, one for each core by default, which start when there is something to parse; with 0
    they are parsed in this one, where a hostile file can do harm. With `telemetry` questions are
    sent as OpenTelemetry spans (`rag.telemetry`), for which the extra `otel` is needed.
    """

    def __init__(
        self,
        folder: Path,
        pipeline: Pipeline,
        encoder: Encoder | None = None,
        chunker: Chunker | None = None,
        *,
        workers: int | None = None,
        chat: ChatModel | BaseChatModel | None = None,
        telemetry: bool = False,
    ) -> None:
        self.folder = folder
        self.pipeline = pipeline
        self._given = encoder
        self._chunker = chunker
        self._chat = None if chat is None else as_chat_model(chat)
        self._parsers = Parsers(workers)
        self._telemetry = _telemetry() if telemetry else None
        self._lock = threading.RLock()
        self._shares: dict[str, float] = {}

    @classmethod
    def open(
        cls,
        folder: str | Path | None = None,
        *,
        pipeline: str | Pipeline | None = None,
        overrides: Sequence[str] = (),
        encoder: Encoder | None = None,
        workers: int | None = None,
        chat: ChatModel | BaseChatModel | None = None,
        telemetry: bool = False,
    ) -> Rag:
        """Open the index in `folder`, or the nearest `.rag` upward from the current folder.

        Without `pipeline` (a preset's name or a file) it is the one that the index was last
        built with, and `hybrid` where there is no index yet. Nothing is created before
        `index` is called. Raises RequestError for a faulty pipeline.
        """
        place = index_folder(folder)
        if isinstance(pipeline, Pipeline):
            found = pipeline
        elif pipeline is None and (place / "index.db").is_file():
            found = _recorded(place, overrides)
        else:
            found = load_pipeline(pipeline or DEFAULT_PIPELINE, overrides)
        return cls(place, found, encoder, workers=workers, chat=chat, telemetry=telemetry)

    @property
    def exists(self) -> bool:
        """Whether there is an index in the folder."""
        return (self.folder / "index.db").is_file()

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
        if keep_all and not sources and not self.exists:
            raise NoIndexError(_no_index(self.folder))
        connector = Chain({}) if keep_all and not sources else self.connect(*sources)
        with self._parsers.kept():
            return self._index(connector, progress, rebuild=rebuild, keep_all=keep_all)

    def plan(self, *sources: Source) -> IndexPlan:
        """What `index` would do with `sources`, and about how long it would take."""
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
                    raise RequestError(_no_document(name, [source for _, source in known]))
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

    def search(self, question: str | Query, filters: Filters = ()) -> Ranking:
        """The passages that the pipeline finds for `question`, best first.

        `filters` must all hold of a passage's document. They are conditions, or text such as
        `year>=2024 and source~"handbook"`: see `rag.filters`. Raises RequestError where no document
        has such a field, or none with a value that compares.
        """
        query = as_query(question, filters)
        self._check_part()
        with self._told("search", query) as tell, self._view() as view:
            view.check(query.filters)
            ranking = run(self._stages, query, view)
            tell(ranking.query, ranking.steps, ranking.hits)
            return ranking

    def ask(
        self,
        question: str | Query,
        *,
        filters: Filters = (),
        history: Sequence[Turn] = (),
    ) -> Answer:
        """The answer to `question` with its citations, or an abstention; filters as in `search`."""
        started = time.perf_counter()
        query = as_query(question, filters, history)
        self._check_part()
        with self._told("ask", query) as tell, self._view() as view, one_question():
            view.check(query.filters)
            ranking = run(self._stages, query, view)
            answer = answered(self.pipeline.answer.use, self._answerer, ranking, view)
            tell(ranking.query, answer.steps, answer.hits)
        return replace(answer, seconds=round(time.perf_counter() - started, 3))

    def status(self) -> dict[str, Any]:
        """What the index holds, as plain data; no model is loaded."""
        return index_status(self.folder)

    def failures(self) -> list[Failure]:
        """Sources that could not be read when they were last tried."""
        with self._store.rows() as rows:
            return rows.failures()

    def inspect(self, name: str) -> tuple[Document, list[Passage], list[Dropped]]:
        """A document by its id or source, its passages, and those that were pruned.

        The end of a source will do, such as a file's name, where only one ends so.
        """
        with self._store.rows() as rows:
            document = rows.document(name)
            if document is None:
                known = [source for _, source in rows.sources()]
                ending = [source for source in known if source.endswith(f"/{name}")]
                document = rows.document(ending[0]) if len(ending) == 1 else None
            if document is None:
                raise RequestError(_no_document(name, known))
            passages = list(rows.passages_of(document.id).values())
            return document, passages, rows.dropped(document.id)

    def passages(self) -> Iterator[Passage]:
        """Every passage of the index, document by document."""
        with self._store.rows() as rows:
            for document_id, _ in rows.sources():
                yield from rows.passages_of(document_id).values()

    def pruned(self) -> Iterator[Dropped]:
        """Every passage that pruners keep out of the index, by document and place."""
        with self._store.rows() as rows:
            yield from rows.all_dropped()

    def cut(self, name: str) -> Cut:
        """A document as `inspect` finds it, with the sizes and overlaps of its passages."""
        encoder = self.encoder
        tokenizer = WordTokenizer() if encoder is None else encoder.tokenizer
        return measure(*self.inspect(name), tokenizer, encoded=encoder is not None)

    def preview(self, *sources: Source) -> Iterator[Cut | Failure]:
        """`sources` as the pipeline would cut them. There need be no index, and none is changed."""
        encoder = self.encoder
        chunker = self._chunker or self.pipeline.chunk.build(encoder=encoder)
        tokenizer = WordTokenizer() if encoder is None else encoder.tokenizer
        connector = self._opened(sources, False)
        with self._parsers.kept():
            for item in connector.items():
                yield preview(item, chunker, tokenizer, encoded=encoder is not None)

    def explain(
        self, question: str | Query, expect: str | None = None, *, filters: Filters = ()
    ) -> Explanation:
        """What each stage of a search makes of `question`; filters as in `search`.

        With `expect`, the id or source of a document, also what became of its passages.
        """
        query = as_query(question, filters)
        self._check_part()
        with self._told("explain", query) as tell, self._view() as view:
            view.check(query.filters)
            found = explained(self.pipeline, self._stages, query, view)
            tell(found.ranking.query, found.ranking.steps, found.ranking.hits)
            if expect is None:
                return found
            return with_expected(found, expect, self._stages, view, self._base)

    def verify(self) -> list[str]:
        """Everything in the index that contradicts something else, a line each; [] is sound."""
        return problems(self._store, dense=self._dense)

    def check(self) -> None:
        """Open the published state; IndexDamagedError where its sizes or counts are wrong.

        Unlike `verify` it takes no longer for a large index, and reads no file to its end.
        """
        with self._store.view(lambda: None):
            return

    def repair(self) -> list[str]:
        """Derive the search structures anew from the documents; what was done, a line each."""
        with self._store.writing() as writer:
            return writer.repair()

    def close(self) -> None:
        """Close the index's files, and end the processes that parse."""
        if "_store" in self.__dict__:
            self._store.close()
        self._parsers.close()

    def _view(self) -> AbstractContextManager[StoreView]:
        return self._store.view(lambda: self.encoder)

    def _told(self, kind: str, query: Query) -> AbstractContextManager[Tell]:
        """Where a question is told to OpenTelemetry, or to nobody."""
        if self._telemetry is None:
            return nullcontext(lambda *_: None)
        return self._telemetry.question(kind, query, self.pipeline.name)

    @property
    def encoder(self) -> Encoder | None:
        """The pipeline's encoder; None where it has none. Its model loads when it encodes."""
        if self.pipeline.encode is None:
            return None
        with self._lock:
            return self._given or self._built_encoder

    @cached_property
    def _built_encoder(self) -> Encoder:
        assert self.pipeline.encode is not None
        encoder: Encoder = self.pipeline.encode.build()
        return encoder

    @cached_property
    def _stages(self) -> Sequence[Stage]:
        return build_stages(self.pipeline, self.encoder, self._chat)

    @cached_property
    def _answerer(self) -> Answerer:
        answerer: Answerer = self.pipeline.answer.build()
        return answerer

    @cached_property
    def _lexical(self) -> LexicalEngine | None:
        return self.pipeline.lexical.build() if self.pipeline.lexical else None

    @property
    def _dense(self) -> bool:
        return self.pipeline.encode is not None

    @cached_property
    def _store(self) -> Store:
        if not self.exists:
            raise NoIndexError(_no_index(self.folder))
        return Store(self.folder, self._lexical, dense=self._dense)

    @property
    def _base(self) -> Path:
        """What the names of files are relative to."""
        return self.folder.absolute().parent

    def _opened(self, sources: Sequence[Source], remembers: bool) -> Connector:
        """One connector for `sources`, which may keep what makes its next listing cheaper."""
        if not sources:
            raise RequestError("nothing to index: name a file or a folder")
        return open_sources(
            sources,
            base=self._base,
            known=self._known,
            parse=self._parsers.parse,
            cache=self.folder / SOURCES_FOLDER if remembers else None,
        )

    def _known(self, document_id: str) -> str | None:
        """The version of a document in the index; None where there is none."""
        if not self.exists:
            return None
        with self._store.rows() as rows:
            known = rows.known(document_id)
        return None if known is None else known.version

    def _indexer(self) -> Indexer:
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
        with self._store.rows() as rows:
            if any(rows.counts().values()) or any(Staging(rows.connection).sources()):
                return False
            return bool(differences(rows.meta("pipeline", {}), self.pipeline.index_part()))

    def _check_part(self) -> None:
        """Refuse to work on an index that another index part made."""
        found = differences(self._store.meta("pipeline", {}), self.pipeline.index_part())
        if found:
            raise IndexMismatchError(
                f"the index in '{self.folder}' was made by another pipeline "
                f"({'; '.join(found)}): use the one it was made with, or run "
                "'rag index --rebuild SOURCE...' with this --pipeline and --set"
            )


def _part(connector: Connector, changed: set[str] | None) -> Connector:
    """The connector for what changed alone, where that tells everything."""
    assert isinstance(connector, Followed)
    narrowed = None if changed is None else connector.narrowed(changed)
    return connector if narrowed is None else narrowed


def _recorded(place: Path, overrides: Sequence[str]) -> Pipeline:
    import json

    store = Store(place, None, dense=False)
    try:
        recipe = store.meta("recipe") or {}
    finally:
        store.close()
    if not recipe:
        return load_pipeline(DEFAULT_PIPELINE, overrides)
    # JSON is YAML: the recorded pipeline is checked as any other.
    return parse_pipeline(json.dumps(recipe), f"the pipeline recorded in '{place}'", overrides)


def _telemetry() -> Telemetry:
    from rag.telemetry import Telemetry

    return Telemetry()


def _no_index(folder: Path) -> str:
    return f"no index in '{folder}': run 'rag index FOLDER' first"


def _no_document(name: str, sources: Sequence[str]) -> str:
    hint = ", ".join(nearest(name, sources))
    return f"no document '{name}' in the index" + (f"; did you mean {hint}?" if hint else "")


__all__ = ["DEFAULT_PIPELINE", "MAX_QUESTION", "Rag"]

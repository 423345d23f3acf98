"""The parts that everything works with: the pipeline, its models, the store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import DocumentError, IndexMismatchError, NoIndexError, RequestError
from rag.facade.models import Models
from rag.facade.threads import CLOSED, Threads
from rag.facade.warming import Warming, searches_vectors
from rag.types import Failure

# What only some questions need is imported by them: a backend imports this where it starts.
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from langchain_core.language_models import BaseChatModel

    from rag.config import Component, Pipeline
    from rag.freshness import Freshness
    from rag.protocols import Answerer, ChatModel, Chunker, Connector, Encoder, LexicalEngine
    from rag.sources import Source
    from rag.stages.stage import Stage
    from rag.store.dense import DenseEngine
    from rag.store.rows import Rows
    from rag.store.store import Store
    from rag.store.view import StoreView
    from rag.telemetry import Telemetry, Tell
    from rag.types import Document, Query

# Bytes of vectors that are remembered between questions: of tokens, some 1,500 sentences.
_REMEMBERED = 64_000_000


class Engine:
    """A pipeline and an index's folder. Parts are made when they are first needed."""

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
        sharing: Engine | None = None,
    ) -> None:
        from rag.connectors.parsing.parsers import Parsers

        self.folder = folder
        self.pipeline = pipeline
        self._given = encoder
        self._chunker = chunker
        self._chat = None if chat is None else _as_chat_model(chat)
        self._models: Models = Models() if sharing is None else sharing._models
        self._parsers = Parsers(workers)
        self._telemetry = _telemetry() if telemetry else None
        self._lock = threading.RLock()
        self._threads = Threads()
        self._warming = Warming()
        self._reading: Store | None = None
        self._closed = False
        self._shares: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def exists(self) -> bool:
        """Whether there is an index in the folder."""
        return (self.folder / "index.db").is_file()

    @property
    def encoder(self) -> Encoder | None:
        """The pipeline's encoder; None where it has none. Its model loads when it encodes."""
        if self.pipeline.encode is None:
            return None
        with self._lock:
            return self._built_encoder if self._given is None else self._given

    @cached_property
    def _built_encoder(self) -> Encoder:
        assert self.pipeline.encode is not None
        encoder: Encoder = self._models.make(self.pipeline.encode)
        return encoder

    @cached_property
    def _stages(self) -> Sequence[Stage]:
        from rag.assembly import build_stages

        return build_stages(self.pipeline, self._made)

    @cached_property
    def _answerer(self) -> Answerer:
        answerer: Answerer = self._made(self.pipeline.answer)
        return answerer

    def _made(self, component: Component) -> Any:
        """A component of the query side, with the encoder and the chat model that there are."""
        return self._models.make(component, encoder=self._asked_encoder, chat=self._chat)

    @cached_property
    def _lexical(self) -> LexicalEngine | None:
        return self.pipeline.lexical.build() if self.pipeline.lexical else None

    @cached_property
    def _dense(self) -> DenseEngine | bool:
        """What makes and searches the dense index; False where there is none."""
        from rag.store.dense import DenseEngine

        if self.pipeline.encode is None:
            return False
        return DenseEngine(self.pipeline.dense.build() if self.pipeline.dense else None)

    @property
    def _store(self) -> Store:
        from rag.store.store import Store

        with self._lock:
            self._check_open()
            if self._reading is None:
                if not self.exists:
                    raise NoIndexError(no_index(self.folder))
                self._reading = Store(self.folder, self._lexical, dense=self._dense)
            return self._reading

    @property
    def _base(self) -> Path:
        """What the names of files are relative to."""
        return self.folder.absolute().parent

    def _view(self) -> AbstractContextManager[StoreView]:
        """The published state. Raises IndexMismatchError where another index part made it."""
        return self._store.view(self._warm_encoder, self._warmed)

    def _warmed(self, rows: Rows) -> None:
        """Check the index's record, and load the encoder while the index is opened."""
        self._check_rows(rows)
        if self._given is None and self._searches_vectors:
            self._warming.start(lambda: self.encoder)

    def _warm_encoder(self) -> Encoder | None:
        self._warming.wait()
        return self._asked_encoder

    @cached_property
    def _asked_encoder(self) -> Encoder | None:
        """The encoder as questions ask it: the vectors that it gave last are remembered.

        A question is encoded once for all that ask for its vector, and the sentences of documents
        that are asked about again are known. Threads that ask at the same time share batches.
        """
        from rag.gathering import GatheringEncoder

        encoder = self.encoder
        if encoder is None or isinstance(encoder, GatheringEncoder):
            return encoder
        return GatheringEncoder(encoder, remembered=_REMEMBERED)

    @cached_property
    def _searches_vectors(self) -> bool:
        return searches_vectors(self.pipeline)

    @cached_property
    def _freshness(self) -> Freshness:
        from rag.freshness import Freshness

        return Freshness(self._base, self._reread)

    def _reread(self, path: str) -> Document:
        """What a file says now. Raises RagError where it cannot be read."""
        from rag.registry import load

        files = load("connector", "files")(paths=[path], base=self._base, parse=self._parsers.parse)
        (item,) = files.items()
        if isinstance(item, Failure):
            raise DocumentError(item.error)
        document: Document = item.load()
        return document

    def _told(self, kind: str, query: Query) -> AbstractContextManager[Tell]:
        """Where a question is told to OpenTelemetry, or to nobody."""
        if self._telemetry is None:
            return nullcontext(lambda *_: None)
        return self._telemetry.question(kind, query, self.pipeline.name)

    def _opened(self, sources: Sequence[Source], remembers: bool) -> Connector:
        """One connector for `sources`, which may keep what makes its next listing cheaper."""
        from rag.sources import open_sources
        from rag.store.folders import SOURCES_FOLDER

        self._check_open()
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

    def _check_part(self) -> None:
        """Refuse to work on an index that another index part made."""
        with self._store.rows() as rows:
            self._check_rows(rows)

    def _check_rows(self, rows: Rows) -> None:
        from rag.config import differences

        found = differences(rows.meta("pipeline", {}), self.pipeline.index_part())
        if found and all(line.startswith("index.dense") for line in found):
            raise IndexMismatchError(
                f"the index in '{self.folder}' is searched in another way ({'; '.join(found)}): "
                "run 'rag repair' with this --pipeline and --set, which encodes nothing again"
            )
        if found:
            raise IndexMismatchError(
                f"the index in '{self.folder}' was made by another pipeline "
                f"({'; '.join(found)}): use the one it was made with, or run "
                "'rag index --rebuild SOURCE...' with this --pipeline and --set"
            )

    def _check_open(self) -> None:
        if self._closed:
            raise RequestError(CLOSED)

    def close(self) -> None:
        """Close the index's files, and end the threads and the processes that parse.

        Questions under way, streams among them, come to their end; later ones are refused with
        RequestError. Models that are shared with another Rag stay.
        """
        with self._lock:
            self._closed = True
            store = self._reading
        if store is not None:
            store.close()
        self._threads.close()
        self._parsers.close()


def _as_chat_model(chat: ChatModel | BaseChatModel) -> ChatModel:
    from rag.chat.langchain import as_chat_model

    return as_chat_model(chat)


def _telemetry() -> Telemetry:
    from rag.telemetry import Telemetry

    return Telemetry()


def no_index(folder: Path) -> str:
    """What to say where there is no index in `folder`."""
    return f"no index in '{folder}': run 'rag index FOLDER' first"

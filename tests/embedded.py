"""The embedded store as tests drive it: documents in, views out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rag.protocols import Encoder, LexicalEngine
from rag.store.check import problems
from rag.store.dense import DenseEngine
from rag.store.store import Store
from rag.store.tantivy import TantivyEngine
from rag.store.view import StoreView
from rag.store.writer import Indexed, StoreWriter
from rag.testing import HashingEncoder
from rag.types import Document, Passage


def key_of(text: str) -> bytes:
    """What the vector of `text` is kept under."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def whole(name: str, text: str, **metadata: str | int | float | bool) -> Document:
    """A document of one paragraph."""
    return Document(name, f"{name}.txt", text, name, (), metadata)


def one_passage(document: Document) -> tuple[Document, Sequence[Passage]]:
    """A document with its whole text as a passage."""
    text = document.text
    passage = Passage(document.id, 0, len(text), text, document.source, document.title)
    return document, [passage]


class Embedded:
    """A store in `folder` with an engine and an encoder."""

    def __init__(
        self,
        folder: Path,
        encoder: Encoder | None = None,
        engine: LexicalEngine | None = None,
        dense: DenseEngine | bool = True,
    ) -> None:
        self.encoder = encoder or HashingEncoder()
        self.engine = engine or TantivyEngine(language="en")
        self.store = Store.create(folder, self.engine, dense=dense, pipeline={"chunk": "x"})

    def commit(
        self,
        added: Sequence[tuple[Document, Sequence[Passage]]],
        removed: Sequence[str] = (),
        *,
        fail: bool = False,
    ) -> None:
        """Put and remove documents in one commit; with `fail` the last passage has no vector."""
        with self.store.writing() as writer:
            indexed = [self._remembered(writer, *entry) for entry in added]
            if fail:
                document, passages = added[-1]
                lost = [*((p, key_of(p.indexed)) for p in passages[:-1]), (passages[-1], b"lost")]
                indexed[-1] = Indexed(document, "failing", lost)
            writer.commit(indexed, removed)

    def put(self, *documents: Document) -> None:
        """Commit documents of one passage each."""
        self.commit([one_passage(document) for document in documents])

    @contextmanager
    def view(self) -> Iterator[StoreView]:
        """The published state."""
        with self.store.view(lambda: self.encoder) as view:
            yield view

    def problems(self) -> list[str]:
        """What verification finds."""
        return problems(self.store)

    def close(self) -> None:
        """Close the files."""
        self.store.close()

    def _remembered(
        self, writer: StoreWriter, document: Document, passages: Sequence[Passage]
    ) -> Indexed:
        keys = [key_of(passage.indexed) for passage in passages]
        missing = set(writer.missing(keys))
        texts = {key: p.indexed for p, key in zip(passages, keys, strict=True) if key in missing}
        writer.remember(list(texts), self.encoder.encode_passages(list(texts.values())))
        return Indexed(document, document.content_hash, list(zip(passages, keys, strict=True)))

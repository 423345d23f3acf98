"""What an index holds, and whether it is sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.errors import RequestError
from rag.facade.engine import Engine

if TYPE_CHECKING:
    from rag.cutting import Cut
    from rag.sources import Source
    from rag.types import Document, Dropped, Failure, Passage


class Reading(Engine):
    """What can be read of an index without asking it anything."""

    def status(self) -> dict[str, Any]:
        """What the index holds, as plain data; no model is loaded."""
        from rag.status import index_status

        return index_status(self.folder)

    def failures(self) -> list[Failure]:
        """Sources that could not be read when they were last tried."""
        with self._store.rows() as rows:
            return rows.failures()

    def inspect(self, name: str) -> tuple[Document, list[Passage], list[Dropped]]:
        """A document by its id or source, its passages, and those that were pruned.

        The end of a source will do, such as a file's name, where only one ends so.
        """
        from rag.naming import no_document

        with self._store.rows() as rows:
            document = rows.document(name)
            if document is None:
                known = [source for _, source in rows.sources()]
                ending = [source for source in known if source.endswith(f"/{name}")]
                document = rows.document(ending[0]) if len(ending) == 1 else None
            if document is None:
                raise RequestError(no_document(name, known))
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
        from rag.chunk.words import WordTokenizer
        from rag.cutting import measure

        encoder = self.encoder
        tokenizer = WordTokenizer() if encoder is None else encoder.tokenizer
        return measure(*self.inspect(name), tokenizer, encoded=encoder is not None)

    def preview(self, *sources: Source) -> Iterator[Cut | Failure]:
        """`sources` as the pipeline would cut them. There need be no index, and none is changed."""
        from rag.chunk.words import WordTokenizer
        from rag.cutting import preview

        encoder = self.encoder
        chunker = self._chunker or self.pipeline.chunk.build(encoder=encoder)
        tokenizer = WordTokenizer() if encoder is None else encoder.tokenizer
        connector = self._opened(sources, False)
        with self._parsers.kept():
            for item in connector.items():
                yield preview(item, chunker, tokenizer, encoded=encoder is not None)

    def verify(self) -> list[str]:
        """Everything in the index that contradicts something else, a line each; [] is sound."""
        from rag.store.check import problems

        return problems(self._store)

    def check(self) -> None:
        """Open the published state; IndexDamagedError where its sizes or counts are wrong.

        Unlike `verify` it takes no longer for a large index, and reads no file to its end.
        """
        with self._store.view(lambda: None):
            return

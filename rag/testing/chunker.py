"""What every chunker promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag.protocols import Chunker, Tokenizer
from rag.testing.hashing import WordCounter
from rag.testing.samples import DOCUMENTS
from rag.types import Document, Passage


class ChunkerSuite:
    """Override `make`, and `tokenizer` and `documents` to chunk with others."""

    def make(self) -> Chunker:
        """The chunker."""
        raise NotImplementedError

    def tokenizer(self) -> Tokenizer:
        """What passages are measured with."""
        return WordCounter()

    def documents(self) -> Sequence[Document]:
        """What is cut."""
        return DOCUMENTS

    def test_is_a_chunker(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Chunker)

    def test_passages_are_spans_of_the_document(self) -> None:
        """`passage.text == document.text[start:end]`, and the passage names its document."""
        for document, passages in self._chunked():
            for passage in passages:
                assert passage.text == document.text[passage.start : passage.end]
                assert (passage.document_id, passage.source) == (document.id, document.source)
                assert passage.title == document.title
                assert dict(passage.metadata) == dict(document.metadata)

    def test_passages_have_text(self) -> None:
        """No passage is empty or only space."""
        for _, passages in self._chunked():
            assert all(passage.text.strip() for passage in passages)

    def test_spans_ascend(self) -> None:
        """Passages come in order, and no span comes twice."""
        for _, passages in self._chunked():
            orders = [passage.order for passage in passages]
            assert all(a < b for a, b in pairwise(orders))

    def test_all_text_is_covered(self) -> None:
        """Every character that is not space is in a passage."""
        for document, passages in self._chunked():
            covered = [False] * len(document.text)
            for passage in passages:
                covered[passage.start : passage.end] = [True] * (passage.end - passage.start)
            lost = [c for c, held in zip(document.text, covered, strict=True) if not held]
            assert not "".join(lost).strip(), f"{document.id}: text outside of every passage"

    def test_passages_fit_the_encoder(self) -> None:
        """No passage, with its context, has more tokens than the encoder reads.

        A single character cannot be cut, whatever it has.
        """
        tokenizer = self.tokenizer()
        for document, passages in self._chunked():
            for passage in passages:
                size = len(tokenizer.spans(passage.indexed))
                assert size <= tokenizer.limit or len(passage.text) == 1, document.id

    def test_places_are_right(self) -> None:
        """A passage's page is that of a block that it shares text with."""
        for document, passages in self._chunked():
            for passage in passages:
                pages = {
                    block.page
                    for block in document.blocks
                    if block.start < passage.end and passage.start < block.end
                }
                assert passage.page in (pages or {None})

    def test_chunking_is_repeatable(self) -> None:
        """The same document gives the same passages."""
        chunker, tokenizer = self.make(), self.tokenizer()
        for document in self.documents():
            first, second = (list(chunker.chunk(document, tokenizer)) for _ in range(2))
            assert first == second

    def _chunked(self) -> Iterator[tuple[Document, list[Passage]]]:
        chunker, tokenizer = self.make(), self.tokenizer()
        for document in self.documents():
            yield document, list(chunker.chunk(document, tokenizer))

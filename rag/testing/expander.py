"""What every expander promises. That hits stay hits, the pipeline sees to: it merges them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.protocols import Expander
from rag.testing.samples import DOCUMENTS, passages_of
from rag.types import Document, Passage


class ExpanderSuite:
    """Override `make`, and `documents` to expand in others."""

    def make(self) -> Expander:
        """An expander that adds something to a passage of `documents`."""
        raise NotImplementedError

    def documents(self) -> Sequence[Document]:
        """Where the passages come from."""
        return DOCUMENTS

    def passages(self, document: Document) -> Iterator[Passage]:
        """Passages that begin and end with blocks, and such as lie within them."""
        whole = Passage(document.id, 0, len(document.text), document.text, document.source)
        for passage in (*passages_of(document), whole):
            yield passage
            third = (passage.end - passage.start) // 3
            start, end = passage.start + third, passage.end - third
            if document.text[start:end].strip():
                yield replace(passage, start=start, end=end, text=document.text[start:end])

    def test_is_an_expander(self) -> None:
        """It has the protocol's method."""
        assert isinstance(self.make(), Expander)

    def test_the_span_holds_the_passage(self) -> None:
        """Nothing of what was found is lost."""
        for _, passage, (start, end) in self._expanded():
            assert start <= passage.start
            assert passage.end <= end

    def test_the_span_lies_in_the_document(self) -> None:
        """It never begins before the text, nor ends beyond it."""
        for document, _, (start, end) in self._expanded():
            assert 0 <= start <= end <= len(document.text), document.id

    def test_something_is_added(self) -> None:
        """An expander that never adds anything is none."""
        assert any(span != (one.start, one.end) for _, one, span in self._expanded())

    def test_expanding_is_repeatable(self) -> None:
        """The same passage grows to the same span, whatever was expanded before it."""
        first = [span for _, _, span in self._expanded()]
        again = [self.make().expand(one, document) for document, one, _ in self._expanded()]
        assert first == again

    def test_the_place_is_all_that_counts(self) -> None:
        """A passage's context and what retrieval knows of it have no part in its span."""
        made = self.make()
        for document, passage, span in self._expanded():
            assert made.expand(replace(passage, context="Of boats", page=None), document) == span

    def _expanded(self) -> Iterator[tuple[Document, Passage, tuple[int, int]]]:
        made = self.make()
        for document in self.documents():
            for passage in self.passages(document):
                yield document, passage, made.expand(passage, document)

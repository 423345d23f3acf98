"""What every answerer promises."""

from __future__ import annotations

from collections.abc import Sequence

from rag.protocols import Answerer, View
from rag.testing.memory import MemoryView
from rag.types import Hit, Query


class AnswererSuite:
    """Override `make`; the sample documents answer `question` and not `unanswerable`."""

    question = "When does the ferry leave?"
    unanswerable = "Which composer wrote seventeen operas about bicycles?"

    def make(self) -> Answerer:
        """The answerer."""
        raise NotImplementedError

    def view(self) -> View:
        """Where the hits come from."""
        return MemoryView()

    def hits(self, view: View, question: str) -> Sequence[Hit]:
        """What retrieval found for `question`: every passage near it, right or wrong."""
        assert view.encoder is not None
        vector = view.encoder.encode_queries([question])[0]
        return [Hit(passage, score) for passage, score in view.dense(vector, 20)]

    def test_is_an_answerer(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Answerer)

    def test_answers_with_citations(self) -> None:
        """What the passages say is answered, and cited."""
        view = self.view()
        answer = self.make().answer(Query(self.question), self.hits(view, self.question), view)
        assert answer.question == self.question
        assert not answer.abstained
        assert answer.text.strip()
        assert answer.citations

    def test_citations_quote_their_documents(self) -> None:
        """`document.text[start:end] == quote`, and the source is the document's."""
        view = self.view()
        answer = self.make().answer(Query(self.question), self.hits(view, self.question), view)
        for citation in answer.citations:
            document = view.document(citation.document_id)
            assert document is not None
            assert document.text[citation.start : citation.end] == citation.quote
            assert citation.quote.strip()
            assert citation.source == document.source

    def test_citations_lie_in_the_hits(self) -> None:
        """Nothing is cited that was not retrieved."""
        view = self.view()
        hits = self.hits(view, self.question)
        answer = self.make().answer(Query(self.question), hits, view)
        for citation in answer.citations:
            assert any(
                hit.passage.document_id == citation.document_id
                and hit.passage.start <= citation.start
                and citation.end <= hit.passage.end
                for hit in hits
            )

    def test_abstains_rather_than_invents(self) -> None:
        """Without hits, or without an answer in them, it abstains and cites nothing."""
        view = self.view()
        for hits in ((), self.hits(view, self.unanswerable)):
            answer = self.make().answer(Query(self.unanswerable), hits, view)
            assert answer.abstained
            assert answer.citations == ()
            assert answer.text.strip(), "an abstention says so in words"

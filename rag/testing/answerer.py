"""What every answerer promises."""

from __future__ import annotations

from collections.abc import Sequence

from rag.protocols import Answerer, StreamingAnswerer, View
from rag.testing.memory import MemoryView
from rag.types import Answer, Delta, Hit, Query


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

    def test_statements_are_the_text(self) -> None:
        """Statements are spans of the text, in order, and cite what there is."""
        view = self.view()
        answer = self.make().answer(Query(self.question), self.hits(view, self.question), view)
        end = 0
        for one in answer.statements:
            assert end <= one.start < one.end <= len(answer.text)
            assert all(0 <= number < len(answer.citations) for number in one.citations)
            assert 0 <= one.support <= 1
            end = one.end

    def test_streams_what_it_answers(self) -> None:
        """Pieces of a streamed answer are its text, whether it answers or abstains."""
        view = self.view()
        answerer = self.make()
        if not isinstance(answerer, StreamingAnswerer):
            return
        for question in (self.question, self.unanswerable):
            hits = self.hits(view, question)
            *pieces, answer = answerer.stream(Query(question), hits, view)
            assert isinstance(answer, Answer)
            texts = [piece.text for piece in pieces if isinstance(piece, Delta)]
            assert len(texts) == len(pieces)
            assert all(texts)
            assert "".join(texts) == answer.text

"""A passage is as near to the question as its nearest sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from rag.errors import RequestError
from rag.protocols import Encoder
from rag.sentences import boundaries
from rag.types import Document, Passage


class SentencesReranker:
    """Scores a passage by the mean cosine of its `best` sentences with the question.

    The vector of a whole passage blurs what one sentence of it says. Sentences are encoded by
    the index's own encoder, each with the passage's context before it, so that nothing further
    is needed; a passage of fewer sentences is scored by those that it has. Scores are from -1 to
    1, and the same whatever is scored with a passage. The maximum over a document's passages is
    MaxP (Dai and Callan 2019), which this does with sentences.
    """

    needs: ClassVar[str] = "encode"
    given: ClassVar[tuple[str, ...]] = ("encoder",)

    def __init__(
        self, *, best: Annotated[int, Field(ge=1, le=100)] = 1, encoder: Encoder | None = None
    ) -> None:
        self.best = best
        self.encoder = encoder

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """One score for each passage; all sentences are encoded together."""
        if self.encoder is None:
            raise RequestError(
                "query.rerank: 'sentences' needs an encoder, and there is none: give the pipeline "
                "an index.encode, or choose another reranker"
            )
        texts = [list(_sentences(passage)) for passage in passages]
        (asked,) = self.encoder.encode_queries([question])
        vectors = self.encoder.encode_passages([text for some in texts for text in some])
        scores, start = [], 0
        for some in texts:
            # A row at a time: company must not change how a product is summed.
            cosines = [float(row @ asked) for row in vectors[start : start + len(some)]]
            scores.append(_mean_of_best(cosines, self.best))
            start += len(some)
        return scores


def _sentences(passage: Passage) -> Iterator[str]:
    """The sentences of a passage with its context, or the whole of it where there is none."""
    document = Document(passage.document_id, passage.source, passage.text)
    start, found = 0, False
    for end in boundaries(document, 0, len(passage.text)):
        sentence = passage.text[start:end].strip()
        start = end
        if sentence:
            found = True
            yield f"{passage.context}\n{sentence}" if passage.context else sentence
    if not found:
        yield passage.indexed


def _mean_of_best(cosines: Sequence[float], best: int) -> float:
    chosen = sorted(cosines, reverse=True)[:best]
    return sum(chosen) / len(chosen)

"""Answers made of the documents' own sentences: nothing is generated, so nothing is invented."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from rag.answer.candidates import Candidate, candidates
from rag.answer.coverage import coverage
from rag.protocols import Encoder, Vectors, View
from rag.types import Answer, Citation, Hit, Query

ABSTENTION = "The documents don't answer this."

# Below this the best sentence is taken for a coincidence, with an encoder and without. Set on
# the questions of sample_corpus, with and without their documents: docs/decisions/abstention.md.
MIN_SCORE = 0.45
# Meaning counts more than words: the share of the cosine in a sentence's score.
_MEANING = 0.8


class ExtractiveAnswerer:
    """Quotes the sentences that answer best, each with its place, or abstains.

    A sentence is scored by its closeness to the question: the cosine of their vectors, and the
    share of the question's words (weighted by rarity) that it, its headings and its table's
    header contain. Without an encoder the words alone count. The best sentence answers; up to
    `sentences` - 1 more are added while they score within `margin` of it. Under `min_score`
    (0 to 1) the answer is that the documents don't answer.
    """

    def __init__(
        self,
        *,
        sentences: Annotated[int, Field(ge=1, le=10)] = 3,
        margin: Annotated[float, Field(ge=0, le=1)] = 0.1,
        min_score: Annotated[float, Field(ge=0, le=1)] = MIN_SCORE,
    ) -> None:
        self.sentences = sentences
        self.margin = margin
        self.min_score = min_score

    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        """The answer, or an abstention."""
        found = candidates([hit.passage for hit in hits], view)
        if not found:
            return Answer(query.text, ABSTENTION, abstained=True)
        scores = _scores(query.text, found, view, view.encoder)
        best = float(scores.max())
        if best < self.min_score:
            return Answer(query.text, ABSTENTION, abstained=True, score=best)
        chosen = self._chosen(found, scores)
        text = "\n".join(candidate.shown for candidate in chosen)
        citations = tuple(_citation(candidate) for candidate in chosen)
        return Answer(query.text, text, abstained=False, citations=citations, score=best)

    def _chosen(self, found: Sequence[Candidate], scores: Vectors) -> list[Candidate]:
        """The best sentence, then those close to it that say something else."""
        order = np.argsort(-scores, kind="stable")
        chosen: list[Candidate] = []
        for position in order.tolist():
            if len(chosen) == self.sentences or scores[position] < scores[order[0]] - self.margin:
                break
            if not any(found[position].repeats(other) for other in chosen):
                chosen.append(found[position])
        return chosen


def _scores(
    question: str, found: Sequence[Candidate], view: View, encoder: Encoder | None
) -> Vectors:
    texts = [candidate.context for candidate in found]
    words = coverage(question, texts, view)
    if encoder is None:
        return words
    asked = encoder.encode_queries([question])[0]
    cosines = encoder.encode_passages(texts) @ asked
    scores: Vectors = _MEANING * np.clip(cosines, 0, 1) + (1 - _MEANING) * words
    return scores


def _citation(candidate: Candidate) -> Citation:
    passage = candidate.passage
    return Citation(
        document_id=passage.document_id,
        source=passage.source,
        start=candidate.start,
        end=candidate.end,
        quote=candidate.quote,
        title=passage.title,
        page=candidate.page,
        headings=candidate.headings,
        place=candidate.place,
    )

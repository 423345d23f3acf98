"""Answers made of the documents' own sentences: nothing is generated, so nothing is invented."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from rag.protocols import Vectors, View
from rag.tracing import note
from rag.types import Answer, Citation, Hit, Query, Statement

# Every pipeline has an answerer, and a search does not wait for what this one answers with.
if TYPE_CHECKING:
    from rag.answer.candidates import Candidate
    from rag.answer.evidence import Evidence

# How likely the best sentence must answer: what 9 of 10 answerable questions of benchmarks/dev
# reach. See docs/decisions/abstention.md.
MIN_SCORE = 0.38


class ExtractiveAnswerer:
    """Quotes the sentences that answer best, each with its place, or abstains.

    A sentence or table row is weighed by how near its words are to the question's, in the vectors
    of their tokens, by the share of the question's words that it, its headings and its table's
    header contain, and by whether it holds what is asked for, such as a date where the question
    is when. The best one answers; up to `sentences` - 1 more are added that say something else
    and are at least `beside` times as likely to be the right one. The score is how likely the
    best one answers, 0 to 1, by weights that are fitted on questions with and without an answer;
    under `min_score` the answer is that the documents don't answer. Sentences that speak to a
    language model are not quoted, and images are not shown.
    """

    def __init__(
        self,
        *,
        sentences: Annotated[int, Field(ge=1, le=10)] = 3,
        beside: Annotated[float, Field(ge=0, le=1)] = 0.5,
        min_score: Annotated[float, Field(ge=0, le=1)] = MIN_SCORE,
    ) -> None:
        self.sentences = sentences
        self.beside = beside
        self.min_score = min_score

    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        """The answer, or an abstention."""
        from rag.answer.abstention import abstained
        from rag.answer.cleaning import imageless
        from rag.answer.evidence import evidence

        weighed = evidence(query.asked, hits, view)
        if not weighed.found or not weighed.words:
            return abstained(query, hits)
        scores = weighed.scores()
        score = weighed.confidence(scores)
        if score < self.min_score:
            return abstained(query, hits, score)
        chosen = self._chosen(weighed, scores)
        if not chosen:
            return abstained(query, hits, score)
        shown = [imageless(candidate.shown) for candidate in chosen]
        return Answer(
            query.text,
            "\n".join(shown),
            abstained=False,
            citations=tuple(_citation(candidate) for candidate in chosen),
            statements=tuple(_statements(shown)),
            score=score,
        )

    def _chosen(self, weighed: Evidence, scores: Vectors) -> list[Candidate]:
        """The best sentence, then those nearly as likely that say something else."""
        order = np.argsort(-scores, kind="stable").tolist()
        chosen: list[Candidate] = []
        for position in order:
            if len(chosen) == self.sentences:
                break
            # Scores are what a softmax is taken of: their differences are logarithms of shares.
            if math.exp(scores[position] - scores[order[0]]) < self.beside:
                break
            candidate = weighed.found[position]
            if not any(candidate.repeats(other) for other in chosen) and _is_shown(candidate):
                chosen.append(candidate)
        return chosen


def _is_shown(candidate: Candidate) -> bool:
    """Whether it says something to a reader. What is for a model may reach one in a history."""
    from rag.answer.addressed import addressed
    from rag.answer.cleaning import imageless

    if addressed(candidate.quote):
        note(f"a sentence of '{candidate.passage.source}' speaks to a model: it is not quoted")
        return False
    return bool(imageless(candidate.shown).strip())


def _statements(shown: Sequence[str]) -> Iterator[Statement]:
    start = 0
    for number, text in enumerate(shown):
        yield Statement(start, start + len(text), (number,))
        start += len(text) + 1


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

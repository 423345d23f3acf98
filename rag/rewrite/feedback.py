"""Pseudo-relevance feedback: the best passages of a first search make the question better.

No model writes anything, so that it works offline. The lexical arm gets the terms of passages
(RM3: Lavrenko and Croft 2001, Abdul-Jaleel et al. 2004), and the vector of the dense arm moves
towards theirs (Rocchio; Li et al. 2021, "Pseudo Relevance Feedback with Deep Language Models and
Dense Retrievers").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, TypeAlias

from pydantic import Field

from rag.arms import texts_of
from rag.protocols import View
from rag.rewrite.first import Arm, FirstSearch, Source
from rag.rewrite.relevance import expansions
from rag.tracing import note
from rag.types import Arms, Example, Query, Variant

Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]

_NAME = "feedback"
# The part of the index that each arm searches.
_PARTS: Mapping[Arm, str] = {"lexical": "lexical", "dense": "encode"}


class FeedbackRewriter:
    """Expands the question with what its best passages say. Filters hold for them as well.

    The lexical arm gets `terms` terms of the best `passages`, none that more than the share
    `common` of all passages have: together the share `weight` of the new question, which keeps
    the rest. The dense arm's vector is to the share `dense_weight` that of the best
    `dense_passages`.

    `arms` says which arms are expanded; with `all` those that the index has, whether a retriever
    reads them or not: name the one of a pipeline that has one retriever. `source` says whose
    passages an arm learns from: its `own`, the `other` arm's, or the best of `both`. A question
    that finds nothing stays as it is.
    """

    def __init__(
        self,
        *,
        arms: Arms = "all",
        source: Source = "both",
        passages: Annotated[int, Field(ge=1, le=100)] = 3,
        terms: Annotated[int, Field(ge=1, le=200)] = 10,
        weight: Share = 0.2,
        common: Annotated[float, Field(gt=0, le=1)] = 0.1,
        dense_passages: Annotated[int, Field(ge=1, le=100)] = 2,
        dense_weight: Share = 0.2,
    ) -> None:
        self.arms = arms
        self.source = source
        self.passages = passages
        self.terms = terms
        self.weight = weight
        self.common = common
        self.dense_passages = dense_passages
        self.dense_weight = dense_weight

    @classmethod
    def needs_of(cls, options: Mapping[str, object]) -> Sequence[str]:
        """The parts of the index that are searched; with `arms: all` it does with either."""
        if options["source"] == "other":
            return list(_PARTS.values())
        return [part for arm, part in _PARTS.items() if arm == options["arms"]]

    def rewrite(self, query: Query, view: View) -> Query:
        """`query` with terms for the lexical arm and examples for the dense one.

        Raises IndexMismatchError where the index lacks an arm that is asked for.
        """
        first = FirstSearch(query, view)
        arms = self._arms(first)
        variants = tuple(self._terms(query, view, first)) if "lexical" in arms else ()
        examples = tuple(self._examples(query, first)) if "dense" in arms else ()
        return replace(
            query,
            variants=(*query.variants, *variants),
            examples=(*query.examples, *examples),
        )

    def _arms(self, first: FirstSearch) -> list[Arm]:
        if self.arms != "all":
            return [self.arms]
        arms = [arm for arm in _PARTS if first.has(arm)]
        if len(arms) == 1:
            note(f"feedback for the {arms[0]} arm alone: the index has no other")
        return arms

    def _terms(self, query: Query, view: View, first: FirstSearch) -> Iterator[Variant]:
        """RM3: the question's terms keep their weights, so the others are scaled to theirs."""
        found = first.best("lexical", self.source, self.passages)
        texts = texts_of(query, "lexical")
        own = math.fsum(one.weight * len(view.terms(one.text)) for one in texts)
        scale = own * self.weight / (1 - self.weight)
        taken = [query.text, *(one.text for one in query.variants)]
        for one in expansions(found, view, self.terms, self.common) if own else ():
            yield Variant(_unlike(one.word, taken), scale * one.share, _NAME, "lexical")

    def _examples(self, query: Query, first: FirstSearch) -> Iterator[Example]:
        """Rocchio: the passages' vectors beside all that the question has already."""
        found = first.best("dense", self.source, self.dense_passages)
        share = _weight_of(query) * self.dense_weight / (1 - self.dense_weight)
        for passage, _ in found:
            yield Example(passage, share / len(found), _NAME)


def _weight_of(query: Query) -> float:
    """What the vectors of `query` weigh together; 1 where the question's is all there is."""
    texts = (*texts_of(query, "dense"), *query.hypotheses)
    weights = [*(one.weight for one in texts), *(one.weight for one in query.examples)]
    return math.fsum(weights) or 1.0


def _unlike(word: str, taken: Sequence[str]) -> str:
    """`word` so that it repeats none of `taken`: of two that are the same only one would count."""
    known = {" ".join(text.split()).casefold() for text in taken}
    # The analysis takes no notice of full stops.
    while word.casefold() in known:
        word += "."
    return word

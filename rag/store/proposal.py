"""What tantivy is asked for, and how far its answer may be from the exact one.

tantivy counts deleted passages until their segment is merged, and adds in single precision. Its
idf is put right by boosts, from counts of live passages. Its average length cannot be: a score
is at most as much too low as that length is too short, which gives each hit a bound.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.protocols import Ids
from rag.store.bm25 import K1, Statistics, idf

if TYPE_CHECKING:
    import tantivy
    from numpy.typing import NDArray

# Rounding in single precision: of each term's idf (absolute), and of a score (relative) in all
# and for each term that is added.
_IDF_ERROR, _SCORE_ERROR, _TERM_ERROR = 5e-7, 2e-6, 1e-7
# Below this an idf is mostly rounding, and is not worth putting right.
_LEAST_IDF = 1e-3
# Terms whose counts are kept.
_KEPT = 100_000


class TermCounts:
    """How many passages have a term, among the live ones and as tantivy counts."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher, entries: int) -> None:
        self.entries = entries
        self._schema = schema
        self._searcher = searcher
        self._known: dict[str, int] = {}

    def carried(self, term: str) -> int:
        """Passages that have the term, with those deleted that are still counted."""
        return int(self._searcher.doc_freq("terms", term))

    def having(self, term: str) -> int:
        """Live passages that have the term."""
        if self.entries == self._searcher.num_docs:
            return self.carried(term)
        if term not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            # Its stub leaves the count out.
            found: Any = self._searcher.search(self.query(term), 1, count=True)
            self._known[term] = int(found.count)
        return self._known[term]

    def query(self, term: str) -> tantivy.Query:
        """The passages that have the term."""
        from tantivy import Query

        return Query.term_query(self._schema, "terms", term, "freq")

    def mean(self, term: str) -> float:
        """The average length that tantivy scores with, read from a hit for a term that has one."""
        query = self.query(term)
        (_, address) = self._searcher.search(query, 1, count=False).hits[0]
        explanation = json.loads(query.explain(self._searcher, address).to_json())
        return next(value for name, value in _details(explanation) if name.startswith("avgdl"))


def _details(explanation: dict[str, object]) -> Iterator[tuple[str, float]]:
    """Every number of an explanation with its description."""
    yield str(explanation["description"]), float(str(explanation["value"]))
    inner = explanation.get("details") or []
    assert isinstance(inner, list)
    for detail in inner:
        yield from _details(detail)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A query for tantivy.

    `weights` has each term's exact idf times its weight; a passage that tantivy gives score `s`
    has at most `s * ratio + error`.
    """

    query: tantivy.Query
    weights: Mapping[str, float]
    ratio: float
    error: float

    def bounds(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The most that passages may have, rounded as exact scores are."""
        bounds = scores * self.ratio + self.error
        return bounds.astype(np.float32).astype(np.float64)


class Proposer:
    """Makes proposals for one generation."""

    def __init__(self, schema: tantivy.Schema, statistics: Statistics, counts: TermCounts) -> None:
        self._schema = schema
        self._statistics = statistics
        self._counts = counts
        self._mean = 0.0

    def propose(self, terms: Mapping[str, float], documents: Ids | None) -> Proposal:
        """A query for weighted terms that live passages have, within `documents` where given."""
        weights, boosts, error = {}, {}, 0.0
        for term, weight in terms.items():
            theirs = idf(self._counts.entries, self._counts.carried(term))
            exact = weight * idf(self._statistics.passages, self._counts.having(term))
            boost = exact / theirs if theirs > _LEAST_IDF else weight
            weights[term], boosts[term] = exact, boost
            error += (K1 + 1) * (abs(exact - boost * theirs) + abs(boost) * _IDF_ERROR)
        if min(terms.values()) < 0:
            # A sum with a negative part has no bound by ratio: every match is scored.
            error = math.inf
        ratio = self._ratio(next(iter(terms)), len(terms))
        return Proposal(self._query(boosts, documents), weights, ratio, error)

    def _ratio(self, term: str, terms: int) -> float:
        # Read once: it is the same for every term.
        self._mean = self._mean or self._counts.mean(term)
        stale = max(1.0, self._statistics.mean / self._mean)
        return stale * (1 + _SCORE_ERROR + _TERM_ERROR * terms)

    def _query(self, boosts: Mapping[str, float], documents: Ids | None) -> tantivy.Query:
        from tantivy import Occur, Query

        boosted = [Query.boost_query(self._counts.query(t), boost) for t, boost in boosts.items()]
        matching = Query.boolean_query([(Occur.Should, query) for query in boosted])
        if documents is None:
            return matching
        allowed = Query.term_set_query(self._schema, "document", documents.tolist())
        # The set restricts and adds nothing to the score.
        within = Query.const_score_query(allowed, 0.0)
        return Query.boolean_query([(Occur.Must, matching), (Occur.Must, within)])

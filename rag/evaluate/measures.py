"""Effectiveness measures of ranked documents, as trec_eval and MS MARCO define them.

nDCG takes grades as linear gains (Järvelin and Kekäläinen, 2002); a document is relevant for
recall and reciprocal rank from grade 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rag.evaluate.dataset import Qrels

MEASURES = ("nDCG@10", "R@10", "R@100", "RR@10")
JSON_NAMES: Mapping[str, str] = MappingProxyType(
    {"nDCG@10": "nDCG@10", "R@10": "recall@10", "R@100": "recall@100", "RR@10": "MRR@10"}
)


def evaluate(qrels: Qrels, run: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Measure -> query id -> value in 0..1, for every query of `qrels` in its order.

    `run` is query id -> document id -> score; a query without results counts 0, and queries
    without judgements are left out. Equal scores are ordered by the measuring library in its
    own way: make the run with `run_from_rankings` to have a ranking judged as it stands.
    """
    import ir_measures

    judged = {query: dict(grades) for query, grades in qrels.items()}
    results = {query: dict(run.get(query, {})) for query in judged}
    values = {measure: dict.fromkeys(judged, 0.0) for measure in MEASURES}
    measures = [ir_measures.parse_measure(measure) for measure in MEASURES]
    for metric in ir_measures.iter_calc(measures, judged, results):
        values[str(metric.measure)][metric.query_id] = float(metric.value)
    return values


def run_from_rankings(rankings: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    """A run whose scores descend strictly with rank; a document counts once, at its best rank.

    Scores are whole numbers, which single-precision floats inside trec_eval keep apart.
    """
    return {
        query: {
            document: float(len(ranking) - rank)
            for rank, document in enumerate(dict.fromkeys(ranking))
        }
        for query, ranking in rankings.items()
    }

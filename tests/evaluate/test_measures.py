from __future__ import annotations

from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.evaluate.measures import JSON_NAMES, MEASURES, evaluate, run_from_rankings

QRELS = {"graded": {"a": 2, "b": 1, "c": 0, "d": 1}, "missed": {"a": 1}, "unanswered": {"b": 1}}


def test_every_measure_has_a_name_in_json() -> None:
    assert list(JSON_NAMES) == list(MEASURES)
    assert list(JSON_NAMES.values()) == ["nDCG@10", "recall@10", "recall@100", "MRR@10"]


def test_values_worked_out_by_hand() -> None:
    far = [f"x{n}" for n in range(10)]
    run = run_from_rankings({"graded": ["c", "b", "y", "a"], "missed": [*far, "a"]})
    found = evaluate(QRELS, run)

    gained = 1 / log2(3) + 2 / log2(5)
    ideal = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert found["nDCG@10"] == {
        "graded": pytest.approx(gained / ideal),
        "missed": 0.0,
        "unanswered": 0.0,
    }
    assert found["RR@10"] == {"graded": 0.5, "missed": 0.0, "unanswered": 0.0}
    assert found["R@10"] == {"graded": pytest.approx(2 / 3), "missed": 0.0, "unanswered": 0.0}
    assert found["R@100"] == {"graded": pytest.approx(2 / 3), "missed": 1.0, "unanswered": 0.0}


def test_queries_without_judgements_are_left_out() -> None:
    found = evaluate({"q": {"a": 1}}, run_from_rankings({"q": ["a"], "other": ["a"]}))
    assert found == {measure: {"q": 1.0} for measure in MEASURES}


def test_a_query_with_nothing_relevant_counts_zero() -> None:
    found = evaluate({"q": {"a": 0}}, run_from_rankings({"q": ["a", "b"]}))
    assert found == {measure: {"q": 0.0} for measure in MEASURES}


def test_rankings_become_strictly_descending_scores() -> None:
    run = run_from_rankings({"q": ["b", "a", "b", "c", "a"], "none": []})
    assert list(run["q"]) == ["b", "a", "c"]
    scores = list(run["q"].values())
    assert scores == sorted(set(scores), reverse=True)
    assert run["none"] == {}


@pytest.mark.parametrize("ranking", [["a", "z"], ["z", "a"]])
def test_our_order_is_what_is_judged(ranking: list[str]) -> None:
    found = evaluate({"q": {"a": 1}}, run_from_rankings({"q": ranking}))
    assert found["RR@10"]["q"] == 1 / (1 + ranking.index("a"))


def ndcg(grades: dict[str, int], ranking: list[str], cutoff: int) -> float:
    def gain(ordered: list[int]) -> float:
        return sum(max(g, 0) / log2(rank + 2) for rank, g in enumerate(ordered[:cutoff]))

    ideal = gain(sorted(grades.values(), reverse=True))
    return gain([grades.get(document, 0) for document in ranking]) / ideal if ideal else 0.0


def recall(grades: dict[str, int], ranking: list[str], cutoff: int) -> float:
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant & set(ranking[:cutoff])) / len(relevant) if relevant else 0.0


def reciprocal_rank(grades: dict[str, int], ranking: list[str], cutoff: int) -> float:
    for rank, document in enumerate(ranking[:cutoff], start=1):
        if grades.get(document, 0) > 0:
            return 1 / rank
    return 0.0


DOCUMENTS = [f"d{n}" for n in range(150)]
GRADES = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(-1, 3), min_size=1, max_size=30)
RANKINGS = st.permutations(DOCUMENTS).flatmap(
    lambda order: st.integers(0, len(order)).map(lambda size: order[:size])
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("pqr"), st.tuples(GRADES, RANKINGS), min_size=1))
def test_agrees_with_an_independent_implementation(
    queries: dict[str, tuple[dict[str, int], list[str]]],
) -> None:
    qrels = {query: grades for query, (grades, _) in queries.items()}
    rankings = {query: ranking for query, (_, ranking) in queries.items()}
    found = evaluate(qrels, run_from_rankings(rankings))
    for query, (grades, ranking) in queries.items():
        assert found["nDCG@10"][query] == pytest.approx(ndcg(grades, ranking, 10))
        assert found["R@10"][query] == pytest.approx(recall(grades, ranking, 10))
        assert found["R@100"][query] == pytest.approx(recall(grades, ranking, 100))
        assert found["RR@10"][query] == pytest.approx(reciprocal_rank(grades, ranking, 10))

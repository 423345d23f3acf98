"""What is learned of a kept question: the risk of giving its answer, and what is done about it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.semantic_cache.regions import Ledger, Regions

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1), st.booleans()), max_size=12)


@given(PAIRS, st.integers(0, 4), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60)
def test_a_risk_is_a_probability_and_does_not_rise_with_the_cosine(
    pairs: list[tuple[int, float, bool]], entry: int, one: float, other: float
) -> None:
    regions = Regions(pairs)
    low, high = sorted((one, other))
    assert 0 <= regions.risk(entry, high) <= regions.risk(entry, low) + 1e-9 <= 1 + 1e-8


@given(PAIRS, st.floats(0.5, 1), st.booleans())
@settings(max_examples=60)
def test_an_observation_moves_the_risk_its_way(
    pairs: list[tuple[int, float, bool]], similarity: float, right: bool
) -> None:
    regions, more = Regions(pairs), Regions([*pairs, (0, similarity, right)])
    before, after = regions.risk(0, similarity), more.risk(0, similarity)
    assert after <= before + 1e-6 if right else after >= before - 1e-6


@given(st.permutations([(0, 0.9, True), (1, 0.8, False), (0, 0.7, False), (2, 0.95, True)]))
@settings(max_examples=20)
def test_the_order_of_observations_does_not_change_what_a_question_knows_of_itself(
    pairs: list[tuple[int, float, bool]],
) -> None:
    regions = Regions(pairs)
    assert regions.risk(0, 0.85) == pytest.approx(Regions(sorted(pairs)).risk(0, 0.85), abs=0.02)


def test_nothing_is_sure_before_anything_was_observed() -> None:
    ledger = Ledger(0.05)
    assert ledger.exploring(Regions().risk(1, 1.0)) == 1.0


def test_questions_have_regions_of_their_own() -> None:
    pairs = [(0, s, True) for s in (0.7, 0.75, 0.8)] * 6
    pairs += [(1, s, False) for s in (0.85, 0.9, 0.92)] * 6
    regions = Regions(pairs)
    assert regions.risk(0, 0.8) < 0.05
    assert regions.risk(1, 0.8) > 0.9
    assert regions.risk(0, 0.6) > regions.risk(0, 0.8)


def test_what_others_observed_is_worth_something() -> None:
    others = [(entry, 0.9, True) for entry in range(60)]
    assert Regions(others).risk(99, 0.92) < 0.05 < Regions(others[:3]).risk(99, 0.92)


def test_errors_beyond_the_prediction_raise_later_risks() -> None:
    ledger = Ledger(0.02)
    assert ledger.factor == 1
    for _ in range(50):
        ledger.note(0.01, True)
    assert ledger.factor == 1
    for _ in range(4):
        ledger.note(0.01, False)
    ledger.note(0.5, False)  # that was expected, and looked at
    assert 3 < ledger.factor < 4
    assert ledger.exploring(0.01) == 1
    assert 0 < ledger.exploring(0.001) < 0.05


@pytest.mark.parametrize("world", ["near", "two kinds", "no curve"])
@pytest.mark.parametrize("max_error", [0.02, 0.05])
def test_answers_given_are_wrong_no_more_often_than_allowed(world: str, max_error: float) -> None:
    """Streams of questions whose truth is known: errors stay below the bound while hits grow."""
    given_to, wrong, late, early = 0, 0, 0, 0
    for seed in range(3):
        hits = _simulated(world, max_error, seed)
        given_to += len(hits)
        wrong += sum(not right for _, right in hits)
        late += sum(at >= 750 for at, _ in hits)
        early += sum(at < 750 for at, _ in hits)
    # Where chance alone decides, a few answers are given before that is learned.
    assert wrong <= max_error * given_to + 2 * np.sqrt(max_error * given_to) + 3
    if world != "no curve":
        assert late > early > 0
        assert given_to > 3 * 1500 * 0.08


def _simulated(world: str, max_error: float, seed: int) -> list[tuple[int, bool]]:
    """When an answer was given, and whether it was right."""
    chance = np.random.default_rng(seed)
    entries = 40
    thresholds = {
        "near": chance.normal(0.85, 0.05, entries),
        "two kinds": chance.choice([0.7, 0.95], entries),
        "no curve": np.full(entries, 0.8),
    }[world]
    regions, ledger, hits = Regions(), Ledger(max_error), []
    for at in range(1500):
        entry, similarity = int(chance.integers(entries)), float(chance.beta(8, 1.5))
        truly = 1 / (1 + np.exp(-60 * (similarity - thresholds[entry])))
        if world == "no curve":
            truly = 0.95 if similarity > 0.8 else 0.1
        right = bool(chance.random() < truly)
        risk = regions.risk(entry, similarity)
        if chance.random() < ledger.exploring(risk):
            regions.observe(entry, similarity, right)
            ledger.note(risk, right)
        else:
            hits.append((at, right))
    return hits

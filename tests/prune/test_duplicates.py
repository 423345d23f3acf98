"""Near-duplicates are found, told of, and the first of them kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from gathering import ENGLISH, GERMAN, JAPANESE, passage, reason, scores
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.prune.duplicates import DuplicatesPruner
from rag.prune.hashing import mixed
from rag.prune.minhash import signatures, similarities
from rag.testing.collection import MemoryCollection

LONG = " ".join(ENGLISH)
OTHER = " ".join(GERMAN)


def like(text: str, copy: str) -> float:
    """The score of `copy` beside `text` and something else."""
    found = scores(DuplicatesPruner(), {"a": text, "b": OTHER, "c": copy})
    assert found["a"] == found["b"] == 1.0
    return found["c"]


@pytest.mark.parametrize(
    "copy",
    [LONG, LONG.replace(" ", "\n  "), LONG.upper(), LONG.replace(".", " —"), f"  {LONG}\t"],
)
def test_what_differs_in_space_case_or_marks_is_a_copy(copy: str) -> None:
    assert like(LONG, copy) == 0.0


def test_a_few_other_words_or_another_date_or_order() -> None:
    changed = LONG.replace("harbour", "dock").replace("half", "full").replace("damp", "moist")
    assert 0 < like(LONG, changed) <= 0.4
    assert 0 < like(f"On 3 May 2024: {LONG}", f"On 17 June 2025: {LONG}") < 0.2
    assert 0 < like(LONG, " ".join(reversed(ENGLISH))) < 0.35


def test_half_a_text_and_another_text_are_none() -> None:
    assert like(LONG, LONG[: len(LONG) // 2]) == 1.0
    assert like(LONG, OTHER.replace("Die", "Eine")) < 1.0  # a copy of the other text
    assert like(LONG, " ".join(JAPANESE)) == 1.0


def test_numbers_make_another_text() -> None:
    assert like("Notice period: 3 months.", "Notice period: 6 months.") == 1.0
    assert like("Notice period: 3 months.", "notice period 3 months") == 0.0


def test_scripts_without_spaces() -> None:
    text = "".join(JAPANESE)
    assert like(text, text.replace("。", "\n")) == 0.0
    assert 0 < like(text, text.replace("林檎", "果物")) < 0.3


def test_the_first_by_document_and_start_is_kept_and_named() -> None:
    passages = [passage("b", LONG), passage("a", OTHER), passage("a", LONG, 900)]
    quality = DuplicatesPruner().judge(MemoryCollection(passages))
    assert quality.scores.tolist() == [1.0, 1.0, 0.0]
    assert quality.why(2) == f"100% like a#900-{900 + len(LONG)}"
    assert quality.why(0) == "it repeats no earlier passage"


def test_a_copy_of_what_is_like_a_copy() -> None:
    words = LONG.split()
    steps = [" ".join([*["other"] * at, *words[at:]]) for at in range(0, 40, 10)]
    found = scores(DuplicatesPruner(), {f"d{at}": text for at, text in enumerate([*steps, *steps])})
    kept = [name for name, score in found.items() if score == 1.0]
    assert "d0" in kept
    assert all(found[f"d{at + len(steps)}"] < 0.45 for at in range(len(steps)))


def test_similar_is_an_option() -> None:
    changed = LONG.replace("harbour", "dock").replace("half", "full").replace("damp", "moist")
    texts = {"a": LONG, "c": changed}
    assert scores(DuplicatesPruner(similar=0.95), texts)["c"] == 1.0
    assert "% like a#0-" in reason(DuplicatesPruner(), texts, "c")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 1_000))
def test_the_estimate_is_near_the_exact_similarity(
    both: int, first: int, second: int, seed: int
) -> None:
    drawn = np.arange(both + first + second, dtype=np.uint64) + np.uint64(seed * 10_000 + 1)
    keys = mixed(drawn)
    shared, a, b = np.split(keys, [both, both + first])
    signed = signatures(
        np.concatenate([shared, a, b, shared]), np.array([both + first, second + both])
    )
    estimate = similarities(signed, np.array([0]), np.array([1]))[0]
    exact = both / (both + first + second)
    # Five standard errors of 128 draws.
    assert abs(estimate - exact) <= 5 * np.sqrt(exact * (1 - exact) / 128) + 1e-4


def test_the_estimate_has_no_bias() -> None:
    errors = []
    for seed, share in itertools.product(range(200), (0.2, 0.5, 0.8)):
        both, rest = round(100 * share), round(50 * (1 - share))
        keys = mixed(np.arange(1, 1 + both + 2 * rest, dtype=np.uint64) + np.uint64(seed * 1_000))
        shared, a, b = np.split(keys, [both, both + rest])
        signed = signatures(np.concatenate([shared, a, b, shared]), np.full(2, both + rest))
        estimate = similarities(signed, np.array([0]), np.array([1]))[0]
        errors.append(estimate - both / (both + 2 * rest))
    assert abs(np.mean(errors)) < 0.006
    assert np.std(errors) < 0.045


def test_most_pairs_are_found() -> None:
    source = np.random.default_rng(0)
    words = [f"w{at}" for at in range(5_000)]
    texts: dict[str, str] = {}
    for at in range(200):
        text = source.choice(words, 100)
        copy = text.copy()
        copy[source.choice(100, 4, replace=False)] = source.choice(words, 4)
        texts |= {f"a{at:03}": " ".join(text), f"b{at:03}": " ".join(copy)}
    found = scores(DuplicatesPruner(), texts)
    assert all(found[f"a{at:03}"] == 1.0 for at in range(200))
    assert sum(found[f"b{at:03}"] < 1.0 for at in range(200)) >= 198

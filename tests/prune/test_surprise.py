"""Text that others foretell and text that nobody could read are both low; prose is high."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gathering import GERMAN, JAPANESE, reason, scores

from rag.prune.surprise import SurprisePruner

SOURCE = random.Random(0)


def letters(count: int) -> str:
    return "".join(SOURCE.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(count))


NOISE = {
    "letters": " ".join(letters(SOURCE.randint(4, 9)) for _ in range(50)),
    "encoded": " ".join(base64.b64encode(SOURCE.randbytes(9)).decode() for _ in range(30)),
    "symbols": " ".join("".join(SOURCE.choices("#$%^&*~|<>", k=6)) for _ in range(30)),
}
NOTICE = "We use cookies to improve this site. By browsing on you accept our policy on cookies."


SAMPLES = Path(__file__).parents[2] / "sample_corpus"


def sections() -> Iterator[str]:
    """The sections of the sample documents that are long enough to be prose."""
    for file in sorted([*SAMPLES.rglob("*.md"), *SAMPLES.rglob("*.txt")]):
        for section in re.split(r"\n#+ ", file.read_text("utf-8")):
            if "fahrgast" not in file.name and len(section.split()) >= 40:
                yield section


@pytest.fixture(scope="module")
def prose() -> dict[str, str]:
    return {f"p{at:03}": text for at, text in enumerate(sections())}


@pytest.fixture(scope="module")
def judged(prose: dict[str, str]) -> dict[str, float]:
    notices = {f"notice{at}": NOTICE for at in range(6)}
    strange = {"german": " ".join(GERMAN), "japanese": "".join(JAPANESE), "copy": prose["p007"]}
    return scores(SurprisePruner(), prose | notices | NOISE | strange)


@pytest.mark.parametrize("kind", NOISE)
def test_noise_is_below_prose(prose: dict[str, str], judged: dict[str, float], kind: str) -> None:
    assert judged[kind] < min(judged[name] for name in prose)


def test_a_notice_of_many_is_below_prose(prose: dict[str, str], judged: dict[str, float]) -> None:
    assert judged["notice3"] < min(judged[name] for name in prose)


def test_a_text_and_its_only_copy_do_not_condemn_each_other(judged: dict[str, float]) -> None:
    assert judged["copy"] == pytest.approx(judged["p007"])
    assert judged["copy"] > 0.8


def test_another_language_is_no_noise(judged: dict[str, float]) -> None:
    assert judged["japanese"] > 0.9
    assert judged["german"] > max(judged[kind] for kind in NOISE)


def test_nothing_is_noise_where_too_few_words_are_known() -> None:
    found = scores(SurprisePruner(), {"a": "A lamp is lit.", "b": NOISE["letters"]})
    assert found["b"] == 1.0


def test_own_documents_do_not_count() -> None:
    texts = {"a": "the lamp is lit " * 30, "b": " ".join(GERMAN)}
    assert scores(SurprisePruner(), texts)["a"] == 1.0


def test_a_part_of_the_documents_stands_for_all(
    monkeypatch: pytest.MonkeyPatch, prose: dict[str, str]
) -> None:
    texts = prose | {f"notice{at}": NOTICE for at in range(60)}
    monkeypatch.setattr("rag.prune.surprise._PASSAGES", len(texts) // 2)
    found = scores(SurprisePruner(), texts)
    assert found["notice3"] < 0.4
    assert np.median([found[name] for name in prose]) > 0.8


def test_the_reason_tells_which_end(prose: dict[str, str]) -> None:
    told = reason(SurprisePruner(), prose | NOISE, "symbols")
    assert told == "0% of its words are as other documents have them, 100% are no words"

"""QualT5 on a tiny random T5, against the score worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from founding import passage
from tiny_t5 import save_tiny_t5, word_tokenizer

from rag.errors import ModelError, RequestError
from rag.protocols import Pruner, Scores
from rag.prune import qualt5
from rag.prune.qualt5 import QualT5Pruner
from rag.testing import PrunerSuite
from rag.testing.collection import MemoryCollection
from rag.types import Passage

WORDS = (
    *("<pad>", "</s>", "<unk>", "true", "false", "Document", "Relevant", ":", "."),
    *("the", "ferry", "leaves", "at", "nine", "keeper", "lights", "lamp", "dogs", "travel"),
)
TEXTS = (
    "the ferry leaves at nine .",
    "lamp",
    "the keeper lights the lamp at nine . dogs travel . " * 6,
    "dogs travel the ferry",
    "the ferry leaves at nine .",
    "true false true",
)


def save_t5(folder: Path, words: tuple[str, ...] = WORDS, targets: object = None) -> Path:
    """A random two-layer T5 whose vocabulary is `words`."""
    settings: dict[str, Any] = {} if targets is None else {"targets": targets}
    return save_tiny_t5(folder, word_tokenizer(words), seed=3, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_t5(tmp_path_factory.mktemp("t5") / "tiny")


def passages(texts: tuple[str, ...] = TEXTS) -> list[Passage]:
    return [passage(f"{number}", text) for number, text in enumerate(texts)]


def by_hand(folder: Path, text: str, first: str = "true", second: str = "false") -> float:
    """The probability of `first`, worked out from the model's raw output, without padding."""
    import torch
    from transformers import T5ForConditionalGeneration

    model = T5ForConditionalGeneration.from_pretrained(folder).eval()
    prompt = ["Document", ":", *text.split(), "Relevant", ":"]
    ids = torch.tensor([[WORDS.index(word) for word in prompt] + [1]])
    with torch.no_grad():
        logits = model(input_ids=ids, decoder_input_ids=torch.zeros((1, 1), dtype=torch.long))[0]
    row = logits[0, 0].double().numpy()
    true, false = row[WORDS.index(first)], row[WORDS.index(second)]
    return float(np.exp(true - np.logaddexp(true, false)))


class TestQualT5(PrunerSuite):
    @pytest.fixture(autouse=True)
    def _model(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> Pruner:
        return QualT5Pruner(model=str(self.folder))

    def passages(self) -> list[Passage]:
        return passages()


def judged(pruner: Pruner, texts: tuple[str, ...] = TEXTS) -> Scores:
    return pruner.judge(MemoryCollection(passages(texts))).scores


@pytest.mark.parametrize("tokens", [1, 60, 10_000])
def test_the_score_is_that_worked_out_by_hand(
    folder: Path, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qualt5, "_BATCH_TOKENS", tokens)
    scores = judged(QualT5Pruner(model=str(folder)))
    expected = [by_hand(folder, text) for text in TEXTS]
    assert scores == pytest.approx(expected, abs=1e-5)
    assert max(expected) - min(expected) > 0.01, "the test could not fail"


def test_a_passage_scores_the_same_alone(folder: Path) -> None:
    pruner = QualT5Pruner(model=str(folder))
    together = judged(pruner)
    alone = [judged(pruner, (text,))[0] for text in TEXTS]
    assert together == pytest.approx(alone, abs=2e-6)


def test_the_prompt_is_that_of_the_authors(folder: Path) -> None:
    model = QualT5Pruner(model=str(folder))._model
    words = [WORDS[token] for token in model.encode("the ferry")]
    assert words == ["Document", ":", "the", "ferry", "Relevant", ":", "</s>"]
    cut = QualT5Pruner(model=str(folder), max_tokens=16)._model
    words = [WORDS[token] for token in cut.encode(TEXTS[2])]
    assert len(words) == 16
    assert (words[0], words[-1]) == ("Document", "</s>")


def test_braces_in_a_text_are_text(folder: Path) -> None:
    (score,) = judged(QualT5Pruner(model=str(folder)), ("{} {0} {ferry}",))
    assert 0 < score < 1


def test_a_model_may_name_its_target_words(tmp_path: Path) -> None:
    made = save_t5(tmp_path / "named", targets=["lamp", "dogs"])
    assert judged(QualT5Pruner(model=str(made)))[0] == pytest.approx(
        by_hand(made, TEXTS[0], "lamp", "dogs"), abs=1e-5
    )


def test_the_fingerprint_tells_models_and_lengths_apart(folder: Path, tmp_path: Path) -> None:
    other = save_t5(tmp_path / "other", targets=["lamp", "dogs"])
    made = (
        QualT5Pruner(model=str(folder)),
        QualT5Pruner(model=str(folder), max_tokens=64),
        QualT5Pruner(model=str(other)),
    )
    assert len({one.fingerprint for one in made}) == 3
    assert QualT5Pruner(model=str(folder), device="cpu").fingerprint == made[0].fingerprint


def test_the_reason_is_the_chance(folder: Path) -> None:
    quality = QualT5Pruner(model=str(folder)).judge(MemoryCollection(passages()))
    assert quality.why(0) == (f"QualT5 gives it a chance of {quality.scores[0]:.0%} to be relevant")


def test_a_model_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="is not on this machine: set 'download: true'") as caught:
        judged(QualT5Pruner())
    assert "\n" not in str(caught.value)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="has no weights"):
        judged(QualT5Pruner(model=str(tmp_path)))


def test_a_model_that_cannot_be_loaded(tmp_path: Path, encoder_folder: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded: ") as caught:
        judged(QualT5Pruner(model=str(encoder_folder)))
    assert "\n" not in str(caught.value)
    words = tuple(word for word in WORDS if word not in ("true", "false"))
    with pytest.raises(ModelError, match="does not tell its two target words apart"):
        judged(QualT5Pruner(model=str(save_t5(tmp_path / "poor", words))))


def test_pickled_weights_are_not_loaded(folder: Path, tmp_path: Path) -> None:
    import shutil

    import torch
    from safetensors.torch import load_file

    shutil.copytree(folder, tmp_path / "old")
    weights = tmp_path / "old" / "model.safetensors"
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    weights.unlink()
    with pytest.raises(ModelError, match="cannot be loaded: "):
        judged(QualT5Pruner(model=str(tmp_path / "old")))


def test_a_device_that_is_not_here(folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(RequestError, match="no CUDA device here"):
        judged(QualT5Pruner(model=str(folder), device="cuda"))

"""Models that cannot be had, loaded or trusted are told of in one line."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from rag_errors import one_line
from tiny_models import QUESTION, edit, passages, pickle_weights, save_pairs, save_t5

from rag.errors import ModelError
from rag.protocols import Reranker
from rag.rerank.cross_encoder import CrossEncoderReranker
from rag.rerank.monot5 import MonoT5Reranker

Make: TypeAlias = Callable[[str], Reranker]
Save: TypeAlias = Callable[[Path], Path]

KINDS: dict[str, tuple[Make, Save]] = {
    "cross-encoder": (lambda model: CrossEncoderReranker(model=model), save_pairs),
    "monot5": (lambda model: MonoT5Reranker(model=model), save_t5),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[Make, Save]:
    return KINDS[request.param]


@pytest.fixture
def make(kind: tuple[Make, Save]) -> Make:
    return kind[0]


@pytest.fixture
def saved(kind: tuple[Make, Save], tmp_path: Path) -> Path:
    return kind[1](tmp_path / "model")


def told(reranker: Reranker) -> str:
    with pytest.raises(ModelError) as caught:
        reranker.score(QUESTION, passages())
    return one_line(caught)


def test_a_model_that_is_not_here(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    said = told(make("nobody/no-such-model"))
    assert "is not on this machine: set 'download: true' beside 'model'" in said


def test_a_folder_without_a_model(make: Make, tmp_path: Path) -> None:
    assert "has no config.json" in told(make(str(tmp_path)))


def test_a_folder_without_weights(make: Make, saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    assert "has no weights in" in told(make(str(saved)))


def test_pickled_weights_are_not_read(make: Make, saved: Path) -> None:
    said = told(make(str(pickle_weights(saved))))
    assert "'pytorch_model.bin' is a pickle, which can hold code, and is not read" in said


def test_weights_of_another_architecture(
    make: Make, saved: Path, encoder_folder: Path, tmp_path: Path
) -> None:
    shutil.copy(encoder_folder / "model.safetensors", saved / "model.safetensors")
    assert "its weights lack '" in told(make(str(saved)))


def test_a_model_without_a_head(encoder_folder: Path) -> None:
    """The library would make up the head by chance."""
    said = told(CrossEncoderReranker(model=str(encoder_folder)))
    assert "its weights lack 'classifier.bias' (and 1 more)" in said
    assert "architecture BertModel" in said


def test_an_encoder_is_no_t5(encoder_folder: Path) -> None:
    said = told(MonoT5Reranker(model=str(encoder_folder)))
    assert "it is of the architecture BertModel, and what is needed is a sequence-to-" in said


def test_damaged_files(make: Make, saved: Path) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-40])
    assert "cannot be loaded: " in told(make(str(saved)))
    (saved / "config.json").write_text("{")
    told(make(str(saved)))


def test_a_tokenizer_that_is_missing(make: Make, saved: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (saved / name).unlink()
    assert "cannot be loaded: " in told(make(str(saved)))


@pytest.fixture
def with_code(tmp_path: Path) -> Path:
    """A model whose class comes with it."""
    folder = save_pairs(tmp_path / "coded")
    (folder / "own_model.py").write_text(
        "from pathlib import Path\n"
        "from transformers import BertConfig, BertForSequenceClassification\n"
        "Path(__file__).with_name('ran').touch()\n"
        "class OwnConfig(BertConfig):\n"
        "    model_type = 'own-bert'\n"
        "class OwnModel(BertForSequenceClassification):\n"
        "    config_class = OwnConfig\n"
    )
    edit(
        folder / "config.json",
        model_type="own-bert",
        architectures=["OwnModel"],
        auto_map={
            "AutoConfig": "own_model.OwnConfig",
            "AutoModelForSequenceClassification": "own_model.OwnModel",
        },
    )
    return folder


def test_code_of_a_model_is_not_run(
    with_code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = told(CrossEncoderReranker(model=str(with_code)))
    assert "needs code of its own, which is not run: set 'remote_code: true'" in said


def test_a_function_of_a_models_own_is_not_run(tmp_path: Path) -> None:
    """The library would take another one, and scores would mean something else."""
    folder = save_pairs(
        tmp_path / "activated", sentence_transformers={"activation_fn": "own_code.Activation"}
    )
    said = told(CrossEncoderReranker(model=str(folder)))
    assert "needs code of its own ('own_code.Activation'), which is not run" in said


def test_loading_says_nothing_and_leaves_no_trace(
    make: Make, saved: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging as shown

    levels = [logging.getLogger(name).level for name in ("transformers", "sentence_transformers")]
    bars = shown.is_progress_bar_enabled()
    make(str(saved)).score(QUESTION, passages())
    told(make(str(saved / "..")))
    assert capfd.readouterr() == ("", "")
    after = [logging.getLogger(name).level for name in ("transformers", "sentence_transformers")]
    assert after == levels
    assert shown.is_progress_bar_enabled() == bars

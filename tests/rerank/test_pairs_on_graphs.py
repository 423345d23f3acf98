"""Cross-encoders on OpenVINO: the same scores as torch gives, and torch where there is none."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from tiny_models import LONG, QUESTION, TEXTS, passages, save_pairs

from rag.errors import ModelError
from rag.rerank.cross_encoder import CrossEncoderReranker
from rag.rerank.graph_pairs import GraphPairs
from rag.rerank.torch_pairs import TorchPairs

IDENTITY: dict[str, Any] = {
    "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}
}
TEN = (*TEXTS, LONG, LONG[60:])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pairs(tmp_path_factory.mktemp("graphs") / "tiny", **IDENTITY)


def scores(folder: Path, **options: Any) -> list[float]:
    return CrossEncoderReranker(model=str(folder), **options).score(QUESTION, passages(TEN))


def test_scores_are_those_of_torch(folder: Path) -> None:
    reranker = CrossEncoderReranker(model=str(folder), dtype="float32")
    found = reranker.score(QUESTION, passages(TEN))
    expected = scores(folder, runtime="torch")
    assert isinstance(reranker._model._backend, GraphPairs)
    assert reranker._model.precision == "float32"
    assert found == pytest.approx(expected, abs=1e-4)
    assert max(expected) - min(expected) > 0.05, "the test could not fail"


def test_a_model_that_gives_probabilities(tmp_path: Path) -> None:
    plain = save_pairs(tmp_path / "plain")
    found = scores(plain, dtype="float32")
    assert found == pytest.approx(scores(plain, runtime="torch"), abs=1e-4)
    assert all(0 < score < 1 for score in found)


def test_a_label_and_a_prompt(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    bare = save_pairs(tmp_path / "bare", labels=("no", "yes"), **IDENTITY)
    model = CrossEncoder(
        str(bare), device="cpu", prompts={"ask": "who "}, default_prompt_name="ask"
    )
    model.save(str(tmp_path / "prompted"))
    given: dict[str, Any] = {"label": "yes", "dtype": "float32"}
    found = scores(tmp_path / "prompted", **given)
    expected = scores(tmp_path / "prompted", runtime="torch", **given)
    assert found == pytest.approx(expected, abs=1e-4)
    assert found != pytest.approx(scores(bare, **given), abs=1e-4), "the test could not fail"


def test_fewer_tokens_than_the_model_has(folder: Path) -> None:
    given: dict[str, Any] = {"max_tokens": 24, "overlap": 4, "dtype": "float32"}
    found = scores(folder, **given)
    assert found == pytest.approx(scores(folder, runtime="torch", **given), abs=1e-4)
    whole = scores(folder, dtype="float32")
    assert found[-2:] != pytest.approx(whole[-2:], abs=1e-4), "the test could not fail"


def test_scores_of_bfloat16_keep_their_digits(folder: Path) -> None:
    import torch

    found = torch.tensor(scores(folder, dtype="bfloat16"))
    assert found.tolist() == pytest.approx(scores(folder, runtime="torch"), abs=0.3)
    assert (found.bfloat16().float() != found).sum() >= len(TEN) - 1


def test_whole_numbers_are_near(folder: Path) -> None:
    reranker = CrossEncoderReranker(model=str(folder), dtype="int8")
    found = reranker.score(QUESTION, passages(TEN))
    assert reranker._model.precision == "int8"
    assert found == pytest.approx(scores(folder, runtime="torch"), abs=0.5)


def test_what_is_wrong_with_a_model_is_told_without_a_warning(tmp_path: Path) -> None:
    made = save_pairs(tmp_path / "broken", **IDENTITY)
    (made / "tokenizer.json").unlink()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(ModelError):
            scores(made)
    assert not told


def test_the_warning_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.errors import ConversionError
    from rag.rerank.pair_conversion import PairConversion

    def refuse(_: PairConversion) -> None:
        raise ConversionError("it is not to be converted")

    monkeypatch.setattr(PairConversion, "export", refuse)
    made = save_pairs(tmp_path / "refused", length=48, **IDENTITY)
    reranker = CrossEncoderReranker(model=str(made))
    with pytest.warns(UserWarning, match="run by torch, which is slower here: it is not") as told:
        reranker.score(QUESTION, passages())
        reranker.score(QUESTION, passages())
    assert len(told) == 1
    assert isinstance(reranker._model._backend, TorchPairs)
    with pytest.raises(ModelError, match="cannot be run by OpenVINO: it is not to be converted"):
        scores(made, runtime="openvino")


def test_torch_is_not_loaded_by_what_is_converted(folder: Path) -> None:
    expected = scores(folder)
    program = (
        "import sys\n"
        "from rag.rerank.cross_encoder import CrossEncoderReranker\n"
        "from rag.types import Passage\n"
        f"texts = {list(TEN)!r}\n"
        "some = [Passage(str(n), 0, len(text), text) for n, text in enumerate(texts)]\n"
        f"scores = CrossEncoderReranker(model={str(folder)!r}).score({QUESTION!r}, some)\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
        "print(*scores)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert [float(one) for one in done.stdout.split()] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"runtime": "openvino", "device": "cuda"}, "runtime"),
        ({"runtime": "torch", "dtype": "int8"}, "dtype"),
        ({"device": "cuda", "dtype": "int8"}, "dtype"),
        ({"remote_code": True, "runtime": "openvino"}, "remote_code"),
    ],
)
def test_what_does_not_go_together(options: dict[str, Any], key: str) -> None:
    whole = {
        "max_tokens": None, "overlap": 64, "runtime": "auto", "device": "auto", "dtype": "auto",
        "remote_code": False,
    }  # fmt: skip
    assert [name for name, _ in CrossEncoderReranker.faults(whole | options)] == [key]
    assert not list(CrossEncoderReranker.faults(whole))

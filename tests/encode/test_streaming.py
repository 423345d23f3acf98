"""Batches streamed through a device give what texts encoded one by one give."""

from __future__ import annotations

import random
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.encode.backend import ModelSpec
from rag.encode.loading import load_model
from rag.encode.pooling import unit
from rag.encode.streaming import DeviceStream
from rag.encode.tokens import ModelTokenizer
from rag.encode.torch_backend import TorchBackend
from rag.errors import ModelError
from rag.protocols import Vectors

_WORDS = ("lamp", "oil", "ferry", "storm", "light", "keeper", "island", "stairs", "東京", "x")


def texts(count: int) -> list[str]:
    chance = random.Random(count)
    return [" ".join(chance.choices(_WORDS, k=chance.randint(0, 90))) for _ in range(count)]


def spec(folder: Path, prompt: str = "") -> ModelSpec:
    prompts: Any = {"query": "", "document": prompt}
    return ModelSpec("tiny", folder, 64, prompts, ModelTokenizer(folder, 64, prompt))


def stream(given: ModelSpec, budget: int) -> tuple[DeviceStream, Any]:
    model = load_model(given.name, given.folder, "float32", "cpu", given.length)
    return DeviceStream(model, given, budget), model


def expected(given: ModelSpec, some: Sequence[str]) -> Vectors:
    return TorchBackend(given, "float32", "cpu").vectors(some, "document")


class SmallMemory:
    """A forward pass that has no memory for batches of more than `tokens`."""

    def __init__(self, model: Any, tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self._tokens = tokens
        self._forward = model.forward
        monkeypatch.setattr(model, "forward", self)

    def __call__(self, features: Any, **options: Any) -> Any:
        import torch

        size = features["input_ids"].numel()
        self.sizes.append(size)
        if size > self._tokens:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self._forward(features, **options)


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    yield
    end = time.monotonic() + 10
    while any(one.name.startswith("rag-tokenize") for one in threading.enumerate()):
        assert time.monotonic() < end, "a thread goes on"
        time.sleep(0.005)


@pytest.mark.parametrize("prompt", ["", "a dog: "])
@pytest.mark.parametrize("budget", [100, 1_000_000])
def test_what_is_streamed_is_what_is_encoded(
    encoder_folder: Path, prompt: str, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several blocks of texts.
    monkeypatch.setattr("rag.encode.streaming._BLOCK", 30)
    given = spec(encoder_folder, prompt)
    some = texts(70)
    found = stream(given, budget)[0].vectors(some)
    assert found.dtype == np.float32
    np.testing.assert_allclose(unit(found), expected(given, some), atol=1e-5)


def test_nothing_streamed_is_nothing(encoder_folder: Path) -> None:
    assert stream(spec(encoder_folder), 500)[0].vectors([]).shape == (0, 16)


def test_batches_are_as_large_as_the_budget(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = spec(encoder_folder)
    streamed, model = stream(given, 1_024)
    memory = SmallMemory(model, 1_024, monkeypatch)
    streamed.vectors(["lamp oil storm"] * 200)
    assert memory.sizes == [1_024, 1_024, 1_024, 128]


def test_too_little_memory_halves_the_batch_and_stays_so(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = spec(encoder_folder)
    streamed, model = stream(given, 4_096)
    memory = SmallMemory(model, 700, monkeypatch)
    some = texts(100)
    with pytest.warns(UserWarning, match="is too small for batches of 4,096 tokens") as told:
        found = streamed.vectors(some)
    assert len(told) == 1
    np.testing.assert_allclose(unit(found), expected(given, some), atol=1e-5)
    assert memory.sizes[:4] == [4_096, 2_048, 1_024, 512]
    memory.sizes.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        streamed.vectors(some)
    assert max(memory.sizes) <= 512


def test_one_text_that_is_too_large_says_what_to_do(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streamed, model = stream(spec(encoder_folder), 256)
    SmallMemory(model, 32, monkeypatch)
    told = r"^model 'tiny': the memory of device 'cpu' is too small for one text of 64 tokens: .*"
    with (
        pytest.warns(UserWarning, match="smaller ones are used"),
        pytest.raises(ModelError, match=told + r"index\.encode\.max_tokens"),
    ):
        streamed.vectors([*["lamp oil " * 60] * 6, "oil"])


def test_what_the_tokenizer_raises_is_raised(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streamed, model = stream(spec(encoder_folder), 256)

    def broken(*_: Any, **__: Any) -> Any:
        raise ModelError("the tokenizer is broken")

    monkeypatch.setattr(model, "preprocess", broken)
    with pytest.raises(ModelError, match="the tokenizer is broken"):
        streamed.vectors(texts(40))


def test_a_gpu_gives_what_a_processor_gives(encoder_folder: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    given = spec(encoder_folder)
    some = texts(300)
    for half in ("bfloat16", "float16"):
        found = TorchBackend(given, half, "cuda").vectors(some, "document")
        assert (found * expected(given, some)).sum(axis=1).min() > 0.99
    single = TorchBackend(given, "float32", "cuda").vectors(some, "document")
    np.testing.assert_allclose(single, expected(given, some), atol=1e-3)

"""What a GPU is used for: encoding against plain calls and the floor, and exhaustive search.

The floor of encoding is arithmetic alone: the operations of the model's matrix products for a
token, over the rate at which the device multiplies large matrices in the same precision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from benchmarks.timing import interleaved, seconds, spread
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.encode.torch_backend import TorchBackend
from rag.models import find_model
from rag.store.dense.gpu import on_gpu

_MODEL = "all-MiniLM-L6-v2"
_WORDS = 180
_PASSAGES, _QUICK_PASSAGES = 20_000, 2_000
_SIZES, _QUICK_SIZES = (1_000_000, 10_000_000), (100_000,)
_DIMENSION = 384
_QUESTIONS, _K = 64, 10
_MATRIX, _PRODUCTS = 8_192, 20
_REPEATS = 5
_BLOCK = 100_000


def measure(given: Arguments) -> None:
    import torch

    if not torch.cuda.is_available():
        print("skipped: no GPU that CUDA can use")
        return
    record = Record("gpu", f"On a GPU: {torch.cuda.get_device_name()}", given.quick)
    _measure_encoding(record)
    _measure_search(record)
    record.write()


def _measure_encoding(record: Record) -> None:
    """Tokens a second, by turns; and how far from what the arithmetic would allow."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformersEncoder(model=_MODEL, device="cuda", runtime="torch")
    backend = encoder._backend
    assert isinstance(backend, TorchBackend)
    folder = str(find_model(_MODEL).folder)
    plain = SentenceTransformer(folder, device="cuda", local_files_only=True)
    texts = _passages(_QUICK_PASSAGES if record.quick else _PASSAGES)
    tokens = sum(min(n + 2, plain.max_seq_length) for n in encoder.tokenizer.lengths(texts))
    calls: dict[str, Callable[[], object]] = {
        f"ragline, {backend.precision}": lambda: encoder.encode_passages(texts),
        "SentenceTransformer.encode as it comes": lambda: plain.encode(
            texts, show_progress_bar=False
        ),
    }
    taken = interleaved(calls, rounds=1 if record.quick else _REPEATS)
    speeds = {name: spread([tokens / seconds for seconds in all_]) for name, all_ in taken.items()}
    for name, speed in speeds.items():
        record.add(f"{name}: {len(texts):,} passages", speed.text("tokens/s", 0))
    ours, theirs = (speed.median for speed in speeds.values())
    record.add("ragline over SentenceTransformer.encode", f"{ours / theirs:.2f}")
    rate = _matmul_rate(backend.precision)
    floor = rate / _operations(plain, tokens / len(texts))
    record.add(f"matrix products in {backend.precision}", f"{rate / 1e12:.1f} TFLOPS")
    record.add("the floor: tokens that these allow", f"{floor:,.0f} tokens/s")
    record.add("ragline's share of the floor", f"{ours / floor:.1%}")
    record.figures["encoding"] = {"tokens": tokens, "seconds": taken, "matmul_flops": rate}


def _passages(count: int) -> list[str]:
    """Texts of words of the model's vocabulary, of unequal lengths."""
    chance = np.random.default_rng(7)
    words = np.array(["lamp", "harbour", "engine", "protein", "market", "river", "of", "the", "is"])
    return [" ".join(chance.choice(words, chance.integers(20, _WORDS))) for _ in range(count)]


def _operations(model: Any, length: float) -> float:
    """Floating-point operations for a token: two for each weight of a product, and attention."""
    config = model[0].model.config
    weights = sum(p.numel() for name, p in model.named_parameters() if "embeddings" not in name)
    # Scores and their sums: two products over the length, two operations each.
    return float(2 * weights + 4 * config.num_hidden_layers * config.hidden_size * length)


def _matmul_rate(precision: str) -> float:
    """Operations a second of products of large square matrices, the best of some rounds."""
    import torch

    kind = getattr(torch, precision)
    left, right = (torch.randn(_MATRIX, _MATRIX, device="cuda", dtype=kind) for _ in range(2))

    def multiply() -> float:
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(_PRODUCTS):
            torch.mm(left, right)
        torch.cuda.synchronize()
        return time.perf_counter() - start

    multiply()
    return 2.0 * _MATRIX**3 * _PRODUCTS / min(multiply() for _ in range(_REPEATS))


def _measure_search(record: Record) -> None:
    """Exhaustive search for a question alone and for many, on the GPU and on the processor."""
    import faiss

    if not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus():
        record.add("faiss on the GPU", "not measured: faiss-gpu is not installed (extra 'gpu')")
        return
    for size in _QUICK_SIZES if record.quick else _SIZES:
        index = _index(size)
        copy = on_gpu(index, "cuda")
        questions = index.reconstruct_n(0, _QUESTIONS)
        times = {"processor": _search_ms(index, questions), "GPU": _search_ms(copy, questions)}
        for name, (one, many) in times.items():
            what = f"{size:,} vectors, {name}"
            record.add(f"{what}: one question", f"{one:.2f} ms")
            record.add(f"{what}: {_QUESTIONS} together, each", f"{many:.3f} ms")
        gained = times["processor"][0] / times["GPU"][0]
        record.add(f"{size:,} vectors: the GPU is faster by", f"{gained:.1f}")
        same = _agreement(index, copy, questions)
        record.add(f"{size:,} vectors: the same {_K} found", f"{same:.3f}")
        record.figures[f"{size} vectors"] = times
        del copy


def _index(size: int) -> Any:
    """Random unit vectors in half precision, as an index holds them."""
    import faiss

    index = faiss.IndexScalarQuantizer(
        _DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    chance = np.random.default_rng(3)
    for start in range(0, size, _BLOCK):
        block = chance.standard_normal((min(_BLOCK, size - start), _DIMENSION), dtype=np.float32)
        index.add(block / np.linalg.norm(block, axis=1, keepdims=True))
    return index


def _search_ms(index: Any, questions: Any) -> tuple[float, float]:
    """Milliseconds of one question alone, and of each where all are asked together."""
    few: list[Callable[[], object]] = [
        partial(index.search, questions[n : n + 1], _K) for n in range(_REPEATS + 1)
    ]
    alone = [seconds(call) for call in few][1:]
    together = [seconds(partial(index.search, questions, _K)) for _ in range(_REPEATS)]
    return median(alone) * 1e3, median(together) * 1e3 / len(questions)


def _agreement(index: Any, copy: Any, questions: Any) -> float:
    """The share of what the one finds that the other finds too."""
    found = [one.search(questions, _K)[1] for one in (index, copy)]
    shared = [len(set(a) & set(b)) for a, b in zip(*map(np.ndarray.tolist, found), strict=True)]
    return sum(shared) / (len(questions) * _K)


if __name__ == "__main__":
    measure(arguments(__doc__))

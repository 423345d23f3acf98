"""What runs the encoder: torch, OpenVINO and ONNX Runtime on the same passages of one processor.

All take turns, and so does a product of two matrices in float32, which tells what the processor
could do at most in that minute.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import documents
from benchmarks.record import Record
from benchmarks.timing import interleaved, spread
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.loading import silence
from rag.models import find_model
from rag.protocols import Vectors
from rag.runtime.processor import Declared, processor

_MODEL = "all-MiniLM-L6-v2"
_REFERENCE = "sentence-transformers"
_QUESTION = "When does the last ferry of the day leave for the island?"
_PASSAGES, _QUICK_PASSAGES = 256, 32
_ROUNDS, _QUICK_ROUNDS = 5, 2
_SIDE = 2_048
# Products of numbers for each token of all-MiniLM-L6-v2: those of its 6 layers' matrices, twice
# as there is an addition for each; attention comes on top, by the length of the text.
_LAYERS, _WIDTH = 6, 384

Encode = Callable[[Sequence[str]], Vectors]


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    record = Record("runtime", f"Encoding on the processor: {_MODEL}", given.quick)
    texts = _texts(source, _QUICK_PASSAGES if given.quick else _PASSAGES)
    rounds = _QUICK_ROUNDS if given.quick else _ROUNDS
    with TemporaryDirectory(prefix="ragline-") as place:
        encoders = _encoders(Path(place))
        _measure_passages(record, encoders, texts, rounds)
        _measure_questions(record, encoders, rounds)
    record.write()


def _texts(source: Path, count: int) -> list[str]:
    return [f"{one['title']}\n{one['text']}" for one in islice(documents(source), count)]


def _encoders(place: Path) -> dict[str, Encode]:
    encoders = {_REFERENCE: _sentence_transformers()}
    declared: list[Declared] = ["float32", "int8"]
    declared += ["bfloat16"] if "bf16" in processor().features else []
    for dtype in declared:
        encoder = SentenceTransformersEncoder(model=_MODEL, dtype=dtype, runtime="openvino")
        encoders[f"openvino {dtype}"] = encoder.encode_passages
    if find_spec("onnxruntime") is not None and find_spec("onnx") is not None:
        encoders["onnxruntime float32"] = _onnxruntime(place / "model.onnx")
    return encoders


def _library() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(find_model(_MODEL).folder), device="cpu", local_files_only=True)


def _sentence_transformers() -> Encode:
    model = _library()
    return lambda texts: model.encode(list(texts), show_progress_bar=False)


def _onnxruntime(path: Path) -> Encode:
    """The same model as ONNX, in batches of 8 by length: what was quickest of 4, 8, 16 and 32."""
    import onnxruntime
    import torch

    model = _library()
    names = ["input_ids", "attention_mask", "token_type_ids"]

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(self, *given: Any) -> Any:
            return self.parts(dict(zip(names, given, strict=True)))["sentence_embedding"]

    examples = model.preprocess(["a lamp and a ferry", "oil"])
    axes = {name: {0: "row", 1: "token"} for name in names}
    with silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Whole().eval(), tuple(examples[name] for name in names), path, input_names=names,
            output_names=["vectors"], dynamic_axes={**axes, "vectors": {0: "row"}},
            opset_version=17, dynamo=False,
        )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def encode(texts: Sequence[str]) -> Vectors:
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        vectors = np.empty((len(texts), _WIDTH), np.float32)
        for start in range(0, len(order), 8):
            some = order[start : start + 8]
            features = model.preprocess([texts[at] for at in some])
            feed = {name: features[name].numpy() for name in names}
            vectors[some] = session.run(["vectors"], feed)[0]
        return vectors

    return encode


def _measure_passages(
    record: Record, encoders: dict[str, Encode], texts: Sequence[str], rounds: int
) -> None:
    made = {name: encode(texts) for name, encode in encoders.items()}
    square = np.random.default_rng(1).normal(size=(_SIDE, _SIDE)).astype(np.float32)
    calls: dict[str, Callable[[], object]] = {
        name: (lambda encode=encode: encode(texts)) for name, encode in encoders.items()
    }
    times = interleaved({**calls, "sgemm": lambda: square @ square}, rounds)
    peak = 2 * _SIDE**3 / min(times["sgemm"]) / 1e9
    record.add("peak: product of float32 matrices", f"{peak:.0f} GFLOPS")
    work = _operations(texts) / 1e9
    for name in encoders:
        speed = spread([len(texts) / one for one in times[name]])
        reached = work / min(times[name])
        cosine = float((made[name] * made[_REFERENCE]).sum(axis=1).min())
        told = f"{speed.text('passages/s', 1)}, {reached:.0f} GFLOPS, {reached / peak:.0%} of it"
        record.add(f"passages: {name}", f"{told}, lowest cosine {cosine:.5f}")
        record.figures[name] = {
            "passages_per_second": speed.median,
            "gflops": reached,
            "of_peak": reached / peak,
            "lowest_cosine": cosine,
        }
    record.figures["peak_gflops"] = peak


def _measure_questions(record: Record, encoders: dict[str, Encode], rounds: int) -> None:
    calls: dict[str, Callable[[], object]] = {
        name: (lambda encode=encode: [encode([_QUESTION]) for _ in range(20)])
        for name, encode in encoders.items()
    }
    for name, times in interleaved(calls, rounds).items():
        each = spread([one / 20 * 1_000 for one in times])
        record.add(f"one question: {name}", each.text("ms"))
        record.figures[name]["question_ms"] = each.median


def _operations(texts: Sequence[str]) -> float:
    """Additions and products that the passages take at least, without padding."""
    tokenizer = SentenceTransformersEncoder(model=_MODEL).tokenizer
    lengths = np.minimum(np.array(tokenizer.lengths(texts)) + 2, tokenizer.limit + 2)
    matrices = _LAYERS * 12 * _WIDTH**2
    attention = _LAYERS * 2 * _WIDTH * lengths
    return float((2 * lengths * (matrices + attention)).sum())


if __name__ == "__main__":
    measure(arguments(__doc__))

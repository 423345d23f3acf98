"""How soon a command has its first result, from the start of its process.

Beside it stand the import of torch, an interpreter that does nothing, and a search that is put
together by hand: sentence-transformers encodes the question, faiss searches a saved index of the
same size. All take turns. Questions are encoded by the real model, and so is nothing else:
vectors of passages are drawn at random, which changes nothing of what a search has to do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.corpus import Corpus
from benchmarks.query import RandomEncoder, Texts
from benchmarks.record import Record
from benchmarks.timing import COMMAND, Spread, interleaved, run, spread
from rag import Rag
from rag.config import load_pipeline
from rag.models import find_model

_TORCH = "import torch"
_NOTHING = "python -c pass"
_QUESTION = "how long is the time of life"
_WORDS = 40
_SIZES, _QUICK_SIZES = (5_000, 100_000), (500, 1_000)
# At most this share of the import of torch, and at least so many times as fast as by hand.
_SHARE, _SEARCH_SHARE, _TIMES = 0.25, 0.7, 6.0
_MODEL = "all-MiniLM-L6-v2"
# Arguments: the model's folder, the faiss index, its texts, the question.
_BY_HAND = """
import json, sys
import faiss
from sentence_transformers import SentenceTransformer
model, index, texts, question = sys.argv[1:]
encoder = SentenceTransformer(model, device="cpu", local_files_only=True)
vectors = encoder.encode([question], normalize_embeddings=True)
scores, found = faiss.read_index(index).search(vectors, 8)
lines = json.load(open(texts))
for score, position in zip(scores[0], found[0]):
    print(f"{score:.4f} {lines[position]}")
"""
# What a search does one thing after the other; each program is the one before and a step more.
_STEPS: Mapping[str, str] = {
    "interpreter": "pass",
    "command line": (
        "from rag.cli.start import prepare; prepare(); import rag.cli.main, rag.cli.search"
    ),
    "pipeline": "from rag.rag import Rag; rag = Rag.open({index!r})",
    "opening the index": "rag.check()",
    "loading the encoder": "rag.encoder.fingerprint, rag.encoder.dimension",
    "searching": "rag.search({question!r})",
}


class StandIn(RandomEncoder):
    """Random vectors in the name of the pipeline's own encoder, which then takes its place."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint


def measure(given: Arguments) -> None:
    record = Record("cold", "Cold start", given.quick)
    sizes = _QUICK_SIZES if given.quick else _SIZES
    with TemporaryDirectory(prefix="ragline-") as place:
        commands = dict(_commands(Path(place), sizes))
        calls = {name: partial(run, command) for name, command in commands.items()}
        times = interleaved(calls, rounds=3 if given.quick else 15)
    taken = {name: spread(seconds) for name, seconds in times.items()}
    for name, one in taken.items():
        record.add(name, one.text("s"))
    _compare(record, taken, sizes)
    _divide(record, taken)
    record.figures = {"seconds": times}
    record.write()


def _compare(record: Record, taken: Mapping[str, Spread], sizes: Sequence[int]) -> None:
    torch = taken[_TORCH].median
    for name in ("rag --help", *(_named("status", size) for size in sizes)):
        _share(record, name, taken[name].median / torch, _SHARE)
    for size in sizes:
        name = _named("search", size)
        _share(record, name, taken[name].median / torch, _SEARCH_SHARE, barred=size == sizes[0])
        times = taken[_by_hand(size)].median / taken[name].median
        record.add(f"{name}: by hand over it", f"{times:.1f}", f">= {_TIMES:g}", times >= _TIMES)


def _share(record: Record, name: str, share: float, most: float, *, barred: bool = True) -> None:
    bar = (f"<= {most}", share <= most) if barred else ()
    record.add(f"{name}: share of {_TORCH}", f"{share:.3f}", *bar)


def _divide(record: Record, taken: Mapping[str, Spread]) -> None:
    """What each step adds. A command does some of them side by side, and is done sooner."""
    first, *rest = _STEPS
    record.add(f"step: {first}", f"{taken[_step(first)].median:.3f} s")
    for before, name in pairwise((first, *rest)):
        added = taken[_step(name)].median - taken[_step(before)].median
        record.add(f"step: {name}", f"{added:.3f} s")


def _commands(folder: Path, sizes: Sequence[int]) -> Iterator[tuple[str, list[str]]]:
    python = sys.executable
    yield _NOTHING, [python, "-c", "pass"]
    yield _TORCH, [python, "-c", _TORCH]
    yield "rag --help", [COMMAND, "--help"]
    for size in sizes:
        texts = list(Corpus().passages(size, _WORDS))
        index = str(_indexed(folder, texts))
        yield _named("status", size), [COMMAND, "status", "--index", index]
        yield _named("search", size), [COMMAND, "search", _QUESTION, "--index", index]
        yield _named("ask", size), [COMMAND, "ask", _QUESTION, "--index", index]
        saved = [str(path) for path in _saved(folder, texts)]
        model = str(find_model(_MODEL).folder)
        yield _by_hand(size), [python, "-c", _BY_HAND, model, *saved, _QUESTION]
    lexical = str(_lexical(folder))
    yield "rag search, bm25 alone", [COMMAND, "search", _QUESTION, "--index", lexical]
    for name, program in _programs(str(folder / str(sizes[0]))):
        yield _step(name), [python, "-c", program]


def _programs(index: str) -> Iterator[tuple[str, str]]:
    lines: list[str] = []
    for name, line in _STEPS.items():
        lines.append(line.format(index=index, question=_QUESTION))
        yield name, "\n".join(lines)


def _named(command: str, size: int) -> str:
    return f"rag {command}, {size:,} passages"


def _by_hand(size: int) -> str:
    return f"by hand, {size:,} passages"


def _step(name: str) -> str:
    return f"steps up to: {name}"


def _indexed(folder: Path, texts: Sequence[str]) -> Path:
    """An index of short passages for both arms."""
    pipeline = load_pipeline("hybrid")
    assert pipeline.encode is not None
    encoder = StandIn(pipeline.encode.build().fingerprint)
    place = folder / str(len(texts))
    with Rag.open(place, pipeline=pipeline, encoder=encoder) as rag:
        rag.index(Texts(texts))
    return place


def _saved(folder: Path, texts: Sequence[str]) -> tuple[Path, Path]:
    """What a search put together by hand reads: vectors as faiss keeps them, and texts."""
    import faiss

    size = len(texts)
    vectors = np.random.default_rng(0).standard_normal((size, RandomEncoder.dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(RandomEncoder.dimension)
    index.add(vectors)
    paths = folder / f"{size}.faiss", folder / f"{size}.json"
    faiss.write_index(index, str(paths[0]))
    paths[1].write_text(json.dumps(texts))
    return paths


def _lexical(folder: Path) -> Path:
    source = folder / "documents"
    Corpus().write(source, size=20_000, file_size=1_000)
    with Rag.open(folder / "bm25", pipeline="bm25") as rag:
        rag.index(source)
    return folder / "bm25"


if __name__ == "__main__":
    measure(arguments(__doc__))

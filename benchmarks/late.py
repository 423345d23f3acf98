"""Late chunking on sentences that don't stand alone: those of abstracts, found by their titles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from rag.chunk.late import LateChunker
from rag.chunk.sentence import SentenceChunker
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.protocols import Vectors
from rag.types import Document, Passage

_TOKENS = 512
_TOP = 5
_QUICK = 20
# Before the first title stand two lines, and this before the title itself.
_HEAD, _GLUED = 2, "Subscribe"


def measure(given: Arguments) -> None:
    found = sorted((given.data.parent / "seeds").glob("*.txt"))
    if not found:
        print("skipped: no abstracts in the folder 'seeds' beside the data folder")
        return
    titles, documents = abstracts(found[0], _QUICK if given.quick else None)
    encoder = SentenceTransformersEncoder(max_tokens=_TOKENS)
    chunker = LateChunker(boundaries=SentenceChunker())
    cut = [(one, list(chunker.chunk(one, encoder.tokenizer))) for one in documents]
    owners = np.repeat(np.arange(len(cut)), [len(passages) for _, passages in cut])
    late = np.concatenate(list(chunker.encode(cut, encoder)))
    plain = encoder.encode_passages([one.indexed for _, passages in cut for one in passages])
    queries = encoder.encode_queries(titles)
    record = Record("late", f"Late chunking: sentences of {len(cut)} abstracts", given.quick)
    _add_found(record, "late", share(queries, late, owners), 0.55, above=True)
    _add_found(record, "alone", share(queries, plain, owners), 0.45, above=False)
    for label, vectors in (("late", late), ("alone", plain)):
        value = first_rank(queries, vectors, owners)
        record.add(f"MRR of the right abstract, by its best sentence, {label}", f"{value:.3f}")
    _add_exact(record, encoder, chunker, documents, cut)
    record.write()


def abstracts(path: Path, count: int | None = None) -> tuple[list[str], list[Document]]:
    """Titles and abstracts, which stand on alternating lines."""
    lines = path.read_text(encoding="utf-8").splitlines()[_HEAD:]
    titles = [title.removeprefix(_GLUED) for title in lines[::2]][:count]
    return titles, [Document(str(n), path.name, text) for n, text in enumerate(lines[1::2][:count])]


def share(queries: Vectors, vectors: Vectors, owners: np.ndarray) -> float:
    """The mean share of the passages that are nearest to a query which are of its own document."""
    nearest = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :_TOP]
    return float((owners[nearest] == np.arange(len(queries))[:, None]).mean())


def first_rank(queries: Vectors, vectors: Vectors, owners: np.ndarray) -> float:
    """The mean reciprocal rank of each query's own document, ranked by its nearest passage."""
    starts = np.searchsorted(owners, np.arange(len(queries)))
    best = np.maximum.reduceat(queries @ vectors.T, starts, axis=1)
    return float((1 / (best >= best.diagonal()[:, None]).sum(axis=1)).mean())


def _add_found(record: Record, label: str, value: float, bar: float, *, above: bool) -> None:
    what = f"share of the top {_TOP} from the right abstract, {label}"
    sign, holds = ("≥", value >= bar) if above else ("≤", value <= bar)
    record.add(what, f"{value:.3f}", f"{sign} {bar:.2f}", holds)
    record.figures[label] = value


def _add_exact(
    record: Record,
    encoder: SentenceTransformersEncoder,
    chunker: LateChunker,
    documents: Sequence[Document],
    cut: Sequence[tuple[Document, Sequence[Passage]]],
) -> None:
    """What must hold to the last digit, and to the last bit."""
    whole = [(one, [Passage(one.id, 0, len(one.text), one.text)]) for one in documents[:_QUICK]]
    pooled = np.concatenate(list(chunker.encode(whole, encoder)))
    plain = encoder.encode_passages([one.text for one, _ in whole])
    apart = float(np.abs(pooled - plain).max())
    record.add("one passage of the whole text, against plain encoding", f"{apart:.1e}",
               "≤ 1e-5", apart <= 1e-5)  # fmt: skip
    together = list(chunker.encode(cut[:_QUICK], encoder))
    alone = [next(chunker.encode([entry], encoder)) for entry in cut[:_QUICK]]
    same = all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))
    record.add("vectors of a document alone and among others", "same bits" if same else "differ",
               "same bits", same)  # fmt: skip


if __name__ == "__main__":
    measure(arguments(__doc__))

"""Memory and speed of indexing: it must not grow with the corpus."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.corpus import Corpus
from benchmarks.record import Record
from benchmarks.timing import COMMAND, Ran, run

# Parts of the corpus in MB; sizes are indexed as their sums: 50, 100 and 200.
_PARTS = (50, 50, 100)
_QUICK_PARTS = (2, 2, 4)
_MOST = 1.5e9
_GROWTH = 1.15


def measure(given: Arguments) -> None:
    record = Record("memory", "Memory of indexing: preset bm25", given.quick)
    parts = _QUICK_PARTS if given.quick else _PARTS
    with TemporaryDirectory(prefix="ragline-") as place:
        ran = _index_growing(Path(place), parts)
    first, last = min(ran), max(ran)
    for size, one in ran.items():
        barred = (f"<= {_MOST / 1e9} GB", one.peak <= _MOST) if size == last else ()
        record.add(f"{size} MB: peak memory", f"{one.peak / 1e9:.3f} GB", *barred)
    growth = ran[last].peak / ran[first].peak
    record.add(
        f"peak of {last} MB over that of {first} MB",
        f"{growth:.3f}",
        f"<= {_GROWTH}",
        growth <= _GROWTH,
    )
    for size, one in ran.items():
        record.add(f"{size} MB: speed", f"{size / one.seconds:.2f} MB/s")
        record.figures[f"{size} MB"] = {"seconds": one.seconds, "peak_bytes": one.peak}
    record.write()


def _index_growing(folder: Path, parts: tuple[int, ...]) -> dict[int, Ran]:
    """Runs of `rag index` on the first part, the first two, and so on, by size in MB."""
    corpus = Corpus()
    sources = [folder / f"part{number}" for number in range(len(parts))]
    for source, size in zip(sources, parts, strict=True):
        corpus.write(source, size * 1_000_000)
    ran = {}
    for count in range(1, len(parts) + 1):
        options = ["--pipeline", "bm25", "--index", str(folder / f"index{count}")]
        ran[sum(parts[:count])] = run([COMMAND, "index", *sources[:count], *options])
    return ran


if __name__ == "__main__":
    measure(arguments(__doc__))

"""Text of PDF files: as fast as pypdf how many times, and with how much of the same text.

Both read the same pages in turns, within one run, and change places from round to round. Both
work in one thread: their processor time is compared, and of that each one's fastest round, so
that other work of the machine disturbs as little as can be.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time

from benchmarks.arguments import Arguments, arguments
from benchmarks.record import Record
from rag.connectors.formats.pdf import PdfFormat

_ROUNDS = 7
_BAR = 8.0

Read = Callable[[bytes], str]


def measure(given: Arguments) -> None:
    folder = given.financebench()
    if folder is None:
        return
    record = Record("pdf", "Text of PDF files: FinanceBench, against pypdf", given.quick)
    paths = sorted((folder / "pdfs").glob("*.pdf"))
    totals = dict.fromkeys(_READERS, 0.0)
    found = {path.stem: _compared(path, 1 if given.quick else _ROUNDS) for path in paths}
    for name, figures in found.items():
        for reader in _READERS:
            totals[reader] += figures[reader]
        record.add(f"{name}, {figures['pages']:.0f} pages", _shown(figures))
        record.figures[name] = figures
    ratio = totals["pypdf"] / totals["ragline"]
    record.add("all files: times as fast as pypdf", f"{ratio:.1f}", f">= {_BAR:.0f}", ratio >= _BAR)
    for of, by in (("pypdf", "ragline"), ("ragline", "pypdf")):
        least = min(figures[f"share of {of}"] for figures in found.values())
        record.add(f"characters of {of} that {by} has, in the file with fewest", f"{least:.2%}")
    record.figures["ratio"] = ratio
    record.write()


def _compared(path: Path, rounds: int) -> Mapping[str, float]:
    """Seconds of the fastest round of each reader, and the shares of characters in common."""
    data = path.read_bytes()
    times: dict[str, list[float]] = {name: [] for name in _READERS}
    texts = {name: read(data) for name, read in _READERS.items()}  # and modules are loaded
    order = list(_READERS)
    for _ in range(rounds):
        for name in order:
            start = process_time()
            _READERS[name](data)
            times[name].append(process_time() - start)
        order.reverse()
    fastest = {name: min(taken) for name, taken in times.items()}
    ours, theirs = (_visible(texts[name]) for name in ("ragline", "pypdf"))
    common = (ours & theirs).total()
    return {
        **fastest,
        "ratio": fastest["pypdf"] / fastest["ragline"],
        "pages": float(_pages(data)),
        "share of pypdf": common / theirs.total(),
        "share of ragline": common / ours.total(),
    }


def _shown(figures: Mapping[str, float]) -> str:
    return (
        f"{figures['ratio']:.1f} times as fast "
        f"({figures['ragline'] * 1000:.0f} ms, pypdf {figures['pypdf'] * 1000:.0f} ms)"
    )


def _ragline(data: bytes) -> str:
    return PdfFormat().parse(data, "benchmark.pdf").text


def _pypdf(data: bytes) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def _pages(data: bytes) -> int:
    from pypdf import PdfReader

    return len(PdfReader(io.BytesIO(data)).pages)


def _visible(text: str) -> Counter[str]:
    """How often each character comes; spaces are a matter of layout, and bars part our cells."""
    return Counter(character for character in text if not character.isspace() and character != "|")


_READERS: Mapping[str, Read] = {"ragline": _ragline, "pypdf": _pypdf}


if __name__ == "__main__":
    measure(arguments(__doc__))

"""The store at ten thousand, a hundred thousand and a million passages.

Documents and vectors are made as they are needed (`benchmarks.synthetic`), so that all time is
that of the engine. Each step has a process of its own.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.arguments import parser
from benchmarks.plots import Lines, plot
from benchmarks.record import Record
from benchmarks.synthetic import DIMENSION
from benchmarks.timing import run

_SIZES = (10_000, 100_000, 1_000_000)
_QUICK_SIZES = (2_000, 5_000)
_ARMS = ("bm25", "dense", "hybrid")
_VECTOR_BYTES = 2 * DIMENSION
_MOST_SHARE, _MOST_PEAK, _MOST_RSS, _MOST_TIMES = 0.01, 4e9, 2.5e9, 1.3
_MOST_RSS_ON_DISK = 0.5e9
_MOST_MS, _LEAST_RECALL = 15.0, 0.98
_ON_DISK = "two-tier"
_PLOT = "scale.svg"
_STEP = "benchmarks.scale_step"


def measure(*, quick: bool, sizes: tuple[int, ...], kind: str) -> None:
    record = Record("scale", "Scale: from ten thousand passages to a million", quick)
    record.figures["kind"] = kind
    found: dict[int, dict[str, Any]] = {}
    for size in sizes:
        with TemporaryDirectory(prefix="ragline-") as place:
            found[size] = _steps(Path(place) / ".rag", size, kind, last=size == sizes[-1])
        _add(record, size, found[size], last=size == sizes[-1])
    if len(found) > 1:
        _add_growth(record, found)
        series = {
            arm: [(size, one["query"][arm]["p50_ms"]) for size, one in found.items()]
            for arm in _ARMS
        }
        panel = Lines("query time", "passages", "ms, p50", series, log_x=True, log_y=True)
        if drawn := plot(record.folder / _PLOT, [panel]):
            record.plots.append(drawn.name)
    record.figures["sizes"] = {f"{size}": one for size, one in found.items()}
    record.write()


def _steps(folder: Path, size: int, kind: str, *, last: bool) -> dict[str, Any]:
    steps = ("build", "disk", "query", "add", "remove")
    found = {step: _ran(step, folder, size, kind) for step in steps}
    if last and kind != _ON_DISK:
        found["change"] = _ran("change", folder, size, _ON_DISK)
        found["on disk"] = _ran("query", folder, size, _ON_DISK)
    return found


def _ran(step: str, folder: Path, size: int, kind: str) -> dict[str, Any]:
    ran = run([sys.executable, "-m", _STEP, step, folder, str(size), "--dense", kind])
    return {**json.loads(ran.stdout), "peak": ran.peak}


def _add(record: Record, size: int, found: dict[str, Any], *, last: bool) -> None:
    name, built, asked = f"{size:,}", found["build"], found["query"]
    passages = built["passages"]
    record.add(f"{name}: build", f"{built['seconds']:.0f} s, {passages / built['seconds']:,.0f}/s")
    _barred(record, f"{name}: peak memory of the build", built["peak"], _MOST_PEAK, "GB", 1e9)
    share = found["add"]["seconds"] / built["seconds"]
    shown = f"{found['add']['seconds']:.2f} s, {share:.2%} of the build"
    # In a small index it is what a commit costs at least.
    bar = (f"<= {_MOST_SHARE:.0%}", share <= _MOST_SHARE) if last else ()
    record.add(f"{name}: 1,000 passages more", shown, *bar)
    record.add(f"{name}: 1,000 passages removed", f"{found['remove']['seconds']:.2f} s")
    raw = built["characters"] / passages + _VECTOR_BYTES
    taken = found["disk"]["bytes"] / passages
    record.add(
        f"{name}: bytes on disk for a passage",
        f"{taken:,.0f}, {taken / raw:.2f} times text and vector",
        f"<= {_MOST_TIMES}",
        taken / raw <= _MOST_TIMES,
    )
    _add_query(record, name, asked, record.figures["kind"], last=last)
    if "on disk" in found:
        record.add(f"{name}: made anew as {_ON_DISK}", f"{found['change']['seconds']:.0f} s")
        _add_query(record, f"{name}, {_ON_DISK}", found["on disk"], _ON_DISK, last=False)


def _add_query(record: Record, name: str, asked: dict[str, Any], kind: str, *, last: bool) -> None:
    record.add(f"{name}: opening, with the first question", f"{asked['opening']:.2f} s")
    for arm in _ARMS:
        middle, slow = asked[arm]["p50_ms"], asked[arm]["p95_ms"]
        barred = last and arm == "hybrid"
        bar = (f"<= {_MOST_MS:.0f} ms", middle <= _MOST_MS) if barred else ()
        record.add(f"{name}: {arm}", f"p50 {middle:.1f} ms, p95 {slow:.1f} ms", *bar)
    if codes := asked["codes"]:
        shown = f"{codes / 1e6:.0f} MB, which all cores read in {asked['reading_ms']:.1f} ms"
        record.add(f"{name}: codes of vectors", shown)
    recall = asked["recall"]
    bar = (f">= {_LEAST_RECALL}", recall >= _LEAST_RECALL) if last else ()
    record.add(f"{name}: recall@10 of dense", f"{recall:.3f}", *bar)
    most = _MOST_RSS_ON_DISK if kind == _ON_DISK else _MOST_RSS
    _barred(record, f"{name}: memory after 200 questions", asked["rss"], most, "GB", 1e9)
    record.add(f"{name}: of it not mapped from files", f"{asked['own'] / 1e9:.2f} GB")


def _barred(record: Record, what: str, value: float, most: float, unit: str, scale: float) -> None:
    shown, bar = f"{value / scale:.2f} {unit}", f"<= {most / scale:g} {unit}"
    record.add(what, shown, bar, value <= most)


def _add_growth(record: Record, found: dict[int, dict[str, Any]]) -> None:
    """Query time grows as a power of the size: below 1 is sub-linear."""
    first, last = min(found), max(found)
    for arm in _ARMS:
        before, after = (found[size]["query"][arm]["p50_ms"] for size in (first, last))
        power = math.log(after / before) / math.log(last / first)
        record.add(f"growth of {arm} with the size", f"n^{power:.2f}", "< n^1", power < 1)


def main() -> None:
    taken = parser(__doc__)
    taken.add_argument("--sizes", type=int, nargs="+", help="passages (default: all three)")
    taken.add_argument("--dense", default="auto", help="kind of dense index (default: auto)")
    given = taken.parse_args()
    sizes = tuple(given.sizes or (_QUICK_SIZES if given.quick else _SIZES))
    measure(quick=given.quick, sizes=sizes, kind=given.dense)


if __name__ == "__main__":
    main()

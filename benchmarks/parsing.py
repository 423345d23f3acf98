"""How fast files are parsed in worker processes: two against one, and against none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from statistics import median

from benchmarks.arguments import Arguments, arguments
from benchmarks.files import mixed
from benchmarks.record import Record
from benchmarks.timing import interleaved, seconds, spread
from rag.connectors.formats.catalogue import by_extension, extension
from rag.connectors.formats.format import Format, Parse
from rag.connectors.parsing.here import parse_here
from rag.connectors.parsing.pool import ParserPool
from rag.prefetch import prefetch
from rag.types import Document, Item

_FILES = 500
_ROUNDS = 5
_STARTS = 10
_FASTER = 1.7
_SLOWEST_START = 0.25
_AHEAD = 16
_MOST_BYTES = 64_000_000
_TINY = 200


def measure(given: Arguments) -> None:
    count, rounds, starts = (40, 1, 2) if given.quick else (_FILES, _ROUNDS, _STARTS)
    record = Record("parsing", f"Parsing in worker processes: {count} mixed files", given.quick)
    readers = by_extension()
    files = list(mixed(count, set(readers)))
    size = sum(len(data) for _, data in files)
    kinds = Counter(extension(name) for name, _ in files)
    record.add("files", f"{size / 1e6:.1f} MB: {', '.join(sorted(kinds))}")
    items = [(readers[extension(name)], data, name) for name, data in files]
    with ParserPool(workers=1) as one, ParserPool(workers=2) as two:
        ways: dict[str, Callable[[], list[str]]] = {
            "in this process": partial(_read, parse_here, items, 0),
            "1 worker": partial(_read, one.parse, items, 1),
            "2 workers": partial(_read, two.parse, items, 2),
        }
        same = len({tuple(read()) for read in ways.values()}) == 1
        times = interleaved(ways, rounds)
        overhead = _overhead(one)
    for name, taken in times.items():
        record.add(name, spread(taken).text("s"))
    ratios = [a / b for a, b in zip(times["1 worker"], times["2 workers"], strict=True)]
    ratio = median(ratios)
    bar = f">= {_FASTER}"
    record.add("2 workers against 1", spread(ratios).text("times"), bar, ratio >= _FASTER)
    plain = [a / b for a, b in zip(times["in this process"], times["2 workers"], strict=True)]
    record.add("2 workers against this process", spread(plain).text("times"))
    record.add("documents are the same", "yes" if same else "no", "yes", same)
    started = [_start() for _ in range(starts)]
    record.add(
        "start of a worker, to its first text",
        spread(started).text("s", 3),
        f"<= {_SLOWEST_START} s",
        median(started) <= _SLOWEST_START,
    )
    record.add("a worker's cost for each file", f"{overhead * 1000:.2f} ms")
    record.figures = {"files": dict(kinds), "bytes": size, "seconds": times, "starts": started}
    record.write()


def _read(parse: Parse, items: list[tuple[Format, bytes, str]], workers: int) -> list[str]:
    """The hash of every document, as the engine reads them: ahead, where there are workers."""
    listed = (Item(one[2], one[2], "1", partial(_load, parse, *one), len(one[1])) for one in items)
    if not workers:
        return [item.load().content_hash for item in listed]
    # A thread more than workers, so that none waits for what becomes of its last file.
    ahead = prefetch(listed, workers=workers + 1, ahead=_AHEAD, most_bytes=_MOST_BYTES)
    return [item.load().content_hash for item in ahead if isinstance(item, Item)]


def _load(parse: Parse, reader: Format, data: bytes, name: str) -> Document:
    parsed = parse(reader, data, name)
    return Document(name, name, parsed.text, parsed.title, parsed.blocks, parsed.metadata)


def _start() -> float:
    reader = by_extension()[".txt"]
    started = time.perf_counter()
    with ParserPool(workers=1) as pool:
        pool.parse(reader, b"text", "a.txt")
        return time.perf_counter() - started


def _overhead(pool: ParserPool) -> float:
    """Seconds that a file of one word takes longer in a worker."""
    reader = by_extension()[".txt"]
    there, here = (
        min(seconds(lambda p=parse: p(reader, b"text", "a.txt")) for _ in range(_TINY))
        for parse in (pool.parse, parse_here)
    )
    return there - here


if __name__ == "__main__":
    measure(arguments(__doc__))

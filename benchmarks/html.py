"""Main content of web pages: precision and recall of words on twenty page layouts.

The layouts in `tests/connectors/layouts` were written by hand, each with the words of its
content beside it, before the rules were; those in `layouts_unseen` were written after them,
and no rule was changed for them. Trafilatura is measured too where it is installed.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.record import Record
from rag.connectors.formats.html import HtmlFormat

LAYOUTS = CHECKOUT / "tests" / "connectors" / "layouts"
UNSEEN = LAYOUTS.with_name("layouts_unseen")
_BAR = 0.9
_ROUNDS = 20


class Score(NamedTuple):
    """Shares of words: of those read that are content, and of the content that were read."""

    precision: float
    recall: float


def layouts(folder: Path = LAYOUTS) -> Iterator[tuple[Path, str]]:
    """Each page, and the text of its content."""
    for path in sorted(folder.glob("*.html")):
        yield path, path.with_suffix(".txt").read_text(encoding="utf-8")


def score(found: str, expected: str) -> Score:
    """Words as often as they occur, without regard to order."""
    read, wanted = _words(found), _words(expected)
    shared = (read & wanted).total()
    return Score(shared / read.total() if read else 0.0, shared / wanted.total())


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.casefold()))


def _ours(data: bytes) -> str:
    return HtmlFormat().parse(data, "page.html").text


def _trafilatura(data: bytes) -> str:
    extract = import_module("trafilatura").extract
    return extract(data.decode(), include_comments=False, include_tables=True) or ""


def _readers() -> dict[str, Callable[[bytes], str]]:
    found: dict[str, Callable[[bytes], str]] = {"ragline": _ours}
    with suppress(PackageNotFoundError):
        found[f"trafilatura {version('trafilatura')}"] = _trafilatura
    return found


def measure(given: Arguments) -> None:
    record = Record("html", "Main content of web pages: 20 layouts", given.quick)
    for name, read in _readers().items():
        ours = name == "ragline"
        scores = _scores(read, LAYOUTS)
        for measure_name, value in _means(scores).items():
            bar, holds = (f">= {_BAR}", value >= _BAR) if ours else ("", None)
            record.add(f"{name}: mean {measure_name}", f"{value:.3f}", bar, holds)
        unseen = _scores(read, UNSEEN)
        shown = ", ".join(f"{key} {value:.3f}" for key, value in _means(unseen).items())
        record.add(f"{name}: means of 5 layouts written after the rules", shown)
        record.add(f"{name}: time for a page", f"{1000 * _seconds(read, given):.2f} ms")
        if ours:
            for page, one in scores.items():
                record.add(page, f"precision {one.precision:.3f}, recall {one.recall:.3f}")
        everything = {**scores, **{f"unseen/{page}": one for page, one in unseen.items()}}
        record.figures[name] = {page: one._asdict() for page, one in everything.items()}
    record.write()


def _scores(read: Callable[[bytes], str], folder: Path) -> dict[str, Score]:
    return {path.stem: score(read(path.read_bytes()), text) for path, text in layouts(folder)}


def _means(scores: dict[str, Score]) -> dict[str, float]:
    columns = zip(*scores.values(), strict=True)
    return {
        name: sum(column) / len(scores) for name, column in zip(Score._fields, columns, strict=True)
    }


def _seconds(read: Callable[[bytes], str], given: Arguments) -> float:
    pages = [path.read_bytes() for path, _ in layouts()]
    rounds = 1 if given.quick else _ROUNDS
    started = time.perf_counter()
    for _ in range(rounds):
        for page in pages:
            read(page)
    return (time.perf_counter() - started) / (rounds * len(pages))


if __name__ == "__main__":
    measure(arguments(__doc__))

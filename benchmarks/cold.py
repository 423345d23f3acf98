"""How soon a command that needs no model is done, beside the import of torch."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.corpus import Corpus
from benchmarks.record import Record
from benchmarks.timing import COMMAND, interleaved, run, spread
from rag import Rag

_REFERENCE = "import torch"
_BAR = 0.25
_BARRED = ("rag --help", "rag status")


def measure(given: Arguments) -> None:
    record = Record("cold", "Cold start", given.quick)
    with TemporaryDirectory(prefix="ragline-") as place:
        commands = _commands(Path(place))
        calls = {name: partial(run, command) for name, command in commands.items()}
        times = interleaved(calls, rounds=3 if given.quick else 15)
    reference = spread(times[_REFERENCE])
    record.add(_REFERENCE, reference.text("s"))
    for name, taken in times.items():
        if name == _REFERENCE:
            continue
        ratio = spread(taken).median / reference.median
        record.add(name, spread(taken).text("s"))
        barred = (f"<= {_BAR}", ratio <= _BAR) if name in _BARRED else ()
        record.add(f"{name}: share of {_REFERENCE}", f"{ratio:.3f}", *barred)
    record.figures = {"seconds": times}
    record.write()


def _commands(folder: Path) -> dict[str, list[str]]:
    source, hybrid, lexical = folder / "documents", folder / "hybrid", folder / "bm25"
    Corpus().write(source, size=20_000, file_size=1_000)
    for place in (hybrid, lexical):
        rag = Rag.open(place, pipeline=place.name)
        rag.index(source)
        rag.close()
    return {
        _REFERENCE: [sys.executable, "-c", _REFERENCE],
        "python": [sys.executable, "-c", "pass"],
        "rag --help": [COMMAND, "--help"],
        "rag status": [COMMAND, "status", "--index", str(hybrid)],
        "rag search (bm25)": [COMMAND, "search", "time and life", "--index", str(lexical)],
    }


if __name__ == "__main__":
    measure(arguments(__doc__))

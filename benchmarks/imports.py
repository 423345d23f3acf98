"""What a backend pays for importing ragline, beside an interpreter that does nothing."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.corpus import Corpus
from benchmarks.record import Record
from benchmarks.timing import interleaved, run, spread
from rag import Rag

_NOTHING = "python -c pass"
_BAR = 0.15
_BARRED = ("import rag", "from rag import Rag")


def measure(given: Arguments) -> None:
    record = Record("imports", "Importing ragline in a backend", given.quick)
    with TemporaryDirectory(prefix="ragline-") as place:
        statements = _statements(Path(place))
        calls = {
            name: partial(run, [sys.executable, "-c", statement])
            for name, statement in statements.items()
        }
        runs = interleaved(calls, rounds=3 if given.quick else 20)
    nothing = spread(runs[_NOTHING])
    record.add(_NOTHING, nothing.text("s", 3))
    for name, seconds in runs.items():
        if name == _NOTHING:
            continue
        taken = spread(seconds)
        over, best = taken.median - nothing.median, taken.low - nothing.low
        bar = (f"<= {_BAR * 1000:.0f} ms", over <= _BAR) if name in _BARRED else ()
        record.add(
            f"{name}: beyond {_NOTHING}", f"{over * 1000:.0f} ms (best {best * 1000:.0f})", *bar
        )
        record.figures[name] = {"median": over, "best": best}
    record.figures["seconds"] = runs
    record.write()


def _statements(folder: Path) -> dict[str, str]:
    source, index = folder / "documents", folder / "index"
    Corpus().write(source, size=20_000, file_size=1_000)
    with Rag.open(index, pipeline="bm25") as rag:
        rag.index(source)
    return {
        _NOTHING: "pass",
        "import rag": "import rag",
        "from rag import Rag": "from rag import Rag",
        "Rag.open": f"from rag import Rag; Rag.open({str(index)!r})",
        "Rag.open and search": f"from rag import Rag; Rag.open({str(index)!r}).search('time')",
    }


if __name__ == "__main__":
    measure(arguments(__doc__))

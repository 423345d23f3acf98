"""What indexing costs beside encoding, and what an index run costs when little has changed.

The encoder's own time is what it takes for the same passages when nothing else is done: one call
with all of them, right after the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import Arguments, arguments
from benchmarks.collection import write_files
from benchmarks.record import Record
from benchmarks.timing import COMMAND, Ran, Spread, interleaved, run, seconds, spread
from rag import Rag
from rag.config import load_pipeline
from rag.models import find_model
from rag.protocols import Encoder, Vectors
from rag.wrapping import WrappedEncoder

_PRESET = "hybrid"
_MODEL = "all-MiniLM-L6-v2"
_MOST_OVERHEAD = 1.10
_MOST_UNCHANGED = 0.03
_MOST_EDITED = 0.05
_HEAVY = {"torch", "transformers", "sentence_transformers", "faiss"}
_QUICK_DOCUMENTS = 500
_SAMPLE = 400
_REPEATS = 3


class TimedEncoder(WrappedEncoder):
    """An encoder that keeps the slices of passages it is given, and the time they take."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self.slices: list[list[str]] = []
        self.seconds = 0.0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`, timed."""
        self.slices.append(list(texts))
        vectors: list[Vectors] = []
        self.seconds += seconds(lambda: vectors.append(self._encoder.encode_passages(texts)))
        return vectors[0]


def measure(given: Arguments) -> None:
    source = given.scifact()
    if source is None:
        return
    record = Record("indexing", "Indexing: SciFact as text files, preset hybrid", given.quick)
    with TemporaryDirectory(prefix="ragline-") as place:
        paths = write_files(
            source, Path(place) / "documents", _QUICK_DOCUMENTS if given.quick else None
        )
        alone = _measure_library(record, Path(place), paths)
        _measure_command(record, Path(place), paths, alone)
    record.write()


def _measure_library(record: Record, place: Path, paths: Sequence[Path]) -> float:
    """One run of `Rag.index`, the encoder alone on its passages; edits; then a plain encoder.

    Gives the seconds of the encoder alone.
    """
    encoder = load_pipeline(_PRESET).encode
    assert encoder is not None
    timed = TimedEncoder(encoder.build())
    timed.encode_passages(["The model is loaded before the clock starts."])
    timed.slices, timed.seconds = [], 0.0
    rag = Rag.open(place / "library", pipeline=_PRESET, encoder=timed)
    wall = seconds(lambda: rag.index(place / "documents"))
    inside, slices = timed.seconds, timed.slices
    texts = [text for slice_ in slices for text in slice_]
    alone = seconds(lambda: timed.encode_passages(texts))
    ratio = wall / alone
    record.add("passages", f"{len(texts):,} of {len(paths):,} documents")
    record.add("Rag.index, model loaded", f"{wall:.2f} s, {len(texts) / wall:.1f} passages/s")
    record.add("of which inside the encoder, other work going on beside it", f"{inside:.2f} s")
    record.add("the encoder alone on the same passages", f"{alone:.2f} s")
    record.add(
        "Rag.index over its encoder alone",
        f"{ratio:.3f}",
        f"<= {_MOST_OVERHEAD:.2f}",
        ratio <= _MOST_OVERHEAD,
    )
    edits = spread([_after_edit(rag, place, path) for path in _chosen(paths)])
    _share(record, "Rag.index after an edit", edits, wall, _MOST_EDITED)
    rag.close()
    record.figures["library"] = {
        "seconds": wall,
        "encoder_seconds": inside,
        "encoder_alone_seconds": alone,
        "groups": [len(slice_) for slice_ in slices],
    }
    record.figures["plain"] = _measure_plain(record, timed, texts, len(texts) / wall)
    return alone


def _measure_plain(
    record: Record, encoder: Encoder, texts: Sequence[str], indexed: float
) -> dict[str, list[float]]:
    """The encoder beside `SentenceTransformer.encode` as one would call it, by turns.

    `indexed` is how many passages a second `Rag.index` has encoded, saved and committed.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    sample = texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]
    model = SentenceTransformer(str(find_model(_MODEL).folder), local_files_only=True)
    calls = {
        "ragline": lambda: encoder.encode_passages(sample),
        "sentence-transformers": lambda: model.encode(sample, batch_size=32),
    }
    times = interleaved(calls, rounds=1 if record.quick else _REPEATS)
    speeds = {name: spread([len(sample) / t for t in taken]) for name, taken in times.items()}
    for name, speed in speeds.items():
        record.add(f"{name}: {len(sample)} passages", speed.text("passages/s", 1))
    ratio = speeds["ragline"].median / speeds["sentence-transformers"].median
    record.add("ragline's encoder over SentenceTransformer.encode(batch_size=32)", f"{ratio:.2f}")
    whole = indexed / speeds["sentence-transformers"].median
    record.add(
        "Rag.index as a whole over SentenceTransformer.encode(batch_size=32)", f"{whole:.2f}"
    )
    return times


def _measure_command(record: Record, place: Path, paths: Sequence[Path], alone: float) -> None:
    """`rag index` as a process, imports and loading included."""
    first = _index(place)
    record.add("rag index, as a process", f"{first.seconds:.2f} s")
    record.add(
        "rag index, as a process, over the encoder alone above", f"{first.seconds / alone:.3f}"
    )
    unchanged = [_index(place) for _ in range(_REPEATS)]
    times = spread([ran.seconds for ran in unchanged])
    _share(record, "rag index, nothing changed", times, first.seconds, _MOST_UNCHANGED)
    loaded = sorted(_HEAVY & _imported(_index(place, PYTHONPROFILEIMPORTTIME="1")))
    record.add("nothing changed: model libraries loaded", ", ".join(loaded) or "none", "none",
               not loaded)  # fmt: skip
    edits = spread([_edited(place, path).seconds for path in _chosen(paths)])
    _share(record, "rag index after an edit, model loaded anew", edits, first.seconds, _MOST_EDITED)
    record.figures["command"] = {
        "seconds": first.seconds,
        "unchanged_seconds": [ran.seconds for ran in unchanged],
        "loaded": loaded,
    }


def _share(record: Record, what: str, taken: Spread, whole: float, most: float) -> None:
    share = taken.median / whole
    record.add(what, taken.text("s", 3))
    record.add(f"{what}: share of the first run", f"{share:.2%}", f"<= {most:.0%}", share <= most)


def _after_edit(rag: Rag, place: Path, path: Path) -> float:
    _edit(path)
    return seconds(lambda: rag.index(place / "documents"))


def _edited(place: Path, path: Path) -> Ran:
    _edit(path)
    return _index(place)


def _edit(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(" One more sentence.")


def _chosen(paths: Sequence[Path]) -> Sequence[Path]:
    return paths[:: len(paths) // _REPEATS][:_REPEATS]


def _index(place: Path, **environment: str) -> Ran:
    options = ["--index", str(place / "command"), "--pipeline", _PRESET]
    return run([COMMAND, "index", place / "documents", *options], **environment)


def _imported(ran: Ran) -> set[str]:
    """Modules that a process with PYTHONPROFILEIMPORTTIME says it imported."""
    lines = (line for line in ran.stderr.splitlines() if line.startswith("import time:"))
    names = {line.rpartition("|")[2].strip() for line in lines}
    if "rag" not in names:
        raise RuntimeError("the process said nothing of what it imported")
    return names


if __name__ == "__main__":
    measure(arguments(__doc__))

"""What every peer is given: two folders of text files, questions, and vectors made once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.collection import judged, write_files
from rag.evaluate.beir import BeirDataset, read_beir

_TRIED = 3


@dataclass(frozen=True, slots=True)
class Workload:
    """`part` is what indexing is timed on, `whole` what is asked, `few` what is tried first."""

    place: Path
    few: Path
    part: Path
    whole: Path
    counts: Mapping[str, int]
    dataset: BeirDataset

    @property
    def questions(self) -> Mapping[str, str]:
        """The judged questions by id."""
        return self.dataset.queries

    def vectors_file(self, folder: Path, name: str, requirements: Path | None) -> Path:
        """Where vectors of these texts, as made by this environment, are kept."""
        digest = hashlib.sha256(requirements.read_bytes() if requirements else b"")
        for path in sorted(self.whole.iterdir()):
            digest.update(path.read_bytes())
        return folder / "vectors" / f"{name}-{digest.hexdigest()[:16]}.npz"


@contextmanager
def workload(source: Path, documents: int, *, quick: bool) -> Iterator[Workload]:
    """The workload of a BEIR folder; all of it goes at the end."""
    with TemporaryDirectory(prefix="ragline-") as name, judged(source, "test", quick=quick) as of:
        place = Path(name)
        counts = {"few": _TRIED, "part": documents, "whole": None}
        written = {
            one: len(write_files(of[0], place / one, count)) for one, count in counts.items()
        }
        folders = {one: place / one for one in counts}
        yield Workload(place, **folders, counts=written, dataset=read_beir(of[0], "test"))


def size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

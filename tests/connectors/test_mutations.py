"""Damaged and hostile files of every format: none stops a run, and none reaches beyond itself.

`python -m benchmarks.mutations` reads many more. A failure names a case; to read it again:
`next(case for case in damaged(formats()[NAME], 1000, SEED) if case.label == LABEL)`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attempts import Case, Outcome, attempts, damaged, extensions, formats, ill
from bombs import bombs
from mutations import mutant
from seeds import seeds

from rag.connectors.formats.format import Format
from rag.connectors.parsing.here import parse_here
from rag.connectors.parsing.pool import ParserPool
from rag.errors import DocumentError

COUNT = 60
SEED = 1
SECONDS = 8
MEMORY = 300_000_000
WORKERS = 2
FORMATS = formats()
# Formats that only say what to do instead.
REFUSING = {"legacy-office"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that holds the working and the temporary folder, and what escapes from them."""
    folder = tmp_path_factory.mktemp("a") / "b" / "c"
    for name in ("working", "temporary"):
        (folder / name).mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "working")
        patch.setenv("TMPDIR", str(folder / "temporary"))
        patch.setattr(tempfile, "tempdir", None)
        yield folder.parent.parent


@pytest.fixture(scope="module")
def pool(place: Path) -> Iterator[ParserPool]:
    with ParserPool(workers=WORKERS, seconds=SECONDS, memory=MEMORY) as pool:
        yield pool
    left = sorted(str(one.relative_to(place)) for one in place.rglob("*"))
    assert left == ["b", "b/c", "b/c/temporary", "b/c/working"], "a file was left behind"


def read(pool: ParserPool, reader: Format, cases: Iterator[Case]) -> list[Outcome]:
    return list(attempts(pool.parse, ((reader, case) for case in cases), WORKERS))


@pytest.mark.parametrize("name", FORMATS)
def test_its_seeds_are_read(name: str) -> None:
    reader = FORMATS[name]
    kinds = extensions(reader)
    assert kinds, f"tests/connectors/seeds.py has no file for any of {reader.extensions}"
    for one in kinds:
        for data in seeds(one):
            if name in REFUSING:
                with pytest.raises(DocumentError):
                    parse_here(reader, data, f"a{one}")
            else:
                assert parse_here(reader, data, f"a{one}").text


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_refused(pool: ParserPool, name: str) -> None:
    reader = FORMATS[name]
    outcomes = read(pool, reader, damaged(reader, COUNT, SEED))
    assert len(outcomes) == COUNT
    assert not ill(outcomes)


@pytest.mark.parametrize("name", FORMATS)
def test_bombs_are_defused_or_contained(pool: ParserPool, name: str) -> None:
    reader = FORMATS[name]
    hostile = (Case(*bomb) for one in extensions(reader) for bomb in _labelled(one))
    outcomes = read(pool, reader, hostile)
    contained = {"late", "memory"}
    assert not ill([one for one in outcomes if one.result not in contained])
    assert all(one.seconds < SECONDS + 5 for one in outcomes)


def _labelled(extension: str) -> Iterator[tuple[str, str, bytes]]:
    return ((label, extension, data) for label, data in bombs(extension))


def test_mutants_are_the_same_for_the_same_seed() -> None:
    given = [b"some words, more words" * 9, b"others" * 9]
    first, second = ([mutant(given, 1, n) for n in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 40
    assert first != [mutant(given, 2, n) for n in range(50)]

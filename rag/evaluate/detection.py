"""Which format a dataset's folder is in, and the dataset in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rag.errors import SourceError
from rag.evaluate.answers import is_answers, read_answers
from rag.evaluate.beir import is_beir, read_beir
from rag.evaluate.dataset import Dataset
from rag.evaluate.pages import is_pages, read_pages
from rag.evaluate.spans import is_spans, read_spans
from rag.evaluate.squad import is_squad, read_squad


class _Format(NamedTuple):
    name: str
    shape: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, str], Dataset]


_BEIR = _Format("BEIR", "queries.jsonl or questions.jsonl, and qrels/SPLIT.tsv", is_beir, read_beir)
_ANSWERS = _Format(
    "answers",
    "questions.jsonl with answers and documents, and documents/",
    lambda path: is_answers(path) and not is_beir(path),
    read_answers,
)
_SQUAD = _Format("SQuAD", "NAME.json", is_squad, read_squad)
_FORMATS = (
    _BEIR,
    _Format("pages", "questions.jsonl, and pdfs/NAME.pdf", is_pages, read_pages),
    _Format("spans", "NAME.questions.jsonl, and NAME.md or NAME.txt", is_spans, read_spans),
    _ANSWERS,
    _SQUAD,
)


def read_dataset(folder: Path, split: str = "test") -> Dataset:
    """The dataset in `folder`, in whichever format it is. A SQuAD file may be named itself.

    So may a file of questions with their answers: then its answers are judged even where the
    folder is a dataset of another format too.

    Raises SourceError for a folder in no known format or in several, and for what its format
    finds wrong, and RequestError for a split that there is not.
    """
    if folder.is_file() and is_answers(folder):
        return _ANSWERS.read(folder, split)
    if folder.is_file():
        return _SQUAD.read(_squad_file(folder), split)
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; name the folder of a dataset")
    return _format(folder).read(folder, split)


def _squad_file(path: Path) -> Path:
    if path.suffix.lower() != ".json" and not is_squad(path):
        raise SourceError(
            f"{path}: is a file, and neither in SQuAD format nor one of questions with their "
            "answers; name a dataset's folder"
        )
    return path


def _format(folder: Path) -> _Format:
    there = [one for one in _FORMATS if one.recognises(folder)]
    if not there:
        known = "; ".join(f"{one.name} ({one.shape})" for one in _FORMATS)
        raise SourceError(f"{folder}: no dataset in a known format: {known}")
    # Without a corpus file, files of any kind are a BEIR dataset's documents.
    if len(there) > 1 and not (_BEIR in there and not (folder / "corpus.jsonl").exists()):
        found = " and ".join(f"{one.name} ({one.shape})" for one in there)
        raise SourceError(
            f"{folder}: holds datasets of {len(there)} formats, {found}; "
            "keep each in a folder of its own"
        )
    return there[0]

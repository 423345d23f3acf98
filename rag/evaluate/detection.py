"""Which format a dataset's folder is in, and the dataset in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from rag.errors import SourceError
from rag.evaluate.beir import is_beir, read_beir
from rag.evaluate.dataset import Dataset
from rag.evaluate.pages import is_pages, read_pages

_Recognise: TypeAlias = Callable[[Path], bool]
_Read: TypeAlias = Callable[[Path, str], Dataset]

# In this order: the first that recognises a folder reads it.
_FORMATS: tuple[tuple[str, _Recognise, _Read], ...] = (
    ("BEIR (queries.jsonl or questions.jsonl, and qrels/SPLIT.tsv)", is_beir, read_beir),
    ("pages (questions.jsonl, and pdfs/NAME.pdf)", is_pages, read_pages),
)


def read_dataset(folder: Path, split: str = "test") -> Dataset:
    """The dataset in `folder`, in whichever format it is.

    Raises SourceError for a folder in no known format and for what its format finds wrong, and
    RequestError for a split that there is not.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; name the folder of a dataset")
    for _, recognises, read in _FORMATS:
        if recognises(folder):
            return read(folder, split)
    known = "; ".join(shape for shape, _, _ in _FORMATS)
    raise SourceError(f"{folder}: no dataset in a known format: {known}")

"""The page format: PDF files, and questions with the pages that answer them.

A folder holds `pdfs/NAME.pdf` and `questions.jsonl`, whose records have an `id`, a `question`,
`doc` (NAME) and `pages`, the numbers of the evidence's pages from 0, as FinanceBench has it
(Islam et al., 2023, "FinanceBench: A New Benchmark for Financial Question Answering").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import RequestError, SourceError
from rag.evaluate.dataset import Dataset, PerQuery
from rag.evaluate.jsonl import id_field, question_field, records, text_field
from rag.types import Hit, Passage

QUESTIONS = "questions.jsonl"
FILES = "pdfs"
_CUTS = (1, 5, 10)
_DOCUMENT_CUT = 10
_ONLY_SPLIT = "test"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an answer stands: a document's id, and its pages, counted from 1."""

    document: str
    pages: frozenset[int]

    def is_in(self, passage: Passage) -> bool:
        """Whether `passage` is of one of the pages."""
        return passage.document_id == self.document and passage.page in self.pages


@dataclass(frozen=True, slots=True)
class PagesDataset(Dataset):
    """Questions whose right answers are pages. `queries` and `evidence` have the same keys."""

    evidence: Mapping[str, Evidence]

    @property
    def files(self) -> Path:
        """The folder of the PDF files."""
        return self.folder / FILES

    @property
    def compared(self) -> str:
        """The measure by which pipelines are compared."""
        return f"page-hit@{_CUTS[-1]}"

    def measure(self, found: Mapping[str, Sequence[Hit]]) -> PerQuery:
        """`page-hit@k`: whether one of the first k passages is of a page of the evidence.

        `document-hit@10` asks only for the evidence's document. A question without hits counts 0.
        """
        judged = [
            (query, evidence, [hit.passage for hit in found.get(query, ())])
            for query, evidence in self.evidence.items()
        ]
        values = {
            f"page-hit@{k}": {
                query: float(any(map(evidence.is_in, passages[:k])))
                for query, evidence, passages in judged
            }
            for k in _CUTS
        }
        values[f"document-hit@{_DOCUMENT_CUT}"] = {
            query: float(any(p.document_id == evidence.document for p in passages[:_DOCUMENT_CUT]))
            for query, evidence, passages in judged
        }
        return values

    def relevant(self, query: str, passage: Passage) -> bool:
        """Whether it is of a page of the evidence."""
        return self.evidence[query].is_in(passage)


def is_pages(folder: Path) -> bool:
    """Whether `folder` is a dataset in page format."""
    return (folder / FILES).is_dir() and (folder / QUESTIONS).is_file()


def read_pages(folder: Path, split: str = _ONLY_SPLIT) -> PagesDataset:
    """The dataset in a folder of page format, checked as a whole.

    Raises SourceError for what is missing, broken or contradictory, with file and line, and
    RequestError for a split, which this format does not have.
    """
    if split != _ONLY_SPLIT:
        raise RequestError(f"{folder}: the page format has no splits; leave out '{split}'")
    path = folder / QUESTIONS
    queries: dict[str, str] = {}
    evidence: dict[str, Evidence] = {}
    for place, record in records(path):
        query = id_field(record, place, "id")
        if query in queries:
            raise SourceError(f"{place}: a second question with the id '{query}'")
        queries[query] = question_field(record, "question", place)
        evidence[query] = Evidence(_document(folder, record, place), _pages(record, place))
    if not queries:
        raise SourceError(f"{path}: there is no question")
    name = folder.resolve().name
    return PagesDataset(name, "pages", folder, None, queries, evidence)


def _document(folder: Path, record: Mapping[str, Any], place: str) -> str:
    name = f"{text_field(record, 'doc', place)}.pdf"
    if not (folder / FILES / name).is_file():
        raise SourceError(f"{place}: there is no file {FILES}/{name}")
    return name


def _pages(record: Mapping[str, Any], place: str) -> frozenset[int]:
    pages = record.get("pages")
    if not isinstance(pages, list) or not pages or not all(map(_is_number, pages)):
        raise SourceError(f"{place}: the field 'pages' must be a list of page numbers from 0")
    return frozenset(page + 1 for page in pages)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

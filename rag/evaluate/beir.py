"""The BEIR format: documents, queries and relevance judgements.

A BEIR folder (Thakur et al., 2021, "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation
of Information Retrieval Models") holds `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rag.errors import SourceError
from rag.evaluate import aggregate, measures
from rag.evaluate.dataset import Dataset, PerQuery, Qrels
from rag.evaluate.jsonl import id_field, question_field, records, text_field
from rag.evaluate.qrels import by_query, check_known, find_split, read_judgements
from rag.types import Block, Document, Hit, Passage


@dataclass(frozen=True, slots=True)
class BeirDataset(Dataset):
    """Queries whose right answers are documents. `queries` and `qrels` have the same keys."""

    qrels: Qrels

    @property
    def compared(self) -> str:
        """The measure by which BEIR's authors rank systems."""
        return "nDCG@10"

    def measure(self, found: Mapping[str, Sequence[Hit]]) -> PerQuery:
        """The measures of `rag.evaluate.measures`, a document standing at its best passage."""
        rankings = {query: aggregate.documents(hits) for query, hits in found.items()}
        return measures.evaluate(self.qrels, measures.run_from_rankings(rankings))

    def relevant(self, query: str, passage: Passage) -> bool:
        """Whether its document has a grade of at least 1."""
        return self.qrels[query].get(passage.document_id, 0) > 0


def is_beir(folder: Path) -> bool:
    """Whether `folder` is a dataset in BEIR format, or was meant to be one."""
    return any((folder / name).exists() for name in ("qrels", "queries.jsonl", "corpus.jsonl"))


def read_beir(folder: Path, split: str = "test") -> BeirDataset:
    """The dataset in a BEIR folder with the judgements of one split, checked as a whole.

    `questions.jsonl` is read where there is no `queries.jsonl`. Without `corpus.jsonl`, the
    folder's own files are the documents, and judgements of unknown documents are not noticed.

    Raises SourceError for what is missing, broken or contradictory, RequestError for a split
    that there is not; both name the file and, where there is one, the line.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; name a folder in BEIR format")
    queries_file = _queries_file(folder)
    judged = find_split(folder, split)
    judgements = read_judgements(judged)
    queries = _queries(queries_file, {judgement.query for judgement in judgements})
    check_known(judged, [(j.place, j.query) for j in judgements], queries, "queries", queries_file)
    corpus = folder / "corpus.jsonl"
    has_corpus = corpus.exists()
    if has_corpus:
        named = [(j.place, j.document) for j in judgements]
        check_known(judged, named, _document_ids(corpus), "documents", corpus)
    qrels = by_query(judgements)
    return BeirDataset(
        name=folder.resolve().name,
        format="beir",
        folder=folder,
        documents=partial(_documents, corpus) if has_corpus else None,
        queries={query: text for query, text in queries.items() if query in qrels},
        qrels=qrels,
    )


def known_queries(folder: Path) -> Container[str]:
    """Ids of all queries in a BEIR folder, those without judgements included."""
    return _queries(_queries_file(folder))


def _queries_file(folder: Path) -> Path:
    for name in ("queries.jsonl", "questions.jsonl"):
        if (folder / name).exists():
            return folder / name
    raise SourceError(f"{folder}: there is neither queries.jsonl nor questions.jsonl")


def _queries(path: Path, judged: Container[str] = ()) -> dict[str, str]:
    """Text by id; those that are judged are asked, and must be questions."""
    queries: dict[str, str] = {}
    for place, record in records(path):
        query = id_field(record, place)
        if query in queries:
            raise SourceError(f"{place}: a second query with the id '{query}'")
        read = question_field if query in judged else text_field
        queries[query] = read(record, "text", place)
    return queries


def _document_ids(path: Path) -> set[str]:
    ids: set[str] = set()
    for place, record in records(path):
        document = _document(path, place, record)
        if document.id in ids:
            raise SourceError(f"{place}: a second document with the id '{document.id}'")
        ids.add(document.id)
    return ids


def _documents(path: Path) -> Iterator[Document]:
    for place, record in records(path):
        yield _document(path, place, record)


def _document(path: Path, place: str, record: Mapping[str, Any]) -> Document:
    """BEIR's convention for the text that is indexed: the title, a newline, the text."""
    identity = id_field(record, place)
    title = text_field(record, "title", place, default="")
    body = text_field(record, "text", place)
    text = f"{title}\n{body}" if title else body
    return Document(
        id=identity,
        source=f"{path.name}#{identity}",
        text=text,
        title=title,
        blocks=tuple(_blocks(title, text)),
    )


def _blocks(title: str, text: str) -> Iterator[Block]:
    headings = (title,) if title else ()
    start = 0
    if title:
        yield Block(0, len(title), kind="heading", headings=headings)
        start = len(title) + 1
    if start < len(text):
        yield Block(start, len(text), headings=headings)

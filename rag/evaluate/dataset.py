"""Datasets: what a pipeline is judged on, whatever the format that it is kept in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rag.types import Answer, Document, Hit, Passage

Queries: TypeAlias = Mapping[str, str]
Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
PerQuery: TypeAlias = Mapping[str, Mapping[str, float]]
"""Measure -> query id -> value in 0..1."""


@dataclass(frozen=True, slots=True)
class Dataset(ABC):
    """Documents, questions, and what counts as found; each format makes its own kind.

    `documents` starts a new stream of the corpus at every call. Where it is None, the files
    in `files` are the documents: their ids are their paths within it, with `/` between parts.
    """

    name: str
    format: str
    folder: Path
    documents: Callable[[], Iterator[Document]] | None
    queries: Queries

    @property
    def files(self) -> Path:
        """The folder whose files are the documents, where the dataset carries none itself."""
        return self.folder

    @property
    def left_out(self) -> Set[str]:
        """Paths within `files` that are no documents, such as the questions."""
        return frozenset()

    @property
    @abstractmethod
    def compared(self) -> str:
        """The measure by which pipelines are compared."""

    @property
    def cut(self) -> bool:
        """Whether the pipeline's chunker always cuts the documents.

        False for a corpus whose documents are what is judged: then each may be one passage.
        """
        return self.documents is None

    @property
    def asks(self) -> bool:
        """Whether answers are judged too, by `measure_answers`."""
        return False

    def measure_answers(self, answers: Mapping[str, Answer]) -> PerQuery:
        """Every measure of every query's answer; `answers` is query id -> answer."""
        return {}

    def answerable(self, query: str) -> bool:
        """Whether the documents answer a query."""
        return True

    def right(self, query: str, answer: Answer) -> tuple[bool, ...]:
        """Which of the answer's citations are right, where the dataset judges answers."""
        return ()

    def kind(self, query: str) -> str:
        """The kind of a query, by which answers are told apart; "" where there are no kinds."""
        return ""

    @abstractmethod
    def measure(self, found: Mapping[str, Sequence[Hit]]) -> PerQuery:
        """Every measure of every query; `found` is query id -> hits, best first."""

    @abstractmethod
    def relevant(self, query: str, passage: Passage) -> bool:
        """Whether `passage` is of a relevant document, or holds an answer where that is judged."""

    def measure_index(self, passages: Iterable[Passage]) -> PerQuery:
        """Every measure of every query that depends on how the whole index is cut.

        `passages` is all passages of the index, in any order, and is gone through once. Most
        formats have no such measure.
        """
        return {}

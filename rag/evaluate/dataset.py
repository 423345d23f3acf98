"""Datasets: what a pipeline is judged on, whatever the format that it is kept in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rag.types import Document, Hit

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
    @abstractmethod
    def compared(self) -> str:
        """The measure by which pipelines are compared."""

    @abstractmethod
    def measure(self, found: Mapping[str, Sequence[Hit]]) -> PerQuery:
        """Every measure of every query; `found` is query id -> hits, best first."""

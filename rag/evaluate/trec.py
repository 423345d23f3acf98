"""Runs in TREC's format: `query Q0 document rank score tag` on each line.

White space parts the columns, so an id that holds some is written as in a URL (`%20` for a
space, and `%25` for its own `%`), and is read back so where no document has the id as written.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

import numpy as np

from rag.errors import RequestError, SourceError
from rag.evaluate.beir import BeirDataset
from rag.evaluate.dataset import Dataset
from rag.evaluate.jsonl import numbered_lines
from rag.types import Hit, Passage

Ranked: TypeAlias = Sequence[tuple[str, float]]
"""Ids with their scores, best first."""

_COLUMNS = 6
_SHOWN = 5
_LARGEST = 1e38
_SPACE = re.compile(r"[\s%]")
_NOT_IN_NAMES = re.compile(r"[^\w.+=@-]+")


@dataclass(frozen=True, slots=True)
class Run:
    """What some system found: query id -> hits that say which document, best first."""

    tag: str
    found: Mapping[str, Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    query: str
    document: str
    score: float
    tag: str

    @property
    def number(self) -> str:
        return self.place.rpartition(":")[2]


def ranked(dataset: Dataset, hits: Sequence[Hit]) -> Ranked:
    """What a run of `dataset` holds for one query's hits.

    In BEIR format that is documents, each with the score of its best passage, else passages.
    """
    documents = isinstance(dataset, BeirDataset)
    best: dict[str, float] = {}
    for hit in hits:
        best.setdefault(hit.passage.document_id if documents else hit.passage.id, hit.score)
    return list(best.items())


def write_run(path: Path, tag: str, runs: Iterable[tuple[str, Ranked]]) -> None:
    """Write `(query id, ranking)` pairs to `path`.

    Programs that read runs order them by score, in single precision: a score that does not
    descend is written as the next smaller number, so that the order stays. Raises RequestError
    where two ids would be written alike, and where the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for query, ranking in runs:
                file.writelines(_written(query, ranking, tag))
    except OSError as error:
        raise RequestError(f"{path}: the run cannot be written: {error.strerror}") from error


def file_name(name: str) -> str:
    """`name` as part of a file's name and as a run's tag: without spaces and slashes."""
    return _NOT_IN_NAMES.sub("-", name).strip("-.") or "run"


def _written(query: str, ranking: Ranked, tag: str) -> Iterator[str]:
    names = [_escaped(name) for name, _ in ranking]
    if len(set(names)) < len(names):
        raise RequestError(f"query '{query}': two ids differ only in how spaces are written")
    scores = _descending([score for _, score in ranking])
    for rank, (name, score) in enumerate(zip(names, scores, strict=True), 1):
        yield f"{_escaped(query)} Q0 {name} {rank} {score:.9g} {tag}\n"


def _escaped(name: str) -> str:
    if not any(letter.isspace() for letter in name):
        return name
    return _SPACE.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), name)


def _descending(scores: Sequence[float]) -> Iterator[np.float32]:
    former = np.float32(np.inf)
    for score in scores:
        # Below the smallest number there is none that could be written.
        bounded = np.float32(min(max(score, -_LARGEST), _LARGEST))
        # Nine digits write a single-precision number so that it is read as the same one.
        former = min(bounded, np.nextafter(former, np.float32(-np.inf)))
        yield former


def read_run(path: Path, queries: Container[str], documents: Container[str]) -> Run:
    """The run in a file, ordered as trec_eval orders it: by score, ties by id downward.

    The column of ranks is not used. Raises SourceError for a line that does not fit, a document
    that a query has twice, more than one tag, and ids that are not in `queries` or `documents`.
    """
    lines = [_line(place, text) for place, text in numbered_lines(path)]
    if not lines:
        raise SourceError(f"{path}: the run is empty")
    for line in lines:
        if line.tag != lines[0].tag:
            raise SourceError(
                f"{line.place}: the tag '{line.tag}' follows '{lines[0].tag}': one run to a file"
            )
    return Run(lines[0].tag, _found(path, lines, queries, documents))


def _line(place: str, text: str) -> _Line:
    columns = text.split()
    if len(columns) != _COLUMNS:
        raise SourceError(
            f"{place}: {len(columns)} columns where there must be {_COLUMNS}: "
            "query, Q0, document, rank, score, tag"
        )
    query, _, document, rank, score, tag = columns
    if not rank.lstrip("+-").isdecimal():
        raise SourceError(f"{place}: the rank '{rank}' is not a whole number")
    try:
        value = float(score)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise SourceError(f"{place}: the score '{score}' is not a number")
    return _Line(place, query, document, value, tag)


def _found(
    path: Path, lines: Sequence[_Line], queries: Container[str], documents: Container[str]
) -> Mapping[str, Sequence[Hit]]:
    places: dict[tuple[str, str], _Line] = {}
    lost: dict[str, list[str]] = {"query": [], "document": []}
    for line in lines:
        query, document = _known(line.query, queries), _known(line.document, documents)
        if query is None:
            lost["query"].append(f"'{line.query}' (line {line.number})")
        if document is None:
            lost["document"].append(f"'{line.document}' (line {line.number})")
        if query is None or document is None:
            continue
        first = places.setdefault((query, document), line)
        if first is not line:
            raise SourceError(
                f"{line.place}: query '{query}' has document '{document}' again; "
                f"it was on line {first.number}"
            )
    _check_lost(path, lost)
    found: dict[str, list[Hit]] = {}
    for (query, document), line in sorted(places.items(), key=_order, reverse=True):
        found.setdefault(query, []).append(Hit(Passage(document, 0, 0, ""), line.score))
    return found


def _order(entry: tuple[tuple[str, str], _Line]) -> tuple[float, bytes]:
    (_, document), line = entry
    # trec_eval keeps scores in single precision, and compares ids byte by byte.
    return float(np.float32(line.score)), document.encode()


def _known(name: str, known: Container[str]) -> str | None:
    return next((one for one in (name, unquote(name)) if one in known), None)


def _check_lost(path: Path, lost: Mapping[str, Sequence[str]]) -> None:
    for kind, named in lost.items():
        if named:
            shown = list(dict.fromkeys(named))
            more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
            raise SourceError(
                f"{path}: no {kind} of the dataset: {', '.join(shown[:_SHOWN])}{more}"
            )

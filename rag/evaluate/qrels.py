"""Relevance judgements as BEIR keeps them: `qrels/SPLIT.tsv`."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import RequestError, SourceError
from rag.evaluate.jsonl import numbered_lines

COLUMNS = ("query-id", "corpus-id", "score")
# The measures count documents by grade: an absurd grade would cost memory for every step.
HIGHEST_GRADE = 1000
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """How relevant a document is to a query, and the place (`file:line`) that says so."""

    place: str
    query: str
    document: str
    grade: int


def find_split(folder: Path, split: str) -> Path:
    """The file `folder/qrels/SPLIT.tsv`. Raises RequestError with the splits that there are."""
    splits = sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))
    if split not in splits:
        there = f"splits there: {', '.join(splits)}" if splits else "there are no splits"
        raise RequestError(f"{folder / 'qrels'}: no split '{split}' ({split}.tsv); {there}")
    return folder / "qrels" / f"{split}.tsv"


def read_judgements(path: Path) -> list[Judgement]:
    """Every judgement of a file: a header line, then query, document and grade, tab-separated.

    Raises SourceError for a wrong header, a line that does not fit, a pair judged twice with
    different grades, and a file without judgements.
    """
    lines = numbered_lines(path)
    place, header = next(lines, (str(path), ""))
    if tuple(header.split("\t")) != COLUMNS:
        raise SourceError(f"{place}: the header must be {_columns()}")
    judgements = [_judgement(place, line) for place, line in lines]
    if not judgements:
        raise SourceError(f"{path}: no query has a judgement")
    _check_contradictions(judgements)
    return judgements


def _columns() -> str:
    return f"{', '.join(COLUMNS)}, separated by tabs"


def _judgement(place: str, line: str) -> Judgement:
    columns = line.split("\t")
    if len(columns) != len(COLUMNS):
        raise SourceError(f"{place}: {len(columns)} columns where there must be {_columns()}")
    query, document, score = columns
    try:
        grade = int(score)
    except ValueError:
        raise SourceError(f"{place}: the score '{score}' is not a whole number") from None
    if abs(grade) > HIGHEST_GRADE:
        raise SourceError(f"{place}: the score {score} is beyond the highest, {HIGHEST_GRADE}")
    return Judgement(place, query, document, grade)


def _check_contradictions(judgements: Iterable[Judgement]) -> None:
    first: dict[tuple[str, str], Judgement] = {}
    for judgement in judgements:
        earlier = first.setdefault((judgement.query, judgement.document), judgement)
        if earlier.grade != judgement.grade:
            raise SourceError(
                f"{judgement.place}: query '{judgement.query}' and document "
                f"'{judgement.document}' are judged {judgement.grade} here "
                f"but {earlier.grade} on line {_line(earlier.place)}"
            )


def check_known(
    path: Path, named: Sequence[tuple[str, str]], known: Container[str], kind: str, file: Path
) -> None:
    """Check that every id of `named`, `(place, id)` pairs from `path`, is in `known`.

    Raises SourceError with the ids that `file` lacks and the lines that judge them.
    """
    lost = [f"'{name}' (line {_line(place)})" for place, name in named if name not in known]
    if not lost:
        return
    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    raise SourceError(
        f"{path}: judgements of {kind} that {file.name} does not have: "
        f"{', '.join(lost[:_SHOWN])}{more}"
    )


def _line(place: str) -> str:
    return place.rpartition(":")[2]


def by_query(judgements: Iterable[Judgement]) -> Mapping[str, Mapping[str, int]]:
    """Query id -> document id -> grade, in the file's order."""
    qrels: dict[str, dict[str, int]] = {}
    for judgement in judgements:
        qrels.setdefault(judgement.query, {})[judgement.document] = judgement.grade
    return qrels

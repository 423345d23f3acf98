"""What an evaluation that was stopped had found so far: one question a line.

Its first line says what it belongs to; what was written for another pipeline, index or version
is not used. A line that was being written when the process died is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeAlias

from filelock import FileLock, Timeout

from rag.errors import RequestError
from rag.types import Answer, Citation, Hit, Passage, StageScore, Statement

Restore: TypeAlias = Callable[[str, int, int], Passage]
"""The passage of a document's id, a start and an end."""
_Place: TypeAlias = tuple[str, int, int, int | None, str]
_Stages: TypeAlias = Mapping[str, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question led to: hits, the seconds of the search alone, and the answer if asked.

    A search among others has no seconds of its own.
    `bold` is the answer without a threshold, where that differs: after an abstention. `failed`
    names the components that failed, so that it went on without them. It is not kept in a
    journal: see `judge`.
    """

    hits: tuple[Hit, ...]
    seconds: float | None
    answer: Answer | None = None
    failed: tuple[str, ...] = ()
    bold: Answer | None = None


class Journal:
    """Outcomes kept in a file while a `with` block runs, and removed when it ends well.

    `key` is plain data that says what the outcomes depend on. Hits are kept as spans; `restore`
    makes passages of them. Raises RequestError where another process keeps the same journal.
    """

    def __init__(self, path: Path, key: Mapping[str, object], restore: Restore) -> None:
        self._path = path
        self._head = json.dumps({"journal": 4, **key}, sort_keys=True)
        self._restore = restore
        self._lock = FileLock(f"{path}.lock")
        self._known: dict[str, Any] = {}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RequestError(
                f"another evaluation of the same pipeline is running ({self._path}): "
                "wait for it, or use another --index"
            ) from None
        end = self._read()
        self._file = self._path.open("r+b" if end else "wb")
        self._file.truncate(end)
        self._file.seek(end)
        if not end:
            self._write(self._head)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        if kind is None:
            self._path.unlink(missing_ok=True)
        self._lock.release()

    def __contains__(self, query: str) -> bool:
        return query in self._known

    def __getitem__(self, query: str) -> Outcome:
        """The outcome of a query that the journal has."""
        record = self._known[query]
        hits = tuple(self._hit(*hit) for hit in record["hits"])
        answer, bold = _answer(record["answer"]), _answer(record["bold"])
        return Outcome(hits, record["seconds"], answer, bold=bold)

    def add(self, query: str, outcome: Outcome) -> None:
        """Keep the outcome of a query."""
        record = {
            "query": query,
            "seconds": outcome.seconds,
            "hits": [_kept(hit) for hit in outcome.hits],
            "answer": _plain(outcome.answer),
            "bold": _plain(outcome.bold),
        }
        self._write(json.dumps(record, separators=(",", ":")))

    def _write(self, line: str) -> None:
        assert self._file is not None
        self._file.write(line.encode("ascii") + b"\n")
        self._file.flush()

    def _read(self) -> int:
        """Read what is there, and tell how many bytes of it are whole and ours."""
        if not self._path.is_file():
            return 0
        end = 0
        with self._path.open("rb") as lines:
            if next(lines, b"") != self._head.encode("ascii") + b"\n":
                return 0
            end = len(self._head) + 1
            for line in lines:
                record = _whole(line)
                if record is None:
                    break
                self._known[record["query"]] = record
                end += len(line)
        return end

    def _hit(self, place: _Place, score: float, found: Sequence[_Place], stages: _Stages) -> Hit:
        known = {name: StageScore(*one) for name, one in stages.items()}
        return Hit(self._passage(place), score, known, tuple(map(self._passage, found)))

    def _passage(self, place: _Place) -> Passage:
        document_id, start, end, page, named = place
        return replace(self._restore(document_id, start, end), page=page, place=named)


def _kept(hit: Hit) -> list[object]:
    found = [_place(passage) for passage in hit.found]
    stages = {name: (one.rank, float(one.score)) for name, one in hit.stages.items()}
    return [_place(hit.passage), float(hit.score), found, stages]


def _place(passage: Passage) -> _Place:
    return (passage.document_id, passage.start, passage.end, passage.page, passage.place)


def _whole(line: bytes) -> Any:
    """The record of a line; None for one that was cut short."""
    if not line.endswith(b"\n"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def _plain(answer: Answer | None) -> dict[str, Any] | None:
    return None if answer is None else asdict(replace(answer, hits=(), query=None, steps=()))


def _answer(record: Mapping[str, Any] | None) -> Answer | None:
    if record is None:
        return None
    citations = tuple(
        Citation(**{**one, "headings": tuple(one["headings"])}) for one in record["citations"]
    )
    statements = tuple(
        Statement(**{**one, "citations": tuple(one["citations"])}) for one in record["statements"]
    )
    lists = {"citations": citations, "statements": statements, "hits": (), "steps": ()}
    return Answer(**{**record, **lists})

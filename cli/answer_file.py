"""The file that a batch writes, which is also its journal: a record a line, in order.

A record names its line of the input, a key of the question and one of the run (pipeline, index
and filters). Records are appended whole, so that a process may be killed at any instant: what was
being written is cut off by the next run. A question that is asked again is written again, and the
later record counts; in the end the file is put in order, and replaced in one step.
"""

from __future__ import annotations

import errno
import json
import os
import re
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from rag.errors import DiskFullError, RequestError, StoreError
from rag.tracefile import check_target

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FIELDS = {"line", "key", "run", "question", "answer", "error"}
_KEY = re.compile(r"[0-9a-f]{1,16}")
# What every record begins with.
_START = b'{"line": '
# Lines of an input; a higher number is nobody's, and there is no memory for what it stands for.
_MOST_LINES = 100_000_000


class AnswerFile:
    """The records of a batch in `path`, kept open while a `with` block runs.

    `run` is what they are to belong to; with `fresh` those that are there are dropped. Raises
    RequestError where the file is no output of a batch, or of another run.
    """

    def __init__(self, path: Path, run: str, *, fresh: bool = False) -> None:
        from filelock import FileLock

        self.path = path
        self._run = run
        self._fresh = fresh
        self._draft = path.with_name(f".{path.name}.draft")
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        self._file: BinaryIO | None = None
        self._end = 0
        # By line of the input, so that a million of them take little: where the record begins
        # (-1: there is none), the question's key, and whether it failed.
        self._starts = array("q")
        self._keys = array("Q")
        self._failed = bytearray()
        self._tangled = False
        self._last = 0

    def __enter__(self) -> Self:
        from filelock import Timeout

        check_target(self.path, "the answers")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RequestError(f"{self.path}: another batch is writing it: wait for it") from None
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def __len__(self) -> int:
        """The last line of the input that there is a record of."""
        return len(self._starts) - 1 if self._starts else 0

    def has(self, line: int) -> bool:
        """Whether there is a record of a line."""
        return line < len(self._starts) and self._starts[line] >= 0

    def failed(self, line: int) -> bool:
        """Whether the record of a line says why there is no answer."""
        return self.has(line) and bool(self._failed[line])

    def is_of(self, line: int, key: str) -> bool:
        """Whether the record of a line belongs to the question with this key."""
        return self.has(line) and self._keys[line] == int(key, 16)

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record. Raises DiskFullError; what was written before stays."""
        data = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        start = self._end
        self._write(data)
        self._note(record, start)

    def finish(self) -> None:
        """Put the records in the order of the input, where they are not."""
        if not self._tangled:
            return
        draft = self._draft
        try:
            with draft.open("wb") as file:
                file.writelines(self._lines())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise self._explained(error) from error
        self._tangled = False
        self._reopened()

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record, in the order of the input."""
        return map(json.loads, self._lines())

    def _open(self) -> None:
        self._draft.unlink(missing_ok=True)
        try:
            # What is there is read before anything is written.
            self._file = self.path.open("r+b" if self.path.exists() else "x+b", buffering=0)
        except OSError as error:
            raise RequestError(f"{self.path}: {error.strerror}: name another file") from error
        self._scan()
        self._truncate(0 if self._fresh else self._end)

    def _scan(self) -> None:
        """Read what is there, up to the last whole record."""
        runs: set[str] = set()
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    if not (line.startswith(_START) or _START.startswith(line)):
                        raise self._foreign()
                    break
                record = _parsed(line)
                if record is None:
                    raise self._foreign()
                if record["error"] is None:  # what failed is no answer of another run
                    runs.add(record["run"])
                self._note(record, self._end)
                self._end += len(line)
        if runs - {self._run} and not self._fresh:
            raise RequestError(
                f"{self.path}: it holds the answers of another pipeline, index or filter: name "
                "another file with -o, or start anew with --fresh"
            )

    def _note(self, record: Mapping[str, Any], start: int) -> None:
        line = int(record["line"])
        while len(self._starts) <= line:
            self._starts.append(-1)
            self._keys.append(0)
            self._failed.append(0)
        self._tangled |= line <= self._last
        self._last = max(line, self._last)
        self._starts[line] = start
        self._keys[line] = int(record["key"], 16)
        self._failed[line] = record["error"] is not None

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except BaseException as error:
            self._truncate(self._end)
            if isinstance(error, OSError):
                raise self._explained(error) from error
            raise
        self._end += len(data)

    def _truncate(self, end: int) -> None:
        assert self._file is not None
        if not end:
            self._starts, self._keys, self._failed = array("q"), array("Q"), bytearray()
            self._tangled, self._last = False, 0
        self._end = end
        self._file.truncate(end)
        self._file.seek(end)

    def _lines(self) -> Iterator[bytes]:
        """The records that count, in the order of the input."""
        with self.path.open("rb") as file:
            at = 0
            for start in self._starts:
                if start >= 0:
                    if start != at:  # else what was read ahead would be dropped
                        file.seek(start)
                    line = file.readline()
                    at = start + len(line)
                    yield line

    def _reopened(self) -> None:
        """The file that has taken the place of the former one."""
        assert self._file is not None
        self._file.close()
        self._file = self.path.open("r+b", buffering=0)
        self._end, self._last = 0, 0
        self._scan()
        self._file.seek(self._end)

    def _close(self) -> None:
        try:
            if self._file is not None:
                empty = not self._end and os.fstat(self._file.fileno()).st_size == 0
                self._file.close()
                if empty:
                    self.path.unlink(missing_ok=True)
        finally:
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def _foreign(self) -> RequestError:
        return RequestError(
            f"{self.path}: it exists and is no output of a batch: it is left as it is; name "
            "another file with -o"
        )

    def _explained(self, error: OSError) -> StoreError:
        if error.errno in _FULL:
            return DiskFullError(
                f"{self.path}: no space is left; what was answered is kept: free some, and run "
                "the same command again"
            )
        return StoreError(f"{self.path}: cannot be written: {error.strerror or error}")


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None where it is not one of a batch."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and _is_ours(record) else None


def _is_ours(record: Mapping[str, Any]) -> bool:
    if not record.keys() >= _FIELDS:
        return False
    line, key, run = (record[name] for name in ("line", "key", "run"))
    numbered = type(line) is int and 0 < line <= _MOST_LINES
    keyed = isinstance(key, str) and _KEY.fullmatch(key) is not None
    return numbered and keyed and isinstance(run, str)

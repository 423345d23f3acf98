"""The errors that ragline raises, all under one root.

    RagError
    ├── RequestError            the request itself is wrong: nothing was done
    │   ├── SourceError         a source that cannot be read at all
    │   ├── PipelineError       a pipeline file with faults (`.faults` lists them all)
    │   ├── NoIndexError        there is no index here
    │   ├── IndexMismatchError  the index was made by another pipeline, encoder or version
    │   ├── IndexBusyError      another process is writing the index
    │   └── MissingExtraError   an optional package is not installed
    ├── DocumentError           one document cannot be read; the others go on
    ├── ModelError              a model cannot be found, verified or run
    │   ├── ConversionError     a model cannot be run by the faster runtime
    │   └── ChatError           a chat model did not answer (`.again`: worth another try)
    └── StoreError              the index cannot be read or written
        ├── IndexDamagedError   what is on disk contradicts itself
        └── DiskFullError       nothing could be written; the index is as it was

Messages are one line and say what is wrong, where, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass


class RagError(Exception):
    """Root of all errors that ragline raises on purpose."""


class RequestError(RagError):
    """The request itself is wrong; nothing was done."""


class SourceError(RequestError):
    """A source that cannot be read at all."""


class NoIndexError(RequestError):
    """There is no index where one was looked for."""


class IndexMismatchError(RequestError):
    """The index was made by another pipeline, encoder or version than the one at hand."""


class IndexBusyError(RequestError):
    """Another process is writing the index."""


class MissingExtraError(RequestError):
    """An optional package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra '{extra}': pip install 'ragline[{extra}]'")


class DocumentError(RagError):
    """One document cannot be read; the others go on."""


class ModelError(RagError):
    """A model cannot be found, verified or run."""


class ConversionError(ModelError):
    """A model cannot be made a graph of the faster runtime; torch may still run it."""


class ChatError(ModelError):
    """A chat model did not answer, or with nothing that can be used.

    `again` says whether it is worth asking once more, and `after` in how many seconds, where the
    model said so.
    """

    def __init__(self, message: str, *, again: bool = False, after: float | None = None) -> None:
        self.again = again
        self.after = after
        super().__init__(message)


class StoreError(RagError):
    """The index cannot be read or written."""


class IndexDamagedError(StoreError):
    """What is on disk contradicts itself."""


class DiskFullError(StoreError):
    """Nothing could be written; the index is as it was before."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a pipeline file: `line` counts from 1, None for an override."""

    message: str
    line: int | None = None
    key: str = ""


class PipelineError(RequestError):
    """A pipeline with faults, all of them at once."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        self.name = name
        self.faults = faults
        super().__init__("\n".join(self._line(fault) for fault in faults))

    def _line(self, fault: Fault) -> str:
        place = self.name if fault.line is None else f"{self.name}:{fault.line}"
        return ": ".join(part for part in (place, fault.key, fault.message) if part)

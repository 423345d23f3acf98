"""What is written beside a converted model: what it is, and how a damaged one is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rag.checksums import sha256, state

_FILE = "record.json"
_LIBRARIES = ("openvino", "torch", "transformers", "sentence-transformers")


@dataclass(frozen=True, slots=True)
class Record:
    """A converted model, or the `failure` to convert it: one line.

    `libraries` are versions, `size` and `sha256` those of its file, and `seen` the state of the
    file when they were taken. `model` is what people call it.
    """

    key: str
    precision: str
    libraries: dict[str, str]
    agreement: float = 0.0
    size: int = 0
    sha256: str = ""
    seen: list[int] = field(default_factory=list)
    failure: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    model: str = ""

    @classmethod
    def read(cls, folder: Path) -> Record | None:
        """The record in `folder`; None where there is none that can be read."""
        try:
            return cls(**json.loads((folder / _FILE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Write it to `folder`."""
        (folder / _FILE).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    def holds(self, path: Path) -> bool:
        """Whether the file is the recorded one. It is read only where it was touched since."""
        try:
            if path.stat().st_size != self.size:
                return False
            return state(path) == self.seen or sha256(path) == self.sha256
        except OSError:
            return False


def libraries() -> dict[str, str]:
    """The versions of what converts, as far as it is installed."""
    return dict(_versions())


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def records(folder: Path) -> list[Record]:
    """What is kept in the folders of `folder`, by the name of the model and the precision."""
    found = [Record.read(path.parent) for path in folder.glob(f"*/{_FILE}")]
    held = [one for one in found if one is not None]
    return sorted(held, key=lambda one: (one.model, one.precision))

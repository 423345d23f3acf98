"""A checked pipeline: what the index is made of, and the stages that a query goes through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from rag.config.component import Component


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Adds to the query."""

    component: Component

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        return {"rewrite": self.component.as_dict()}


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Finds passages by one arm or several; `fuse` is None for a single arm."""

    arms: tuple[Component, ...]
    fuse: Component | None = None

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        if self.fuse is None:
            return {"retrieve": self.arms[0].as_dict()}
        arms = [arm.as_dict() for arm in self.arms]
        return {"retrieve": {"fuse": self.fuse.as_dict(), "of": arms}}


@dataclass(frozen=True, slots=True)
class Rerank:
    """Scores the first `top` hits again; the rest keep their order below."""

    component: Component
    top: int

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        return {"rerank": {**self.component.as_dict(), "top": self.top}}


@dataclass(frozen=True, slots=True)
class Cut:
    """Keeps the first `k` hits."""

    k: int

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        return {"cut": {"k": self.k}}


Stage: TypeAlias = Rewrite | Retrieve | Rerank | Cut


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline file, checked; options are complete, defaults filled in."""

    name: str
    chunk: Component
    stages: tuple[Stage, ...]
    answer: Component
    description: str = ""
    prune: tuple[Component, ...] = ()
    encode: Component | None = None
    lexical: Component | None = None

    def index_part(self) -> dict[str, object]:
        """Everything that shapes the index, as plain data; frozen with the index it made."""
        return self._index(Component.shaping)

    def as_dict(self) -> dict[str, object]:
        """The whole pipeline as plain data, which parses back to an equal one."""
        return {
            "name": self.name,
            "description": self.description,
            "index": self._index(Component.as_dict),
            "query": [stage.as_dict() for stage in self.stages],
            "answer": self.answer.as_dict(),
        }

    def _index(self, plain: Callable[[Component], dict[str, object]]) -> dict[str, object]:
        part: dict[str, object] = {"chunk": plain(self.chunk)}
        if self.prune:
            part["prune"] = [plain(pruner) for pruner in self.prune]
        if self.encode is not None:
            part["encode"] = plain(self.encode)
        if self.lexical is not None:
            part["lexical"] = plain(self.lexical)
        return part

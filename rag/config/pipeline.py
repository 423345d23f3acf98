"""A checked pipeline: what the index is made of, and the stages that a query goes through."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rag.config.component import Component
from rag.config.grammar import PRUNING


@dataclass(frozen=True, slots=True)
class Prune:
    """A pruner and how much it drops: see `rag.config.grammar.PRUNING`.

    One of `keep`, `min_quality` and `within` is set; `dataset` goes with `within`.
    """

    component: Component
    keep: float | None = None
    min_quality: float | None = None
    within: float | None = None
    dataset: str | None = None

    @property
    def key(self) -> str:
        """What a measured share is kept under: the step as it shapes an index."""
        return json.dumps(self.shaping(), sort_keys=True)

    def amounts(self) -> dict[str, object]:
        """What is set beside the pruner, as a pipeline file would have it."""
        given = {name: getattr(self, name) for name in PRUNING}
        return {name: value for name, value in given.items() if value is not None}

    def as_dict(self) -> dict[str, object]:
        """The step as a pipeline file would have it."""
        return {**self.component.as_dict(), **self.amounts()}

    def shaping(self) -> dict[str, object]:
        """The same without what only says how the work is done."""
        return {**self.component.shaping(), **self.amounts()}


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
    """Scores the first `top` hits again; the rest keep their order below.

    The others are what `rag.config.grammar.RERANKING` has.
    """

    component: Component
    top: int
    weight: float = 1.0
    early_exit: Mapping[str, int] | None = None
    probability: Mapping[str, float] | None = None

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        more = {
            name: dict(value)
            for name in ("early_exit", "probability")
            if (value := getattr(self, name)) is not None
        }
        weight = {} if self.weight == 1 else {"weight": self.weight}
        return {"rerank": {**self.component.as_dict(), "top": self.top, **weight, **more}}


@dataclass(frozen=True, slots=True)
class Select:
    """Chooses and orders hits among themselves."""

    component: Component

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        return {"select": self.component.as_dict()}


@dataclass(frozen=True, slots=True)
class Expand:
    """Grows the passages of hits to what stands around them."""

    component: Component

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        return {"expand": self.component.as_dict()}


@dataclass(frozen=True, slots=True)
class Cut:
    """Keeps the first `k` hits."""

    k: int

    def as_dict(self) -> dict[str, object]:
        """The stage as a pipeline file would have it."""
        return {"cut": {"k": self.k}}


Stage: TypeAlias = Rewrite | Retrieve | Rerank | Select | Expand | Cut


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline file, checked; options are complete, defaults filled in."""

    name: str
    chunk: Component
    stages: tuple[Stage, ...]
    answer: Component
    description: str = ""
    prune: tuple[Prune, ...] = ()
    encode: Component | None = None
    lexical: Component | None = None
    dense: Component | None = None
    cache: Component | None = None

    def index_part(self) -> dict[str, object]:
        """Everything that shapes the index, as plain data; frozen with the index it made."""
        return self._index(lambda part: part.shaping())

    def as_dict(self) -> dict[str, object]:
        """The whole pipeline as plain data, which parses back to an equal one."""
        return {
            "name": self.name,
            **({"description": self.description} if self.description else {}),
            "index": self._index(lambda part: part.as_dict()),
            "query": [stage.as_dict() for stage in self.stages],
            "answer": self.answer.as_dict(),
            **({"cache": self.cache.as_dict()} if self.cache is not None else {}),
        }

    def _index(self, plain: Callable[[Component | Prune], dict[str, object]]) -> dict[str, object]:
        part: dict[str, object] = {"chunk": plain(self.chunk)}
        if self.prune:
            part["prune"] = [plain(pruner) for pruner in self.prune]
        if self.encode is not None:
            part["encode"] = plain(self.encode)
        if self.lexical is not None:
            part["lexical"] = plain(self.lexical)
        if self.dense is not None and self.encode is not None:
            part["dense"] = plain(self.dense)
        return part

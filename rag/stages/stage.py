"""What a stage is, and how it leaves a note on a hit."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Protocol

from rag.protocols import View
from rag.types import Hit, Ranking, StageScore


class Stage(Protocol):
    """One stage: `key` is its key in a pipeline file, `uses` the names of its components."""

    key: ClassVar[str]

    @property
    def uses(self) -> tuple[str, ...]:
        """The names of its components."""
        ...

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """What the stage makes of `ranking`."""
        ...


def noted(hit: Hit, name: str, rank: int, score: float, final: float | None = None) -> Hit:
    """`hit` with what stage `name` said; `final` is its score where that is another."""
    stages = dict(hit.stages.items())
    stages[name] = StageScore(rank, score)
    # Made some hundred times a query: `replace` takes twice as long.
    final = score if final is None else final
    return Hit(hit.passage, final, MappingProxyType(stages), hit.found)

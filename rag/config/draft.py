"""A pipeline file half checked: components beside the nodes that they were read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rag.config.component import Component
from rag.config.pipeline import (
    Cut,
    Expand,
    Pipeline,
    Prune,
    Rerank,
    Retrieve,
    Rewrite,
    Select,
    Stage,
)
from rag.config.tree import Node
from rag.errors import Fault


@dataclass(slots=True)
class Part:
    """A component where it is written; `component` is None where its options have faults."""

    node: Node
    type: Any
    component: Component | None

    def at(self, option: str) -> Node:
        """Where `option` is written, or the component where it is left to its default."""
        found = self.node.value.get(option) if isinstance(self.node.value, dict) else None
        return found or self.node

    def option(self, name: str) -> object:
        """The value of an option, None where it has none."""
        return self.component.options.get(name) if self.component is not None else None


@dataclass(slots=True)
class PrunePart:
    """A pruner where it is written, and how much it is to drop."""

    part: Part
    amounts: dict[str, Any]


@dataclass(slots=True)
class Step:
    """One stage of the query: its components, and its own number (`top` or `k`).

    `arms` is how many retrievers are written, of which `parts` holds those that could be read.
    `more` is what is said beside a reranker.
    """

    name: str
    node: Node
    parts: list[Part] = field(default_factory=list)
    fuse: Part | None = None
    number: int | None = None
    arms: int = 1
    more: dict[str, Any] = field(default_factory=dict)

    def stage(self) -> Stage:
        """The stage; call it only where the file has no faults."""
        components = [part.component for part in self.parts if part.component is not None]
        match self.name:
            case "rewrite":
                return Rewrite(components[0])
            case "retrieve":
                return Retrieve(tuple(components), self.fuse.component if self.fuse else None)
            case "rerank":
                return Rerank(components[0], self.number or 0, **self.more)
            case "select":
                return Select(components[0])
            case "expand":
                return Expand(components[0])
            case _:
                return Cut(self.number or 0)


@dataclass(slots=True)
class Draft:
    """What could be read of a file; `index` and `query` are None where they are not there.

    `complete` is whether every stage could be told by its name.
    """

    name: str = ""
    description: str = ""
    index: Node | None = None
    query: Node | None = None
    chunk: Part | None = None
    prune: list[PrunePart] = field(default_factory=list)
    encode: Part | None = None
    lexical: Part | None = None
    dense: Part | None = None
    steps: list[Step] = field(default_factory=list)
    complete: bool = True
    answer: Part | None = None
    cache: Part | None = None
    faults: list[Fault] = field(default_factory=list)

    def add(self, node: Node, message: str) -> None:
        """Report a fault where `node` is, unless the node itself has been reported."""
        if not node.refused:
            self.faults.append(Fault(message, node.line, node.key))

    def pipeline(self) -> Pipeline | None:
        """The pipeline, or None where there are faults."""
        chunk, answer = _component(self.chunk), _component(self.answer)
        if self.faults or chunk is None or answer is None:
            return None
        return Pipeline(
            name=self.name,
            description=self.description,
            chunk=chunk,
            prune=tuple(
                Prune(one.part.component, **one.amounts) for one in self.prune if one.part.component
            ),
            encode=_component(self.encode),
            lexical=_component(self.lexical),
            dense=_component(self.dense),
            stages=tuple(step.stage() for step in self.steps),
            answer=answer,
            cache=_component(self.cache),
        )


def _component(part: Part | None) -> Component | None:
    return part.component if part is not None else None

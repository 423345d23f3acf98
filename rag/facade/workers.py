"""How many questions of a batch are worked on at once, where nobody says."""

from __future__ import annotations

from collections.abc import Iterator

from rag import registry
from rag.chat.settings import DEFAULTS
from rag.config import Component, Cut, Pipeline, Retrieve

# Enough that what gathers for an encoder fills its batches.
_LOCAL = 16
# Somebody's server answers them, and others ask it too.
_CHAT = DEFAULTS.concurrency


def default_workers(pipeline: Pipeline, *, answering: bool = True) -> int:
    """Questions at once: fewer where a stage asks a chat model, the answerer if it is needed."""
    components = _components(pipeline, answering=answering)
    return _CHAT if any(map(_asks, components)) else _LOCAL


def _components(pipeline: Pipeline, *, answering: bool) -> Iterator[Component]:
    for stage in pipeline.stages:
        if isinstance(stage, Retrieve):
            yield from stage.arms
        elif not isinstance(stage, Cut):
            yield stage.component
    if answering:
        yield pipeline.answer


def _asks(component: Component) -> bool:
    """Whether a component, or one within it, is or is given a chat model."""
    return any(
        one.kind == "chat" or "chat" in getattr(registry.load(one.kind, one.use), "given", ())
        for one in component.within()
    )

"""Pipelines built: the components that a checked pipeline names, ready to work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, assert_never

from rag import config
from rag.config import Component, Cut, Expand, Pipeline, Prune, Rerank, Retrieve, Rewrite, Select
from rag.errors import RequestError
from rag.stages.cut import CutStage
from rag.stages.expand import ExpandStage
from rag.stages.rerank import Calibration, EarlyExit, RerankStage
from rag.stages.retrieve import RetrieveStage
from rag.stages.rewrite import RewriteStage
from rag.stages.select import SelectStage
from rag.stages.stage import Stage

# What indexes is no business of a question.
if TYPE_CHECKING:
    from rag.indexing import Indexer
    from rag.protocols import Chunker, Encoder
    from rag.pruning import Pruning


def build_indexer(
    pipeline: Pipeline,
    encoder: Encoder | None,
    chunker: Chunker | None = None,
    shares: Mapping[str, float] | None = None,
) -> Indexer:
    """The index part; a `chunker` given takes the place of the pipeline's.

    `shares` has how much is kept for each `Prune.key` that says `within`. Raises RequestError
    where one is missing.
    """
    from rag.chunk.words import WordTokenizer
    from rag.indexing import Indexer

    prunings = [_pruning(one, encoder, shares or {}) for one in pipeline.prune]
    made = chunker or pipeline.chunk.build(encoder=encoder)
    return Indexer(made, prunings, encoder, WordTokenizer())


def _pruning(prune: Prune, encoder: Encoder | None, shares: Mapping[str, float]) -> Pruning:
    from rag.pruning import Pruning

    keep = prune.keep if prune.within is None else shares.get(prune.key)
    if keep is None and prune.min_quality is None:
        raise RequestError(
            f"index.prune: how much '{prune.component.use}' may drop within {prune.within} has not "
            f"been measured on '{prune.dataset}' yet: 'rag index' measures it"
        )
    made = prune.component.build(encoder=encoder)
    return Pruning(prune.component.use, made, keep, prune.min_quality)


def build_stages(
    pipeline: Pipeline, make: Callable[[Component], Any] = Component.build
) -> Sequence[Stage]:
    """The query part; `make` builds each component."""
    names = _Names()
    return [_stage(stage, names, make) for stage in pipeline.stages]


def arm_names(pipeline: Pipeline) -> tuple[str, ...]:
    """What hits call the retrievers of a pipeline that has several; nothing for a single one."""
    names = _Names()
    for stage in pipeline.stages:
        if isinstance(stage, Retrieve):
            found = tuple(names(arm) for arm in stage.arms)
            return found if len(found) > 1 else ()
        if not isinstance(stage, Cut):
            names(stage.component)
    return ()


class _Names:
    """A name for each component of a query: the second of a kind is `NAME-2`."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def __call__(self, component: Component) -> str:
        self._seen[component.use] += 1
        again = self._seen[component.use]
        return component.use if again == 1 else f"{component.use}-{again}"


def _stage(stage: config.Stage, names: _Names, make: Callable[[Component], Any]) -> Stage:
    match stage:
        case Rewrite(component):
            return RewriteStage(names(component), make(component))
        case Retrieve(arms, fuse):
            built = [(names(arm), make(arm)) for arm in arms]
            return RetrieveStage(built, (names(fuse), make(fuse)) if fuse else None)
        case Rerank(component, top, weight, early_exit, probability):
            return RerankStage(
                names(component),
                make(component),
                top,
                weight,
                EarlyExit(**early_exit) if early_exit else None,
                Calibration(**probability) if probability else None,
            )
        case Select(component):
            return SelectStage(names(component), make(component))
        case Expand(component):
            return ExpandStage(names(component), make(component))
        case Cut(k):
            return CutStage(k)
        case _:
            assert_never(stage)

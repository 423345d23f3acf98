"""Pipelines built: the components that a checked pipeline names, ready to work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from rag.chunk.words import WordTokenizer
from rag.config import Cut, Expand, Pipeline, Prune, Rerank, Retrieve, Rewrite
from rag.errors import RequestError
from rag.indexing import Indexer
from rag.pipeline import CutStage, ExpandStage, RerankStage, RetrieveStage, RewriteStage, Stage
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
    prunings = [_pruning(one, encoder, shares or {}) for one in pipeline.prune]
    made = chunker or pipeline.chunk.build(encoder=encoder)
    return Indexer(made, prunings, encoder, WordTokenizer())


def _pruning(prune: Prune, encoder: Encoder | None, shares: Mapping[str, float]) -> Pruning:
    keep = prune.keep if prune.within is None else shares.get(prune.key)
    if keep is None and prune.min_quality is None:
        raise RequestError(
            f"index.prune: how much '{prune.component.use}' may drop within {prune.within} has not "
            f"been measured on '{prune.dataset}' yet: 'rag index' measures it"
        )
    made = prune.component.build(encoder=encoder)
    return Pruning(prune.component.use, made, keep, prune.min_quality)


def build_stages(pipeline: Pipeline) -> Sequence[Stage]:
    """The query part."""
    return [_stage(stage) for stage in pipeline.stages]


def _stage(stage: Rewrite | Retrieve | Rerank | Expand | Cut) -> Stage:
    match stage:
        case Rewrite(component):
            return RewriteStage(component.use, component.build())
        case Retrieve(arms, fuse):
            built = [(arm.use, arm.build()) for arm in arms]
            return RetrieveStage(built, (fuse.use, fuse.build()) if fuse else None)
        case Rerank(component, top):
            return RerankStage(component.use, component.build(), top)
        case Expand(component):
            return ExpandStage(component.build())
        case Cut(k):
            return CutStage(k)
        case _:
            assert_never(stage)

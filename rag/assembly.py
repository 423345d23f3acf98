"""Pipelines built: the components that a checked pipeline names, ready to work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from rag.chunk.words import WordTokenizer
from rag.config import Cut, Pipeline, Rerank, Retrieve, Rewrite
from rag.indexing import Indexer
from rag.pipeline import CutStage, RerankStage, RetrieveStage, RewriteStage, Stage
from rag.protocols import Chunker, Encoder


def build_indexer(
    pipeline: Pipeline, encoder: Encoder | None, chunker: Chunker | None = None
) -> Indexer:
    """The index part; a `chunker` given takes the place of the pipeline's."""
    pruners = [pruner.build() for pruner in pipeline.prune]
    return Indexer(chunker or pipeline.chunk.build(), pruners, encoder, WordTokenizer())


def build_stages(pipeline: Pipeline) -> Sequence[Stage]:
    """The query part."""
    return [_stage(stage) for stage in pipeline.stages]


def _stage(stage: Rewrite | Retrieve | Rerank | Cut) -> Stage:
    match stage:
        case Rewrite(component):
            return RewriteStage(component.use, component.build())
        case Retrieve(arms, fuse):
            built = [(arm.use, arm.build()) for arm in arms]
            return RetrieveStage(built, (fuse.use, fuse.build()) if fuse else None)
        case Rerank(component, top):
            return RerankStage(component.use, component.build(), top)
        case Cut(k):
            return CutStage(k)
        case _:
            assert_never(stage)

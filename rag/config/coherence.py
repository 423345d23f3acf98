"""Checks across the parts of a pipeline: each alone may be right and the whole still wrong.

Components take part by convention. The class attribute `needs` of a retriever names the part of
the index that it reads, "lexical" or "encode"; a chunker or pruner may need "encode". An
encoder's class method `max_tokens_of(options)` gives the most tokens of a passage that it reads,
without loading its model; a chunker's option `max_tokens`, and that of a chunker within it, is
held against it. A retriever's option `k` is how much it finds at most.
"""

from __future__ import annotations

from rag import registry
from rag.config.draft import Draft, Part, Step
from rag.config.tree import Node
from rag.errors import RagError


def check(draft: Draft) -> None:
    """Add to `draft.faults` all that does not fit together."""
    _passages_fit(draft)
    for part in (draft.chunk, *(one.part for one in draft.prune)):
        _index_has_what_part_needs(draft, part)
    _stages_in_order(draft)
    _rerank_reaches(draft)
    for step in draft.steps:
        if step.name == "retrieve":
            _index_has_what_arms_need(draft, step)
            _fuser_fits_arms(draft, step)


def _passages_fit(draft: Draft) -> None:
    chunk, encode = draft.chunk, draft.encode
    if chunk is None or chunk.component is None or encode is None:
        return
    sizes = [part.options.get("max_tokens") for part in chunk.component.within()]
    longest = max((size for size in sizes if isinstance(size, int)), default=None)
    if longest is None:
        return
    limit = _encoder_limit(draft, encode)
    if limit is not None and longest > limit:
        message = f"passages of {longest} tokens are longer than the {limit} that the encoder reads"
        draft.add(chunk.at("max_tokens"), message)


def _encoder_limit(draft: Draft, encode: Part) -> int | None:
    limit_of = getattr(encode.type, "max_tokens_of", None)
    if limit_of is None or encode.component is None:
        return None
    try:
        limit: int | None = limit_of(encode.component.options)
    except RagError as error:  # a model that is unknown or not there
        draft.add(encode.node, str(error))
        return None
    return limit


def _stages_in_order(draft: Draft) -> None:
    names = [step.name for step in draft.steps]
    if "retrieve" not in names:
        # A stage that could not be read may have been the one that is missed.
        if draft.query is not None and draft.complete:
            draft.add(_removed_retrieve(draft.query), "there is no 'retrieve' stage")
        return
    first = names.index("retrieve")
    for place, step in enumerate(draft.steps):
        if place < first and step.name in {"rerank", "expand", "cut"}:
            draft.add(step.node, f"'{step.name}' comes before 'retrieve': there are no hits yet")
        elif place > first and step.name == "rewrite":
            draft.add(step.node, "'rewrite' comes after 'retrieve': move it before")
        elif place > first and step.name == "retrieve":
            message = "a second 'retrieve': list the retrievers of both under one, in 'of'"
            draft.add(step.node, message)


def _removed_retrieve(query: Node) -> Node:
    """The override that took the stage away, or the list that never had it."""
    stages = [item.value for item in query.children if isinstance(item.value, dict)]
    return next((stage["retrieve"] for stage in stages if "retrieve" in stage), query)


def _rerank_reaches(draft: Draft) -> None:
    """A rerank of more hits than can reach it asks for what cannot be."""
    reach: int | None = None
    for step in draft.steps:
        if step.name == "retrieve":
            reach = _found_at_most(step)
        elif step.name == "cut" and step.number is not None and reach is not None:
            reach = min(reach, step.number)
        elif step.name == "rerank" and reach is not None and (step.number or 0) > reach:
            top = step.node.value.get("top") if isinstance(step.node.value, dict) else None
            message = f"'top' is {step.number}, but at most {reach} hits reach this stage"
            draft.add(top or step.node, message)


def _found_at_most(step: Step) -> int | None:
    depths = [arm.option("k") for arm in step.parts]
    known = [depth for depth in depths if isinstance(depth, int)]
    return sum(known) if known and len(known) == step.arms else None


def _index_has_what_part_needs(draft: Draft, part: Part | None) -> None:
    """A chunker or pruner, or one within it, may need the encoder."""
    if part is None or part.component is None or draft.encode is not None:
        return
    for inner in part.component.within():
        if getattr(registry.load(inner.kind, inner.use), "needs", None) == "encode":
            message = f"'{inner.use}' needs 'index.encode', which this pipeline leaves out"
            draft.add(part.node, message)


def _index_has_what_arms_need(draft: Draft, step: Step) -> None:
    index = draft.index.value if draft.index is not None else None
    if not isinstance(index, dict):
        return
    for arm in step.parts:
        need = getattr(arm.type, "needs", None)
        node = index.get(need) if need is not None else None
        if need is None or (node is not None and not node.removed):
            continue
        use = arm.at("use").value
        draft.add(node or arm.node, f"'{use}' needs 'index.{need}', which this pipeline leaves out")


def _fuser_fits_arms(draft: Draft, step: Step) -> None:
    arms = step.arms
    if step.fuse is None or arms < 2:
        return
    if step.fuse.option("alpha") is not None and arms != 2:
        message = f"'alpha' weighs two retrievers and there are {arms}: give 'weights' instead"
        draft.add(step.fuse.at("alpha"), message)
    weights = step.fuse.option("weights")
    if isinstance(weights, list) and len(weights) != arms:
        message = f"'weights' has {len(weights)} items and there are {arms} retrievers"
        draft.add(step.fuse.at("weights"), message)

"""Checks across the parts of a pipeline: each alone may be right and the whole still wrong.

Components take part by convention. The class attribute `needs` of a part of the query names the
part of the index that it reads, "lexical" or "encode", or its class method `needs_of(options)`
all such parts where its options decide; a chunker may need "encode", and so does a pruner whose
class says `needs_vectors = True`. An encoder's class method `max_tokens_of(options)` gives the
most tokens of a passage that it reads, without loading its model; a chunker's options
`max_tokens` and `window`, and those of a chunker within it, are held against it. A retriever's
option `k` is how much it finds at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rag import registry
from rag.config.draft import Draft, Part, Step
from rag.config.tree import Node
from rag.errors import RagError

# Options of chunkers that are held against what the encoder reads, and what they are sizes of.
_SIZES = {"max_tokens": "passages", "window": "windows"}
# Retrievers, in this order, whose lowest possible scores fusers know.
_FLOORED = ["bm25", "dense"]


def check(draft: Draft) -> None:
    """Add to `draft.faults` all that does not fit together."""
    _passages_fit(draft)
    for part in (draft.chunk, *(one.part for one in draft.prune)):
        _index_has_what_part_needs(draft, part)
    _stages_in_order(draft)
    _rerank_reaches(draft)
    _cache_has_encoder(draft)
    for step in draft.steps:
        _index_has_what_step_needs(draft, step)
        if step.name == "retrieve":
            _fuser_fits_arms(draft, step)
        if step.name == "rerank":
            _reranker_fits_stage(draft, step)


def _passages_fit(draft: Draft) -> None:
    """No passage and no window is longer than the encoder reads, and windows move on."""
    chunk, encode = draft.chunk, draft.encode
    if chunk is None or chunk.component is None or encode is None:
        return
    parts = [part.options for part in chunk.component.within()]
    longest = {key: _largest(part.get(key) for part in parts) for key in _SIZES}
    overlap = _unbounded_overlap(chunk.component.options)
    if not any(longest.values()) and not overlap:
        return
    # Asked only where it matters: it reads the model's tokenizer.
    limit = _encoder_limit(draft, encode)
    if limit is None:
        return
    for key, size in longest.items():
        if size > limit:
            told = f"{_SIZES[key]} of {size} tokens are longer than the {limit} that the encoder"
            draft.add(chunk.at(key), f"{told} reads: lower '{key}'")
    if overlap >= limit:
        told = f"an overlap of {overlap} leaves nothing new in a window of {limit} tokens"
        draft.add(chunk.at("overlap"), told)


def _largest(sizes: Iterable[object]) -> int:
    return max((size for size in sizes if isinstance(size, int)), default=0)


def _unbounded_overlap(options: Mapping[str, object]) -> int:
    """What windows repeat, where they are as long as the encoder reads."""
    return _largest([options.get("overlap")]) if options.get("window", 0) is None else 0


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
        if place < first and step.name in {"rerank", "select", "expand", "cut"}:
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


def _reranker_fits_stage(draft: Draft, step: Step) -> None:
    """What a reranker says of the stage that it is in."""
    entries = step.node.value if isinstance(step.node.value, dict) else {}
    for part in step.parts:
        judge = getattr(part.type, "stage_faults", None)
        if judge is None or part.component is None or step.number is None:
            continue
        stage = {**step.more, "top": step.number}
        for key, message in judge(part.component.options, stage):
            draft.add(entries.get(key, step.node), message)


def _cache_has_encoder(draft: Draft) -> None:
    """Questions are held against each other by their vectors."""
    if draft.cache is not None and draft.index is not None and draft.encode is None:
        message = "a cache needs 'index.encode': it compares questions by their vectors"
        draft.add(draft.cache.node, message)


def _found_at_most(step: Step) -> int | None:
    depths = [arm.option("k") for arm in step.parts]
    known = [depth for depth in depths if isinstance(depth, int)]
    return sum(known) if known and len(known) == step.arms else None


def _index_has_what_part_needs(draft: Draft, part: Part | None) -> None:
    """A chunker or pruner, or one within it, may need the encoder."""
    if part is None or part.component is None or draft.encode is not None:
        return
    for inner in part.component.within():
        made = registry.load(inner.kind, inner.use)
        # Where the class has a property, what is within it decides.
        by_vectors = getattr(made, "needs_vectors", False) is True
        if by_vectors or getattr(made, "needs", None) == "encode":
            message = f"'{inner.use}' needs 'index.encode', which this pipeline leaves out"
            draft.add(part.node, message)


def _index_has_what_step_needs(draft: Draft, step: Step) -> None:
    index = draft.index.value if draft.index is not None else None
    if not isinstance(index, dict):
        return
    needed = ((part, need) for part in step.parts for need in _needs(part))
    for part, need in needed:
        node = index.get(need)
        if node is not None and not node.removed:
            continue
        use = part.at("use").value
        draft.add(
            node or part.node, f"'{use}' needs 'index.{need}', which this pipeline leaves out"
        )


def _needs(part: Part) -> Sequence[str]:
    """The parts of the index that a part of the query reads."""
    judge = getattr(part.type, "needs_of", None)
    if judge is not None and part.component is not None:
        needs: Sequence[str] = judge(part.component.options)
        return needs
    need = getattr(part.type, "needs", None)
    return [] if need is None else [need]


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
    _floors_fit_arms(draft, step, step.fuse)


def _floors_fit_arms(draft: Draft, step: Step, fuse: Part) -> None:
    """The lowest scores that there could be are known of the usual two retrievers alone."""
    floors = fuse.option("floors")
    if isinstance(floors, list) and len(floors) != step.arms:
        message = f"'floors' has {len(floors)} items and there are {step.arms} retrievers"
        draft.add(fuse.at("floors"), message)
    uses = [part.component.use for part in step.parts if part.component is not None]
    read = len(uses) == step.arms
    if fuse.option("normalise") == "theoretical" and floors is None and read and uses != _FLOORED:
        message = "'floors' is missing: give the lowest score that each retriever could give"
        draft.add(fuse.at("normalise"), f"{message} (known: {' and '.join(_FLOORED)})")

"""What a pipeline may do though it seldom should: cuts that lose text, or repeat most of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rag import registry
from rag.config.component import Component
from rag.config.pipeline import Cut, Expand, Pipeline, Rerank, Retrieve, Rewrite, Select

# A context takes up to so many tokens: see `rag.chunk.context`.
_CONTEXT = 48


@dataclass(frozen=True, slots=True)
class Caution:
    """One thing to look at again: the key of the pipeline, and what is likely to happen."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


def cautions(pipeline: Pipeline) -> list[Caution]:
    """What is to be said of a pipeline without faults, in the order of its parts."""
    limit = _limit(pipeline)
    found = [*_model_is_there(pipeline, limit), *_has_a_maximum(pipeline, limit)]
    for component in pipeline.chunk.within():
        found += _room_for_context(component, limit)
        found += _overlap(component, limit)
    found += [*_late_window(pipeline), *_unread(pipeline), *_order(pipeline)]
    return [*found, *_exits(pipeline), *_scores(pipeline)]


def _limit(pipeline: Pipeline) -> int | None:
    """The tokens of a passage that the encoder reads; None where that cannot be told."""
    if pipeline.encode is None:
        return None
    encoder = registry.load(pipeline.encode.kind, pipeline.encode.use)
    limit_of = getattr(encoder, "max_tokens_of", None)
    limit: int | None = limit_of(pipeline.encode.options) if limit_of is not None else None
    return limit


def _model_is_there(pipeline: Pipeline, limit: int | None) -> Iterator[Caution]:
    if pipeline.encode is not None and limit is None:
        message = "how much its model reads cannot be told here, so no size was held against it"
        yield Caution("index.encode", message)


def _has_a_maximum(pipeline: Pipeline, limit: int | None) -> Iterator[Caution]:
    """A chunker whose passages may be of any length, such as whole documents."""
    if any("max_tokens" in component.options for component in pipeline.chunk.within()):
        return
    told = f"'{pipeline.chunk.use}' has no 'max_tokens', so that a passage may be of any length"
    if pipeline.encode is not None:
        most = f"{limit} tokens" if limit is not None else "part"
        told += f": of a longer one the encoder reads the first {most} alone"
    yield Caution("index.chunk", told)


def _room_for_context(component: Component, limit: int | None) -> Iterator[Caution]:
    most, context = component.options.get("max_tokens"), component.options.get("context", "none")
    if limit is None or not isinstance(most, int) or context in {"none", None, False}:
        return
    room = limit - min(_CONTEXT, limit // 4)
    if room < most <= limit:
        told = (
            f"{most} tokens and a context of up to {limit - room} are more than the {limit} that "
            f"the encoder reads: below long headings passages get as few as {room} tokens"
        )
        yield Caution("index.chunk.max_tokens", told)


def _overlap(component: Component, limit: int | None) -> Iterator[Caution]:
    """Passages that mostly repeat one another. Windows of late chunking are not indexed."""
    options = component.options
    unit = "sentences" if "sentences" in options else "tokens"
    overlap = options.get("overlap")
    most = options.get("sentences") or options.get("max_tokens") or limit
    if "window" in options or not isinstance(overlap, int) or not isinstance(most, int):
        return
    if most > overlap > most / 2:
        told = f"{overlap} of {most} {unit} are repeated, more than half: "
        told += f"text is indexed about {most / (most - overlap):.0f} times"
        yield Caution("index.chunk.overlap", told)


def _late_window(pipeline: Pipeline) -> Iterator[Caution]:
    """A passage that is longer than the window has seen nothing around it, nor all of itself."""
    window = pipeline.chunk.options.get("window")
    inner = [component.options.get("max_tokens") for component in pipeline.chunk.within()]
    longest = max((size for size in inner if isinstance(size, int)), default=None)
    if isinstance(window, int) and longest is not None and longest > window:
        told = f"a window of {window} tokens is shorter than passages of {longest}"
        yield Caution("index.chunk.window", told)


def _unread(pipeline: Pipeline) -> Iterator[Caution]:
    """A rewriter that adds what no retriever reads, and somebody waits for its model."""
    arms = [arm for one in pipeline.stages if isinstance(one, Retrieve) for arm in one.arms]
    if any(_reads_vectors(arm) for arm in arms):
        return
    for stage in pipeline.stages:
        if isinstance(stage, Rewrite) and _reads_vectors(stage.component):
            told = f"'{stage.component.use}' adds to searches by vectors alone, and none is made"
            yield Caution("query.rewrite", f"{told}: leave it out, or retrieve with 'dense'")


def _reads_vectors(component: Component) -> bool:
    made = registry.load(component.kind, component.use)
    return getattr(made, "needs", None) == "encode"


def _exits(pipeline: Pipeline) -> Iterator[Caution]:
    """An early exit that comes when everything is scored."""
    for stage in pipeline.stages:
        if not isinstance(stage, Rerank) or stage.early_exit is None:
            continue
        first = stage.early_exit["best"] + stage.early_exit["patience"]
        if first >= stage.top:
            told = f"it could end after {first} hits at the earliest, and 'top' is {stage.top}"
            yield Caution("query.rerank.early_exit", f"{told}: lower 'best' or 'patience'")


def _order(pipeline: Pipeline) -> Iterator[Caution]:
    stages = pipeline.stages
    for place, stage in enumerate(stages):
        after = stages[place + 1 :]
        if isinstance(stage, Expand) and any(isinstance(one, Rerank) for one in after):
            told = "a 'rerank' after it reads the grown passages: move it before this stage"
            yield Caution("query.expand", told)


def _scores(pipeline: Pipeline) -> Iterator[Caution]:
    """A selector that compares scores of which a reranker gave only the first ones.

    The class attribute `compares` says that it does, its option `top` how many of them.
    """
    scored: int | None = None
    for stage in pipeline.stages:
        if isinstance(stage, Rerank):
            scored = stage.top
        elif isinstance(stage, Cut) and scored is not None and stage.k <= scored:
            scored = None
        elif isinstance(stage, Select) and scored is not None:
            component = stage.component
            compares = getattr(registry.load(component.kind, component.use), "compares", False)
            top = component.options.get("top")
            if compares and not (isinstance(top, int) and top <= scored):
                told = (
                    f"'{component.use}' compares scores, and hits after the first {scored} keep "
                    f"those from before 'rerank': put 'cut: {{k: {scored}}}' between the two"
                )
                yield Caution("query.select", told)

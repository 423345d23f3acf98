"""Ablation: a pipeline with each of its parts taken away in turn."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from rag.config import Pipeline, parse_pipeline
from rag.errors import PipelineError
from rag.registry import names

Plain: TypeAlias = dict[str, Any]
_Change: TypeAlias = Callable[[Plain], None]

_PLAIN_CHUNKER = "fixed"
_NO_CONTEXT = "none"


def ablations(pipeline: Pipeline, *, cut: bool = True) -> list[Pipeline]:
    """`pipeline` without each rewriter, arm, reranker, expander, pruner and kind of chunking.

    They are named for what they lack: `hybrid without dense`. A cut at the end stays, because
    measures look below it. With `cut` false the chunker is left alone: the documents are not
    cut. What makes no valid pipeline is left out.
    """
    whole = pipeline.as_dict()
    changes = [*_stage_changes(whole["query"]), *_pruner_changes(whole)]
    if cut:
        changes += _chunker_changes(whole)
    variants: dict[str, Pipeline] = {}
    for told, change in changes:
        variant = _changed(whole, _unlike(f"{pipeline.name} {told}", variants), change)
        if variant is not None:
            variants[variant.name] = variant
    return list(variants.values())


def _changed(whole: Mapping[str, Any], name: str, change: _Change) -> Pipeline | None:
    plain = copy.deepcopy(dict(whole))
    change(plain)
    plain["name"] = name
    try:
        return parse_pipeline(json.dumps(plain), name)
    except PipelineError:
        return None


def _stage_changes(query: Any) -> Iterator[tuple[str, _Change]]:
    last = max(place for place, stage in enumerate(query) if "cut" not in stage)
    for place, stage in enumerate(query):
        ((kind, part),) = stage.items()
        if kind == "retrieve":
            yield from _arm_changes(place, part)
        elif kind == "cut":
            if place < last:
                yield f"without cut {part['k']}", _without_stage(place)
        else:
            yield f"without {part['use']}", _without_stage(place)


def _without_stage(place: int) -> _Change:
    def change(plain: Plain) -> None:
        del plain["query"][place]

    return change


def _arm_changes(place: int, part: Mapping[str, Any]) -> Iterator[tuple[str, _Change]]:
    arms = part.get("of", [])
    for number, arm in enumerate(arms):
        if len(arms) > 1:
            yield f"without {arm['use']}", _without_arm(place, number)


def _without_arm(place: int, number: int) -> _Change:
    def change(plain: Plain) -> None:
        stage = plain["query"][place]
        arms = stage["retrieve"]["of"]
        del arms[number]
        if len(arms) == 1:
            stage["retrieve"] = arms[0]

    return change


def _pruner_changes(whole: Mapping[str, Any]) -> Iterator[tuple[str, _Change]]:
    pruners = whole["index"].get("prune", [])
    for number, pruner in enumerate(pruners):
        yield f"without {pruner['use']}", _without_pruner(number)


def _without_pruner(number: int) -> _Change:
    def change(plain: Plain) -> None:
        del plain["index"]["prune"][number]

    return change


def _chunker_changes(whole: Mapping[str, Any]) -> Iterator[tuple[str, _Change]]:
    chunk = whole["index"]["chunk"]
    chunkers = names("chunker")
    nested = [one for one in chunk.values() if isinstance(one, dict)]
    inner = next((one for one in nested if one.get("use") in chunkers), None)
    if inner is not None:
        yield f"without {chunk['use']}", _with_chunker(inner)
    simplest = inner or chunk
    if simplest.get("context", _NO_CONTEXT) != _NO_CONTEXT:
        plain = {**simplest, "context": _NO_CONTEXT}
        held = {key: plain if one is inner else one for key, one in chunk.items()}
        yield "without context", _with_chunker(held if inner is not None else plain)
    if simplest["use"] != _PLAIN_CHUNKER:
        shared = {key: simplest[key] for key in ("max_tokens", "context") if key in simplest}
        yield f"with {_PLAIN_CHUNKER} chunks", _with_chunker({"use": _PLAIN_CHUNKER, **shared})


def _with_chunker(chunk: Mapping[str, Any]) -> _Change:
    def change(plain: Plain) -> None:
        plain["index"]["chunk"] = dict(chunk)

    return change


def _unlike(name: str, taken: Mapping[str, object]) -> str:
    """`name`, numbered where it is taken: a pipeline may have two parts of a kind."""
    number = 2
    unlike = name
    while unlike in taken:
        unlike = f"{name} ({number})"
        number += 1
    return unlike

"""A JSON Schema of pipeline files, for editors: the parser's keys and the components' options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from rag import registry
from rag.config.component import nesting, option_model
from rag.config.grammar import COUNT, INDEX_KINDS, PRUNING, RERANKING, TOP_REQUIRED

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXTENDED = ("pruner", "reranker")
_LINE = {"type": "string", "pattern": r"^[^\n]*\S[^\n]*$"}


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a pipeline file, with every registered component."""
    definitions: dict[str, Any] = {}
    index = _index(definitions)
    stages = _stages(definitions)
    answer = _any_of("answerer", definitions)
    top = {
        "name": {**_LINE, "description": "What the pipeline is called in reports."},
        "description": {**_LINE, "description": "What the pipeline is for."},
        "index": index,
        "query": {"type": "array", "items": {"anyOf": stages}},
        "answer": answer,
        "cache": _any_of("cache", definitions),
    }
    return {
        "$schema": _DIALECT,
        "title": "ragline pipeline",
        **_mapping(top, TOP_REQUIRED),
        "$defs": definitions,
    }


def _mapping(properties: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _index(definitions: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Mapping[str, Any]] = {"prune": PRUNING}
    parts = {key: _any_of(kind, definitions, extra.get(key)) for key, kind in INDEX_KINDS.items()}
    parts["prune"] = {"anyOf": [parts["prune"], {"type": "array", "items": parts["prune"]}]}
    either = [{"required": ["encode"]}, {"required": ["lexical"]}]
    return {**_mapping(parts, ("chunk",)), "anyOf": either}


def _stages(definitions: dict[str, Any]) -> list[dict[str, Any]]:
    stages = {
        "rewrite": _any_of("rewriter", definitions),
        "retrieve": _retrieve(definitions),
        "rerank": _any_of("reranker", definitions, RERANKING),
        "select": _any_of("selector", definitions),
        "expand": _any_of("expander", definitions),
        "cut": _mapping({"k": {**COUNT, "description": "How many hits are kept."}}, ("k",)),
    }
    return [_mapping({name: stage}, (name,)) for name, stage in stages.items()]


def _retrieve(definitions: dict[str, Any]) -> dict[str, Any]:
    arm = _any_of("retriever", definitions)
    one = {"type": "array", "items": arm, "minItems": 1, "maxItems": 1}
    several = {"type": "array", "items": arm, "minItems": 2}
    fuse = _any_of("fuser", definitions)
    fused = _mapping({"fuse": fuse, "of": several}, ("of",))
    return {"anyOf": [arm, _mapping({"of": one}, ("of",)), fused]}


def _any_of(
    kind: str, definitions: dict[str, Any], extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    names = registry.names(kind)
    if not names:
        return {"not": {}, "description": f"No {kind} is installed."}
    # A step says more of a component than another component does that nests it.
    nested = kind in _EXTENDED and not extra
    places = {use: f"{kind}.{use}" + (".nested" if nested else "") for use in names}
    for use, place in places.items():
        if place not in definitions:
            # Known before it is made: a component may nest others of its own kind.
            definitions[place] = {}
            definitions[place] = _component(kind, use, definitions, extra or {})
    return {"anyOf": [{"$ref": f"#/$defs/{place}"} for place in places.values()]}


def _component(
    kind: str, use: str, definitions: dict[str, Any], extra: Mapping[str, Any]
) -> dict[str, Any]:
    component = registry.load(kind, use)
    place = f"{kind}.{use}."
    model = option_model(component).model_json_schema(ref_template=f"#/$defs/{place}{{model}}")
    for name, definition in model.get("$defs", {}).items():
        definitions[place + name] = definition
    options = model.get("properties", {})
    for option in options.values():
        option.pop("title", None)
    for option, nested in nesting(component).items():
        inner = _any_of(nested.kind, definitions)
        options[option].pop("component", None)
        options[option].update({"items": inner} if nested.several else inner)
    mapping = _mapping({"use": {"const": use}, **options, **extra}, ("use",))
    mapping["required"] += model.get("required", [])
    return {"title": f"{kind} {use}", "description": _summary(component), **mapping}


def _summary(component: Any) -> str:
    return (inspect.getdoc(component) or "").partition("\n")[0]

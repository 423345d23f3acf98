"""Values, and what an option takes, in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rag.registry import unknown

LONGEST = 60

_NOUNS: Mapping[str, str] = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "object": "a mapping",
    "array": "a list",
}
_BOUNDS: Mapping[str, str] = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "minLength": "of at least {} characters",
    "maxLength": "of at most {} characters",
    "minItems": "of at least {} items",
    "maxItems": "of at most {} items",
    "pattern": "that matches {}",
}


def shown(value: object) -> str:
    """`value` as a pipeline file would have it, on one line and cut short."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def named(kind: str) -> str:
    """A kind of component with its article, for example "an encoder"."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def taken(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> str:
    """What a JSON Schema of one option takes, for example "a whole number >= 8"."""
    definitions = definitions or {}
    if "$ref" in schema:
        return taken(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "component" in schema:
        return f"{named(schema['component'])} like {{use: NAME}}"
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(shown(choice) for choice in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(taken(one, definitions) for one in schema[union]))
    return _bounded(schema, definitions)


def _bounded(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    noun = _NOUNS.get(schema.get("type", ""), "a value")
    if schema.get("items"):
        noun += f" (each item {taken(schema['items'], definitions)})"
    bounds = [words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema]
    return " ".join([noun, " and ".join(bounds)]).strip()


def not_taken(key: str, schema: Mapping[str, Any], given: object) -> str:
    """One line about a value of the wrong type or out of bounds."""
    return f"'{key}' takes {taken(schema)}, got {shown(given)}"


def unknown_key(what: str, given: str, known: Iterable[str]) -> str:
    """One line about a key that nothing takes: the nearest one, and all that are taken."""
    choices = list(known)
    return unknown(what, given, choices) if choices else f"no {what} named '{given}': it takes none"

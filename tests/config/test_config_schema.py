"""The JSON Schema takes what the parser takes and rejects what it rejects."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from config_components import FULL, register

from rag.config import preset_text, presets, schema


@pytest.fixture(autouse=True)
def _components(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def test_components_are_described_by_their_signatures_and_docstrings() -> None:
    definitions = schema()["$defs"]
    chunker = definitions["chunker.fixed"]
    assert chunker["description"] == "Windows of a fixed number of tokens."
    assert chunker["additionalProperties"] is False
    assert chunker["required"] == ["use"]
    assert chunker["properties"] == {
        "use": {"const": "fixed"},
        "max_tokens": {"type": "integer", "minimum": 8, "default": 254},
        "overlap": {"type": "integer", "default": 0},
    }
    encoder = definitions["encoder.sentence-transformers"]
    assert encoder["required"] == ["use", "model"]
    assert encoder["properties"]["dtype"]["enum"] == ["float32", "bfloat16", "int8"]
    assert definitions["reranker.cross"]["properties"]["top"]["minimum"] == 1


def test_the_file_itself_is_closed_and_every_reference_resolves() -> None:
    written = schema()
    assert written["additionalProperties"] is False
    assert written["required"] == ["name", "index", "query"]
    assert set(written["properties"]) == {
        "name",
        "description",
        "index",
        "query",
        "answer",
        "cache",
    }
    references = set(_references(written))
    assert references == {f"#/$defs/{name}" for name in written["$defs"]}
    json.dumps(written)


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if "$ref" in value else []
    return own + [found for item in value.values() for found in _references(item)]


def test_a_validator_takes_what_the_parser_takes() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    for text in [FULL, *map(preset_text, presets())]:
        document = json.loads(json.dumps(yaml.load(text, yaml.BaseLoader)))
        document = _typed(document)
        assert validator.is_valid(document), [
            error.message for error in validator.iter_errors(document)
        ]
    for bad in ("max_tokens: 4", "max_token: 128", "use: fixd"):
        document = yaml.safe_load(FULL.replace("max_tokens: 128", bad))
        assert not validator.is_valid(document)


def _typed(value: Any) -> Any:
    """Numbers as numbers, and `no` as the text that it is."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    try:
        return json.loads(value)
    except ValueError:
        return value

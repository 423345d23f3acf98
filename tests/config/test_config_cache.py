"""The part `cache` of a pipeline file."""

from __future__ import annotations

import pytest

from rag.config import parse_pipeline, schema
from rag.drawing import drawn
from rag.errors import PipelineError

BASE = """\
name: kept
index: {chunk: {use: fixed}, encode: {use: sentence-transformers}, lexical: {use: bm25}}
query: [{retrieve: {use: bm25}}]
"""


def faults(text: str, *overrides: str) -> list[str]:
    with pytest.raises(PipelineError) as raised:
        parse_pipeline(text, "kept.yaml", overrides)
    return [fault.message for fault in raised.value.faults]


def test_off_by_default() -> None:
    made = parse_pipeline(BASE, "kept.yaml")
    assert made.cache is None
    assert "cache" not in made.as_dict()


def test_read_and_written() -> None:
    made = parse_pipeline(BASE + "cache: {use: vectorq, max_error: 0.1}\n", "kept.yaml")
    assert made.as_dict()["cache"] == {"use": "vectorq", "max_error": 0.1, "entries": 10_000}
    assert "cache" not in made.index_part()
    again = parse_pipeline(BASE, "kept.yaml", ["cache.max_error=0.1"])
    assert again == made
    assert parse_pipeline(BASE, "kept.yaml", ["cache.use=vectorq", "cache=null"]).cache is None


@pytest.mark.parametrize("option", ["max_error: 0", "max_error: 1", "entries: 0", "entries: 1.5"])
def test_bounds(option: str) -> None:
    (told,) = faults(BASE + f"cache: {{use: vectorq, {option}}}\n")
    assert option.partition(":")[0] in told


def test_faults() -> None:
    assert "did you mean 'vectorq'?" in faults(BASE + "cache: {use: vectorc}\n")[0]
    assert "folder" in faults(BASE + "cache: {use: vectorq, folder: x}\n")[0]
    lexical = BASE.replace("encode: {use: sentence-transformers}, ", "")
    (told,) = faults(lexical + "cache: {use: vectorq}\n")
    assert told == "a cache needs 'index.encode': it compares questions by their vectors"


def test_drawn() -> None:
    made = parse_pipeline(BASE + "cache: {use: vectorq, max_error: 0.1}\n", "kept.yaml")
    assert "cache: vectorq (max_error: 0.1)" in drawn(made)
    assert "cache" not in drawn(parse_pipeline(BASE, "kept.yaml"))


def test_in_the_schema() -> None:
    assert schema()["properties"]["cache"] == {"anyOf": [{"$ref": "#/$defs/cache.vectorq"}]}

"""The keys of a pipeline file, as the parser takes them and the JSON Schema shows them."""

from __future__ import annotations

from collections.abc import Mapping

TOP_KEYS = ("name", "description", "index", "query", "answer")
TOP_REQUIRED = ("name", "index", "query")

# Part of the index, or stage of the query -> the kind of component that it takes.
INDEX_KINDS: Mapping[str, str] = {
    "chunk": "chunker",
    "prune": "pruner",
    "encode": "encoder",
    "lexical": "lexical",
}
STAGES = ("rewrite", "retrieve", "rerank", "cut")

DEFAULT_FUSER = "convex"
DEFAULT_ANSWERER = "extractive"
DEFAULT_TOP = 30

# JSON Schema of a count, for the stages' own numbers.
COUNT: Mapping[str, object] = {"type": "integer", "minimum": 1}

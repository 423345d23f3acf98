"""The keys of a pipeline file, as the parser takes them and the JSON Schema shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOP_KEYS = ("name", "description", "index", "query", "answer", "cache")
TOP_REQUIRED = ("name", "index", "query")

# Part of the index, or stage of the query -> the kind of component that it takes.
INDEX_KINDS: Mapping[str, str] = {
    "chunk": "chunker",
    "prune": "pruner",
    "encode": "encoder",
    "lexical": "lexical",
    "dense": "dense",
}
STAGES = ("rewrite", "retrieve", "rerank", "select", "expand", "cut")

DEFAULT_DENSE = "auto"
DEFAULT_FUSER = "convex"
DEFAULT_ANSWERER = "extractive"
DEFAULT_CACHE = "vectorq"
DEFAULT_TOP = 30

# JSON Schema of a count, for the stages' own numbers.
COUNT: Mapping[str, object] = {"type": "integer", "minimum": 1}

# What is said beside a pruner: how much of what it judges is dropped.
PRUNING: Mapping[str, Mapping[str, object]] = {
    "keep": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "The share of passages that is kept, the best by the pruner's scores.",
    },
    "min_quality": {
        "type": "number",
        "description": "What scores less is dropped.",
    },
    "within": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "Drop as much as is shown to cost at most this much on 'dataset'.",
    },
    "dataset": {
        "type": "string",
        "description": "The folder of the dataset that 'within' is measured on.",
    },
}

# What is said beside a reranker.
RERANKING: Mapping[str, Mapping[str, Any]] = {
    "top": {**COUNT, "default": DEFAULT_TOP, "description": "How many hits are scored again."},
    "weight": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 1.0,
        "description": "How much the reranker's scores count beside those that the hits had.",
    },
    "early_exit": {
        "type": "object",
        "properties": {
            "best": {**COUNT, "description": "The hits that matter, such as those of the cut."},
            "patience": {**COUNT, "description": "How many hits are scored at a time after them."},
        },
        "required": ["best", "patience"],
        "additionalProperties": False,
        "description": "Stop when 'patience' hits in a row brought none into the 'best'.",
    },
    "probability": {
        "type": "object",
        "properties": {
            "slope": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "What a score is multiplied by.",
            },
            "intercept": {"type": "number", "description": "What is added to it."},
        },
        "required": ["slope", "intercept"],
        "additionalProperties": False,
        "description": "The logistic curve from scores to probabilities, as fitted.",
    },
}

"""Pipeline files: read, checked whole before anything runs, every fault reported at once."""

from rag.config.component import Component
from rag.config.difference import differences
from rag.config.json_schema import schema
from rag.config.parser import parse_pipeline
from rag.config.pipeline import Cut, Pipeline, Rerank, Retrieve, Rewrite, Stage
from rag.config.preset import load_pipeline, preset_text, presets

__all__ = [
    "Component",
    "Cut",
    "Pipeline",
    "Rerank",
    "Retrieve",
    "Rewrite",
    "Stage",
    "differences",
    "load_pipeline",
    "parse_pipeline",
    "preset_text",
    "presets",
    "schema",
]

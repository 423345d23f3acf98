"""Pipeline files: read, checked whole before anything runs, every fault reported at once."""

from rag.config.cautions import Caution, cautions
from rag.config.component import Component
from rag.config.difference import differences
from rag.config.json_schema import schema
from rag.config.parser import parse_pipeline
from rag.config.pipeline import (
    Cut,
    Expand,
    Pipeline,
    Prune,
    Rerank,
    Retrieve,
    Rewrite,
    Select,
    Stage,
)
from rag.config.preset import load_pipeline, preset_text, presets

__all__ = [
    "Caution",
    "Component",
    "Cut",
    "Expand",
    "Pipeline",
    "Prune",
    "Rerank",
    "Retrieve",
    "Rewrite",
    "Select",
    "Stage",
    "cautions",
    "differences",
    "load_pipeline",
    "parse_pipeline",
    "preset_text",
    "presets",
    "schema",
]

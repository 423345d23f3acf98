"""Where pipelines come from: presets that ship with ragline, and files."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from rag.config.parser import parse_pipeline
from rag.config.pipeline import Pipeline
from rag.config.tree import MAX_BYTES
from rag.errors import Fault, PipelineError, RequestError
from rag.registry import unknown

_SUFFIX = ".yaml"


def presets() -> list[str]:
    """The names of the presets, sorted."""
    names = (item.name for item in files("rag.pipelines").iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


def preset_text(name: str) -> str:
    """The YAML of a preset. Raises RequestError, which lists the presets."""
    if name not in presets():
        raise RequestError(unknown("pipeline preset", name, presets()))
    return (files("rag.pipelines") / (name + _SUFFIX)).read_text(encoding="utf-8")


def load_pipeline(name_or_path: str, overrides: Sequence[str] = ()) -> Pipeline:
    """The pipeline of a preset's name or a file's path, with "KEY=VALUE" overrides.

    Raises PipelineError with every fault, and RequestError where there is no such pipeline.
    """
    text = _file_text(name_or_path) if _is_path(name_or_path) else preset_text(name_or_path)
    return parse_pipeline(text, name_or_path, overrides)


def _is_path(name: str) -> bool:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return True
    # A preset is not hidden by a file that happens to carry its name.
    return name not in presets() and Path(name).is_file()


def _file_text(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(f"pipeline file '{path}' cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        message = f"larger than the {MAX_BYTES // 1024} KB that a pipeline may have"
        raise PipelineError(path, (Fault(message),))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PipelineError(path, (Fault("not UTF-8 text: save it as UTF-8", line),)) from None

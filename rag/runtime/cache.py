"""Converted models, kept in the user's cache: each is converted and compiled once.

A folder holds one graph as OpenVINO compiled it for this processor, with a record of what it is.
It is made as a draft beside its place and renamed, so that a folder that is there is whole; a
lock keeps two processes from making the same one. What cannot be converted is remembered too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.checksums import sha256, state
from rag.errors import ConversionError
from rag.runtime.graph import Graph
from rag.runtime.int8 import with_int8_weights
from rag.runtime.library import core, openvino, version
from rag.runtime.processor import processor
from rag.runtime.record import Record, libraries

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from openvino import CompiledModel

    from rag.runtime.conversion import Conversion
    from rag.runtime.processor import Precision

# Raised when what is kept here changes its meaning.
_FORMAT = 1
_GRAPH = "graph.blob"
_DRAFT = ".draft"
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "int8": "f32"}
# What torch gives must be given: with weights of 8 bits, nearly.
LEAST_AGREEMENT = {"float32": 0.999, "bfloat16": 0.999, "float16": 0.999, "int8": 0.99}


def graphs_folder() -> Path:
    """Where converted models are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("ragline") / "graphs"


def open_graph(conversion: Conversion, precision: Precision) -> Graph:
    """The graph of `conversion` computing in `precision`, converted first where it is not kept.

    A cold one takes a tenth of a second, a conversion some seconds and torch. Raises
    ConversionError where it cannot be converted, or agrees too little with torch: that is
    remembered, until a library that may change it is another version.
    """
    name = _name(conversion.key, precision)
    folder = graphs_folder() / name
    kept = _kept(folder, precision)
    if kept is not None:
        return kept
    try:
        return _made(conversion, precision, folder)
    except OSError as error:
        warnings.warn(
            f"the converted model cannot be kept in '{folder.parent}' "
            f"({error.strerror or type(error).__name__}): it is converted again by each process; "
            "make room there, or set XDG_CACHE_HOME to a folder that can be written",
            stacklevel=2,
        )
    return _converted(conversion, precision)[0]


def _name(key: str, precision: Precision) -> str:
    """A folder's name: one for each model, precision, processor and version of OpenVINO."""
    here = processor()
    parts = [_FORMAT, key, precision, version(), here.name, sorted(here.features)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _kept(folder: Path, precision: Precision) -> Graph | None:
    """The graph in `folder`; None where there is none, or not what the record says."""
    record = Record.read(folder)
    if record is None or record.precision != precision:
        return None
    if record.failure:
        if record.libraries != libraries():
            return None
        raise ConversionError(record.failure)
    path = folder / _GRAPH
    if not record.holds(path):
        return None
    try:
        compiled, held = _imported(path, precision)
    except RuntimeError:
        # Written by another build of the same version, or for another processor.
        return None
    return Graph(compiled, precision, record.agreement, record.facts, held)


def _made(conversion: Conversion, precision: Precision, folder: Path) -> Graph:
    """Convert into `folder`, unless another process has done so meanwhile. May raise OSError."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder):
        kept = _kept(folder, precision)
        if kept is not None:
            return kept
        for left in folder.parent.glob(f"{folder.name}*{_DRAFT}"):
            # Whoever left it was killed, as the lock is ours.
            shutil.rmtree(left)
        draft = Path(tempfile.mkdtemp(suffix=_DRAFT, prefix=f"{folder.name}-", dir=folder.parent))
        try:
            graph = _written(conversion, precision, draft)
            _publish(draft, folder)
        except ConversionError:
            _publish(draft, folder)
            raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return graph


def _written(conversion: Conversion, precision: Precision, draft: Path) -> Graph:
    """Convert, and write the graph or why there is none. May raise OSError."""
    try:
        graph, compiled = _converted(conversion, precision)
    except ConversionError as error:
        _record(conversion, precision, failure=str(error)).write(draft)
        raise
    path = draft / _GRAPH
    with path.open("wb") as file:
        file.write(compiled.export_model().getbuffer())
        file.flush()
        os.fsync(file.fileno())
    _record(
        conversion,
        precision,
        agreement=graph.agreement,
        facts=dict(graph.facts),
        size=path.stat().st_size,
        sha256=sha256(path),
        seen=state(path),
    ).write(draft)
    return graph


def _record(conversion: Conversion, precision: Precision, **found: Any) -> Record:
    return Record(conversion.key, precision, libraries(), model=conversion.name, **found)


def _publish(draft: Path, folder: Path) -> None:
    if folder.exists():
        # What is damaged, or of other versions.
        shutil.rmtree(folder)
    draft.rename(folder)


def _converted(conversion: Conversion, precision: Precision) -> tuple[Graph, CompiledModel]:
    """The graph made anew, in memory, and measured against torch."""
    try:
        model = conversion.export()
        if precision == "int8":
            with_int8_weights(model)
        compiled = core().compile_model(model, "CPU", _settings(precision))
        facts = conversion.facts()
        agreement = conversion.agreement(Graph(compiled, precision, facts=facts))
    except (ConversionError, OSError):
        raise
    # Models' own code, torch and OpenVINO all have their own errors.
    except Exception as error:
        said = " ".join((str(error).strip() or type(error).__name__).split())
        raise ConversionError(f"it cannot be converted: {said[:200]}") from error
    least = LEAST_AGREEMENT[precision]
    if not agreement >= least:
        raise ConversionError(
            f"its graph in {precision} agrees with torch by {agreement:.4f}, and {least} is needed"
        )
    return Graph(compiled, precision, agreement, facts), compiled


def _imported(path: Path, precision: Precision) -> tuple[CompiledModel, object]:
    """The model, and what must live as long: its weights are read where they are mapped."""
    import numpy as np

    mapped = np.memmap(path, np.uint8, "c")
    blob = openvino().Tensor(mapped, shared_memory=True)
    compiled: CompiledModel = core().import_model(blob, "CPU", _settings(precision))
    return compiled, (blob, mapped)


def _settings(precision: Precision) -> dict[str, Any]:
    """What OpenVINO is told: all cores work on one batch, in the precision asked for."""
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
    }
    if precision == "int8":
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = 64
    return settings


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; the system frees the lock when its process dies."""
    from filelock import FileLock

    lock: BaseFileLock = FileLock(folder.with_suffix(".lock"))
    with lock:
        yield

"""`rag doctor`: what this machine has for ragline to work with."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from rag.cli.options import IndexOption, JsonOption
from rag.cli.output import count, one_line, say, say_json, size
from rag.errors import ModelError, RagError

PACKAGES = (
    "ragline", "torch", "transformers", "sentence-transformers", "openvino", "tokenizers",
    "faiss-cpu", "faiss-gpu-cu12", "tantivy", "numpy", "pydantic", "pypdfium2", "typer",
)  # fmt: skip
NETWORK = "off, unless a pipeline says 'download: true'"


def doctor(index_folder: IndexOption = None, as_json: JsonOption = False) -> None:
    """Show what this machine has for ragline to work with."""
    from rag.status import index_folder as found

    folder = found(index_folder)
    findings: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES if _version(name)},
        "models": _models(),
        "device": _device(),
        "runtime": _runtime(),
        "disk": _disk(folder),
        "index": _index(folder),
        "network": NETWORK,
    }
    if as_json:
        say_json(findings)
    else:
        _say(findings)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _models() -> dict[str, str | None]:
    """Where each registered model is on this machine; None where it is not."""
    from rag.models import find_model
    from rag.registry import names

    places: dict[str, str | None] = {}
    for name in names("model"):
        try:
            places[name] = str(find_model(name).folder)
        except ModelError:
            places[name] = None
    return places


def _device() -> dict[str, Any]:
    from rag.cores import cores
    from rag.runtime.device import may_have_gpu
    from rag.runtime.processor import processor

    here = processor()
    return {
        "processor": here.name,
        "threads": cores(),
        "instructions": sorted(here.features),
        "gpus": _gpus() if may_have_gpu() else [],
    }


def _gpus() -> list[str]:
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def _runtime() -> dict[str, Any]:
    """What models are computed in on this processor, and which of them are converted for it."""
    from rag.runtime.cache import graphs_folder
    from rag.runtime.processor import Declared, processor
    from rag.runtime.record import records

    here = processor()
    held = records(graphs_folder())
    return {
        "precision": {name: here.precision(name) for name in get_args(Declared)},
        "folder": str(graphs_folder()),
        "graphs": [
            {"model": one.model, "precision": one.precision, "agreement": one.agreement,
             "bytes": one.size}
            for one in held if not one.failure
        ],
        "failed": [
            {"model": one.model, "precision": one.precision, "reason": one.failure}
            for one in held if one.failure
        ],
    }  # fmt: skip


def _disk(folder: Path) -> dict[str, int]:
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return {"free_bytes": shutil.disk_usage(there).free}


def _index(folder: Path) -> dict[str, Any]:
    """What a quick look at the index says; `rag verify` is the thorough one."""
    from rag.rag import Rag

    if not (folder / "index.db").is_file():
        return {"folder": str(folder), "exists": False, "problem": None}
    found: dict[str, Any] = {"folder": str(folder), "exists": True}
    try:
        with closing(Rag.open(folder)) as rag:
            rag.check()
            held = rag.status()
    except RagError as error:
        return {**found, "problem": str(error)}
    return {**found, "problem": None, "documents": held["documents"], "passages": held["passages"]}


def _say(findings: dict[str, Any]) -> None:
    device = findings["device"]
    packages = findings["packages"].items()
    lines = [
        ("python", findings["python"]),
        ("packages", ", ".join(f"{name} {number}" for name, number in packages)),
        *(("model", f"{name}: {place or 'missing'}") for name, place in findings["models"].items()),
        ("processor", _processor_line(device)),
        ("gpu", ", ".join(device["gpus"]) or "none that CUDA can use"),
        *(("runtime", line) for line in _runtime_lines(findings["runtime"])),
        ("disk", f"{size(findings['disk']['free_bytes'])} free"),
        ("index", _index_line(findings["index"])),
        ("network", findings["network"]),
    ]
    for name, value in lines:
        say(f"{name + ':':<11}{one_line(value)}")


def _processor_line(device: dict[str, Any]) -> str:
    instructions = ", ".join(device["instructions"]) or "neither avx512 nor bf16"
    return f"{device['processor']}, {count(device['threads'], 'thread')}, {instructions}"


def _runtime_lines(runtime: dict[str, Any]) -> Iterator[str]:
    """What precisions come to, and the models that are converted or cannot be."""
    computed = runtime["precision"]
    yield f"OpenVINO; 'dtype: auto' is computed in {computed['auto']}"
    lesser = [name for name in ("bfloat16", "float16") if computed[name] != name]
    if lesser:
        yield f"{' and '.join(lesser)}: not of this processor, computed in float32"
    yield f"converted models in {runtime['folder']}: {len(runtime['graphs']) or 'none'}"
    for one in runtime["graphs"]:
        agreement = f"agrees with torch to {one['agreement']:.5f}"
        yield f"{one['model']} in {one['precision']}: {agreement}, {size(one['bytes'])}"
    for one in runtime["failed"]:
        yield f"{one['model']} in {one['precision']}: torch runs it: {one['reason']}"


def _index_line(index: dict[str, Any]) -> str:
    if not index["exists"]:
        return f"none in {index['folder']}"
    if index["problem"]:
        return f"{index['folder']}: {index['problem']}"
    held = f"{count(index['documents'], 'document')}, {count(index['passages'], 'passage')}"
    return f"{index['folder']}: {held}; it opens ('rag verify' checks everything)"

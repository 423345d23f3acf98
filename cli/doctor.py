"""`rag doctor`: what this machine has for ragline to work with."""

from __future__ import annotations

import platform
import shutil
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rag.cli.options import IndexOption, JsonOption
from rag.cli.output import count, one_line, say, say_json, size
from rag.errors import ModelError, RagError

PACKAGES = (
    "ragline", "torch", "transformers", "sentence-transformers", "tokenizers", "faiss-cpu",
    "faiss-gpu-cu12", "tantivy", "numpy", "pydantic", "pypdfium2", "typer",
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
    import torch

    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    capability = torch.backends.cpu.get_cpu_capability()
    return {"threads": torch.get_num_threads(), "instructions": capability, "gpus": gpus}


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
        ("processor", f"{count(device['threads'], 'thread')}, {device['instructions']}"),
        ("gpu", ", ".join(device["gpus"]) or "none that CUDA can use"),
        ("disk", f"{size(findings['disk']['free_bytes'])} free"),
        ("index", _index_line(findings["index"])),
        ("network", findings["network"]),
    ]
    for name, value in lines:
        say(f"{name + ':':<11}{one_line(value)}")


def _index_line(index: dict[str, Any]) -> str:
    if not index["exists"]:
        return f"none in {index['folder']}"
    if index["problem"]:
        return f"{index['folder']}: {index['problem']}"
    held = f"{count(index['documents'], 'document')}, {count(index['passages'], 'passage')}"
    return f"{index['folder']}: {held}; it opens ('rag verify' checks everything)"

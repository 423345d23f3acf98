"""Flat FAISS indexes on a GPU, for exhaustive search."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from rag.cores import Device
from rag.errors import MissingExtraError, RequestError

if TYPE_CHECKING:
    import faiss


MOST_FOUND = 2_048
"""The largest `k` that FAISS finds on a GPU."""

_KEY = "index.dense.device"
_BLOCK = 65_536


def on_gpu(index: faiss.Index, device: Device) -> faiss.Index | None:
    """The vectors of a flat `index` in half precision on a GPU, or None where the CPU is to do it.

    `index` is an IndexFlat or an IndexScalarQuantizer; positions are the same in both. With
    `auto` there is None where FAISS or the machine has no GPU, and, with a warning, where the
    memory of the GPU is too small. With `cuda` that is a RequestError, and a MissingExtraError
    where FAISS is built without GPUs. What is found takes no selector: filters are for the CPU.
    One thread at a time may search it.
    """
    import faiss

    if device == "cpu" or not index.ntotal or not _usable(faiss, device):
        return None
    try:
        return _copied(faiss, index)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        told = f"{index.ntotal:,} vectors cannot be copied to the GPU: {first}"
        if device == "cuda":
            raise RequestError(f"{_KEY}: {told}; use 'auto' or 'cpu'") from error
        warnings.warn(f"{told}; they are searched by the processor", stacklevel=2)
        return None


def _usable(faiss: Any, device: Device) -> bool:
    """Whether FAISS can use a GPU here."""
    built = hasattr(faiss, "StandardGpuResources")
    there = built and faiss.get_num_gpus() > 0
    if device == "cuda" and not built:
        raise MissingExtraError(f"{_KEY}: 'cuda'", "gpu")
    if device == "cuda" and not there:
        raise RequestError(f"{_KEY}: no CUDA device here; use 'auto' or 'cpu'")
    return bool(there)


def _copied(faiss: Any, index: Any) -> Any:
    resources = faiss.StandardGpuResources()
    settings = faiss.GpuIndexFlatConfig()
    settings.useFloat16 = True
    copy = faiss.GpuIndexFlat(resources, index.d, index.metric_type, settings)
    # FAISS itself copies no flat index of 16-bit floats.
    for start in range(0, index.ntotal, _BLOCK):
        copy.add(index.reconstruct_n(start, min(_BLOCK, index.ntotal - start)))
    return copy

"""Which backend runs a cross-encoder: OpenVINO on a processor, torch on a GPU and for all else."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag.checksums import checksum
from rag.errors import ConversionError, ModelError
from rag.loading import Device, torch_device, weight_files

if TYPE_CHECKING:
    from rag.models import ModelFiles
    from rag.rerank.pair_backend import PairBackend
    from rag.rerank.pair_conversion import PairConversion
    from rag.runtime.graph import Graph
    from rag.runtime.processor import Declared, Precision

Runtime: TypeAlias = Literal["auto", "torch", "openvino"]


def load_pairs(
    files: ModelFiles, runtime: Runtime, dtype: Declared, device: Device, *, remote_code: bool
) -> PairBackend:
    """The model of `files`, loaded. Raises ModelError where nothing can run it as it is asked."""
    # Numbers of 8 bits are for processors, also where there is a GPU.
    only_graph = runtime == "openvino" or dtype == "int8"
    if not only_graph and (runtime == "torch" or remote_code or _on_gpu(device)):
        return _torch(files, dtype, device, remote_code=remote_code)
    try:
        return _graph(files, dtype)
    except ConversionError as error:
        if only_graph:
            raise ModelError(
                f"model '{files.name}' cannot be run by OpenVINO: {error}; torch runs it without "
                "'runtime: openvino' and 'dtype: int8'"
            ) from error
        # First, as what is wrong with the model itself is told better by what it raises.
        loaded = _torch(files, dtype, device, remote_code=remote_code)
        warnings.warn(
            f"model '{files.name}' is run by torch, which is slower here: {error} "
            "('runtime: torch' says this is meant)",
            stacklevel=2,
        )
        return loaded


def _on_gpu(device: Device) -> bool:
    if device != "auto":
        return device == "cuda"
    from rag.runtime.device import gpu_here

    return gpu_here()


def _torch(files: ModelFiles, dtype: Declared, device: Device, *, remote_code: bool) -> PairBackend:
    from rag.rerank.torch_pairs import TorchPairs

    place = torch_device(device, "query.rerank.device")
    if dtype == "auto":
        dtype = _half() if place == "cuda" else "float32"
    return TorchPairs(files, place, dtype, remote_code=remote_code)


def _half() -> Literal["bfloat16", "float16"]:
    """The half precision that the GPU multiplies faster than float32."""
    import torch

    return "bfloat16" if torch.cuda.get_device_capability()[0] >= 8 else "float16"


def _graph(files: ModelFiles, dtype: Declared) -> PairBackend:
    from rag.rerank.graph_pairs import GraphPairs
    from rag.rerank.pair_conversion import PairConversion
    from rag.runtime.processor import processor

    conversion = PairConversion(files, _fingerprint(files))
    graph = _opened(conversion, processor().precision(dtype), dtype)
    return GraphPairs(conversion.tokenizer, graph, graph.facts)


def _opened(conversion: PairConversion, precision: Precision, dtype: Declared) -> Graph:
    from rag.runtime.cache import open_graph

    try:
        return open_graph(conversion, precision)
    except ConversionError:
        if dtype != "auto" or precision == "float32":
            raise
        # Some models lose too much in 16 bits.
        return open_graph(conversion, "float32")


def _fingerprint(files: ModelFiles) -> str:
    """Of the weights and every setting file."""
    found = sorted(files.folder.rglob("*.json"))
    settings = [
        (path.relative_to(files.folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in found
    ]
    weights = [checksum(path) for path in weight_files(files.folder)]
    return hashlib.sha256(repr([weights, settings]).encode()).hexdigest()

"""Which backend runs a model: OpenVINO on a processor, torch on a GPU and for all else."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag.encode.backend import Backend, ModelSpec
from rag.errors import ConversionError, ModelError

if TYPE_CHECKING:
    from rag.encode.conversion import EncoderConversion
    from rag.runtime.graph import Graph
    from rag.runtime.processor import Declared, Precision

Runtime: TypeAlias = Literal["auto", "torch", "openvino"]
Device: TypeAlias = Literal["auto", "cpu", "cuda"]


def load_backend(
    spec: ModelSpec, fingerprint: str, runtime: Runtime, dtype: Declared, device: Device
) -> Backend:
    """The model of `spec`, loaded. `fingerprint` is of its weights and setting files.

    Raises ModelError where nothing can run it as it is asked for.
    """
    if runtime == "torch" or (runtime == "auto" and _on_gpu(device)):
        return _torch(spec, dtype, device)
    only_graph = runtime == "openvino" or dtype == "int8"
    if not only_graph and not _is_transformer(spec):
        return _torch(spec, dtype, device)
    try:
        return _graph(spec, fingerprint, dtype)
    except ConversionError as error:
        if only_graph:
            raise ModelError(
                f"model '{spec.name}' cannot be run by OpenVINO: {error}; torch runs it without "
                "'runtime: openvino' and 'dtype: int8'"
            ) from error
        warnings.warn(
            f"model '{spec.name}' is run by torch, which is slower here: {error} "
            "('runtime: torch' says this is meant)",
            stacklevel=2,
        )
        return _torch(spec, dtype, device)


def _on_gpu(device: Device) -> bool:
    if device != "auto":
        return device == "cuda"
    from rag.runtime.device import gpu_here

    return gpu_here()


def _is_transformer(spec: ModelSpec) -> bool:
    """Whether its first module is one: others, such as tables of words, gain nothing."""
    try:
        first = json.loads((spec.folder / "modules.json").read_bytes())[0]["type"]
    except (OSError, ValueError, LookupError, TypeError):
        return True
    return str(first).endswith("Transformer")


def _torch(spec: ModelSpec, dtype: Declared, device: Device) -> Backend:
    from rag.encode.torch_backend import TorchBackend

    return TorchBackend(spec, _resolved(dtype, device), device)


def _resolved(dtype: Declared, device: Device) -> str:
    """What torch computes in: `auto` is half precision on a GPU, and float32 elsewhere.

    Numbers of 8 bits are for processors: a GPU has half precision in their place.
    """
    if dtype not in {"auto", "int8"}:
        return dtype
    if not _on_gpu(device):
        return "float32"
    import torch

    # Emulated, bfloat16 is slower than float16.
    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"


def _graph(spec: ModelSpec, fingerprint: str, dtype: Declared) -> Backend:
    from rag.encode.conversion import EncoderConversion
    from rag.encode.graph_backend import GraphBackend
    from rag.runtime.cache import open_graph
    from rag.runtime.processor import processor

    conversion = EncoderConversion(spec, fingerprint)
    graph = _opened(conversion, processor().precision(dtype), dtype)
    head = open_graph(conversion.head(), "float32") if graph.facts["head"] else None
    return GraphBackend(spec, graph, head)


def _opened(conversion: EncoderConversion, precision: Precision, dtype: Declared) -> Graph:
    from rag.runtime.cache import open_graph

    try:
        return open_graph(conversion, precision)
    except ConversionError:
        if dtype != "auto" or precision == "float32":
            raise
        # Some models lose too much in 16 bits.
        return open_graph(conversion, "float32")

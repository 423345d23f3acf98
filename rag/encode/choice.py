"""The backend of an encoder's model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rag.cores import Device
from rag.encode.backend import Backend, ModelSpec
from rag.runtime.choice import Runtime, chosen, torch_dtype

if TYPE_CHECKING:
    from rag.runtime.processor import Declared


def load_backend(
    spec: ModelSpec, fingerprint: str, runtime: Runtime, dtype: Declared, device: Device
) -> Backend:
    """The model of `spec`, loaded. `fingerprint` is of its weights and setting files.

    Raises ModelError where nothing can run it as it is asked for.
    """
    return chosen(
        spec.name,
        runtime,
        dtype,
        device,
        graph=lambda: _graph(spec, fingerprint, dtype),
        torch=lambda: _torch(spec, dtype, device),
        convertible=_is_transformer(spec),
    )


def _is_transformer(spec: ModelSpec) -> bool:
    """Whether its first module is one: others, such as tables of words, gain nothing."""
    try:
        first = json.loads((spec.folder / "modules.json").read_bytes())[0]["type"]
    except (OSError, ValueError, LookupError, TypeError):
        return True
    return str(first).endswith("Transformer")


def _torch(spec: ModelSpec, dtype: Declared, device: Device) -> Backend:
    from rag.encode.torch_backend import TorchBackend

    return TorchBackend(spec, torch_dtype(dtype, device), device)


def _graph(spec: ModelSpec, fingerprint: str, dtype: Declared) -> Backend:
    from rag.encode.conversion import EncoderConversion
    from rag.encode.graph_backend import GraphBackend
    from rag.runtime.cache import open_graph
    from rag.runtime.choice import opened

    conversion = EncoderConversion(spec, fingerprint)
    graph = opened(conversion, dtype)
    head = open_graph(conversion.head(), "float32") if graph.facts["head"] else None
    return GraphBackend(spec, graph, head)

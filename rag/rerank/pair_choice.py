"""The backend of a cross-encoder."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rag.checksums import checksum, settings
from rag.cores import Device
from rag.loading import torch_device, weight_files
from rag.runtime.choice import Runtime, chosen, torch_dtype

if TYPE_CHECKING:
    from rag.models import ModelFiles
    from rag.rerank.pair_backend import PairBackend
    from rag.runtime.processor import Declared


def load_pairs(
    files: ModelFiles, runtime: Runtime, dtype: Declared, device: Device, *, remote_code: bool
) -> PairBackend:
    """The model of `files`, loaded. Raises ModelError where nothing can run it as it is asked."""
    return chosen(
        files.name,
        runtime,
        dtype,
        device,
        graph=lambda: _graph(files, dtype),
        torch=lambda: _torch(files, dtype, device, remote_code=remote_code),
        convertible=not remote_code,
    )


def _torch(files: ModelFiles, dtype: Declared, device: Device, *, remote_code: bool) -> PairBackend:
    from rag.rerank.torch_pairs import TorchPairs

    place = torch_device(device, "query.rerank.device")
    return TorchPairs(files, place, torch_dtype(dtype, device), remote_code=remote_code)


def _graph(files: ModelFiles, dtype: Declared) -> PairBackend:
    from rag.rerank.graph_pairs import GraphPairs
    from rag.rerank.pair_conversion import PairConversion
    from rag.runtime.choice import opened

    conversion = PairConversion(files, _fingerprint(files))
    graph = opened(conversion, dtype)
    return GraphPairs(conversion.tokenizer, graph, graph.facts)


def _fingerprint(files: ModelFiles) -> str:
    """Of the weights and every setting file."""
    weights = [checksum(path) for path in weight_files(files.folder)]
    return hashlib.sha256(repr([weights, settings(files.folder)]).encode()).hexdigest()

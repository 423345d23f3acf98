"""What runs a model: OpenVINO on a processor, torch on a GPU and for all else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from rag.cores import Device
from rag.errors import ConversionError, ModelError

if TYPE_CHECKING:
    from rag.runtime.conversion import Conversion
    from rag.runtime.graph import Graph
    from rag.runtime.processor import Declared

Runtime: TypeAlias = Literal["auto", "torch", "openvino"]
_Loaded = TypeVar("_Loaded")


def chosen(
    name: str,
    runtime: Runtime,
    dtype: Declared,
    device: Device,
    *,
    graph: Callable[[], _Loaded],
    torch: Callable[[], _Loaded],
    convertible: bool = True,
) -> _Loaded:
    """The model `name`, loaded by `graph` or `torch`.

    `auto` is torch on a GPU, and where the model is not `convertible`; where it turns out not to
    be, torch takes over with a warning. Raises ModelError where nothing can run it as it is
    asked for.
    """
    if runtime == "torch" or (runtime == "auto" and on_gpu(device)):
        return torch()
    only_graph = runtime == "openvino" or dtype == "int8"
    if not (only_graph or convertible):
        return torch()
    try:
        return graph()
    except ConversionError as error:
        if only_graph:
            raise ModelError(
                f"model '{name}' cannot be run by OpenVINO: {error}; torch runs it without "
                "'runtime: openvino' and 'dtype: int8'"
            ) from error
        # First, as what is wrong with the model itself is told better by what it raises.
        loaded = torch()
        warnings.warn(
            f"model '{name}' is run by torch, which is slower here: {error} "
            "('runtime: torch' says this is meant)",
            stacklevel=2,
        )
        return loaded


def faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What of `runtime`, `dtype` and `device` does not go together."""
    if options["runtime"] == "openvino" and options["device"] == "cuda":
        yield "runtime", "'openvino' runs on the processor: set 'device: cpu', or 'auto' for it"
    if options["dtype"] == "int8" and options["runtime"] == "torch":
        yield "dtype", "'int8' is computed by OpenVINO alone: leave 'runtime' out"
    elif options["dtype"] == "int8" and options["device"] == "cuda":
        yield "dtype", "'int8' is for the processor: leave it out, and a GPU has half precision"


def on_gpu(device: Device) -> bool:
    """Whether `device` comes to a GPU."""
    if device != "auto":
        return device == "cuda"
    from rag.runtime.device import gpu_here

    return gpu_here()


def torch_dtype(dtype: Declared, device: Device) -> str:
    """What torch computes in: `auto` is half precision on a GPU, and float32 elsewhere.

    Numbers of 8 bits are for processors: a GPU has half precision in their place.
    """
    if dtype not in {"auto", "int8"}:
        return dtype
    if not on_gpu(device):
        return "float32"
    import torch

    # Emulated, bfloat16 is slower than float16.
    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"


def opened(conversion: Conversion, dtype: Declared) -> Graph:
    """The graph of `conversion` in the precision that this processor has for `dtype`."""
    from rag.runtime.cache import open_graph
    from rag.runtime.processor import processor

    precision = processor().precision(dtype)
    try:
        return open_graph(conversion, precision)
    except ConversionError:
        if dtype != "auto" or precision == "float32":
            raise
        # Some models lose too much in 16 bits.
        return open_graph(conversion, "float32")

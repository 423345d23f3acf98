"""From a torch model to a graph that OpenVINO compiles."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rag.errors import ConversionError
from rag.runtime.library import convert_model

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from openvino import Model
    from torch import Tensor
    from torch.nn import Module

    from rag.runtime.graph import Graph


class Conversion(Protocol):
    """A model that can be converted, and how its graph is told from a wrong one."""

    @property
    def name(self) -> str:
        """What people call the model."""
        ...

    @property
    def key(self) -> str:
        """Made of the weights and of all that shapes the graph: equal keys, equal graphs."""
        ...

    def export(self) -> Model:
        """The graph in single precision: see `traced`. Loads torch, and may raise anything."""
        ...

    def agreement(self, graph: Graph) -> float:
        """The lowest cosine, or correlation, of what `graph` and torch give for some texts.

        Called after `export`, with a graph of any precision.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """Plain data that is kept beside the graph, as `Graph.facts`. Called after `export`."""
        ...


def traced(module: Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Model:
    """The graph of `module` by running it once, every axis of its inputs left open.

    `inputs` are examples by name, in the order of the parameters of its `forward`; the batch
    should have more than one row, of different lengths. `outputs` names what `forward` returns,
    one tensor or a tuple. Raises ConversionError where the model does what a graph cannot.
    """
    import torch

    module.eval()
    with warnings.catch_warnings(), torch.inference_mode():
        # Conditions on shapes are fixed by tracing: agreement with torch is measured afterwards.
        warnings.simplefilter("ignore")
        try:
            # The library would trace twice, and compare.
            given = tuple(inputs.values())
            once = torch.jit.trace(module, given, check_trace=False, strict=False)
            model = convert_model(once, example_input=given)
        # The library raises all kinds of errors, and so does a model's own code.
        except Exception as error:
            said = " ".join((str(error).strip() or type(error).__name__).split())
            raise ConversionError(f"OpenVINO cannot convert it: {said[:200]}") from error
    _name(model, list(inputs), outputs)
    return model


def tensor(array: NDArray[Any]) -> Tensor:
    """The same numbers for torch, as examples are given to it."""
    import torch

    return torch.from_numpy(array.copy())


def _name(model: Model, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    if len(model.inputs) != len(inputs) or len(model.outputs) != len(outputs):
        raise ConversionError("OpenVINO gives its graph other inputs or outputs than it has")
    named = (*zip(model.inputs, inputs, strict=True), *zip(model.outputs, outputs, strict=True))
    for place, name in named:
        place.get_tensor().set_names({name})

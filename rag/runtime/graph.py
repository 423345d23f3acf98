"""A compiled graph that threads may share."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from openvino import CompiledModel, InferRequest

    from rag.runtime.processor import Precision

Array: TypeAlias = NDArray[Any]


class Graph:
    """A model as OpenVINO compiled it for this processor.

    `agreement` is what was measured against torch when it was converted, and `facts` what was to
    be kept: see `Conversion`.
    """

    def __init__(
        self,
        compiled: CompiledModel,
        precision: Precision,
        agreement: float = 1.0,
        facts: Mapping[str, Any] | None = None,
        held: object = None,
    ) -> None:
        self.precision = precision
        self.agreement = agreement
        self.facts: Mapping[str, Any] = facts or {}
        self._compiled = compiled
        # A request serves one call at a time: each thread takes one, and puts it back.
        self._requests: deque[InferRequest] = deque()
        self._names = [_name(output.names) for output in compiled.outputs]
        # The mapped file that the model's weights lie in. Last, as attributes are freed in order.
        self._held = held

    @property
    def inputs(self) -> frozenset[str]:
        """Names of what it reads."""
        return frozenset(_name(one.names) for one in self._compiled.inputs)

    def run(self, *outputs: str, **inputs: Array) -> dict[str, Array]:
        """What it gives for `inputs`, by name; the arrays are the caller's.

        Only what `outputs` names is copied out, or all of it where they name nothing.
        """
        try:
            request = self._requests.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            request.infer(inputs, share_inputs=True)
            tensors = map(request.get_output_tensor, range(len(self._names)))
            return {
                name: np.array(tensor.data)
                for name, tensor in zip(self._names, tensors, strict=True)
                if not outputs or name in outputs
            }
        finally:
            self._requests.append(request)


def _name(names: set[str]) -> str:
    return min(names)

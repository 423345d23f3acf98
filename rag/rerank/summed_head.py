"""The last layer of a classifier, worked out so that its scores keep all their digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

# Layers with no more outputs than this are heads: products of matrices gain nothing there.
_FEW = 8


def summed_heads(model: Any) -> None:
    """Put products that are summed in the place of the linear layers of `model` with few outputs.

    The numbers are the same. Where OpenVINO computes in bfloat16 it rounds what a product of
    matrices gives to eight bits, and two passages that score 8.03 and 8.06 would tie; sums at the
    end of a graph it leaves in single precision.
    """
    import torch
    from torch.nn import Linear, Module

    class Summed(Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self, layer: Linear) -> None:
            super().__init__()
            self.weight, self.bias = layer.weight, layer.bias

        def forward(self, given: Tensor) -> Tensor:
            made = (given.unsqueeze(-2) * self.weight).sum(-1)
            return made if self.bias is None else torch.add(made, self.bias)

    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is Linear and layer.out_features <= _FEW:
                setattr(parent, name, Summed(layer))

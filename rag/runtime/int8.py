"""Weights of 8 bits: a graph a quarter as large, whose products are of whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rag.runtime.library import openvino

if TYPE_CHECKING:
    from openvino import Model, Node

    from rag.runtime.graph import Array

# Smaller matrices are quick as they are, and rounding them would only cost.
_LEAST_NUMBERS = 4_096
_LARGEST = 127


def with_int8_weights(model: Model) -> None:
    """Round the weights of matrix products and tables of words, in place.

    Symmetric, with a scale for each output channel or word: weight = whole number * scale.
    Activations are rounded when it runs, 64 of them by one scale.
    """
    for node in model.get_ordered_ops():
        for at, axis in _places(node):
            constant = _constant(node.input_value(at).get_node())
            if constant is not None and constant.data.size >= _LEAST_NUMBERS:
                rounded = _rounded(constant.data.astype(np.float32), axis)
                node.input(at).replace_source_output(rounded.output(0))


def _places(node: Node) -> list[tuple[int, int]]:
    """Inputs of `node` that may be weights, each with the axis that is summed over."""
    kind = node.get_type_name()
    if kind == "MatMul":
        return [(1, 1 if node.get_attributes()["transpose_b"] else 0)]
    return [(0, 1)] if kind == "Gather" else []


def _constant(node: Node) -> Any:
    """The matrix that a node is; None where it is computed."""
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant" or len(node.shape) != 2:
        return None
    return node if node.get_element_type().is_real() else None


def _rounded(weights: Array, axis: int) -> Node:
    ops = openvino().opset13
    scales = np.abs(weights).max(axis=axis, keepdims=True) / _LARGEST
    scales = np.maximum(scales, np.finfo(np.float32).tiny)
    whole = ops.constant(np.rint(weights / scales).astype(np.int8))
    return ops.multiply(ops.convert(whole, "f32"), ops.constant(scales.astype(np.float32)))

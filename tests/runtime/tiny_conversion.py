"""A conversion that is done in a moment: one matrix product, whose result is known."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from rag.runtime.conversion import traced
from rag.runtime.graph import Array, Graph

GIVEN = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)


class TinyConversion:
    """Multiplies by a matrix. `log` gets a line for each export, which takes `seconds`."""

    name = "tiny"

    def __init__(
        self, log: Path | None = None, key: str = "tiny 1", wrong: float = 0.0, seconds: float = 0
    ) -> None:
        self.key = key
        self._log = log
        self._wrong = wrong
        self._seconds = seconds
        self.weights = np.random.default_rng(3).normal(size=(64, 64)).astype(np.float32)

    def export(self) -> Any:
        import torch

        if self._log is not None:
            with self._log.open("a") as file:
                file.write(f"{os.getpid()}\n")
        time.sleep(self._seconds)
        layer = torch.nn.Linear(64, 64, bias=False)
        layer.weight.data = torch.from_numpy(self.weights)
        return traced(layer, {"given": torch.zeros(2, 64)}, ["product"])

    def expected(self, given: Array) -> Array:
        product: Array = given @ self.weights.T
        return product

    def agreement(self, graph: Graph) -> float:
        found, expected = graph.run(given=GIVEN)["product"], self.expected(GIVEN)
        norms = np.linalg.norm(found) * np.linalg.norm(expected)
        return float((found * expected).sum() / norms) - self._wrong

    def facts(self) -> dict[str, Any]:
        return {"width": 64}

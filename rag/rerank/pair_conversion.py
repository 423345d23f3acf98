"""A cross-encoder as a graph: from numbers of tokens to its scores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import ConversionError
from rag.rerank.folders import inner_folder
from rag.rerank.graph_pairs import OUTPUT, GraphPairs
from rag.rerank.summed_head import summed_heads
from rag.rerank.torch_pairs import TorchPairs
from rag.runtime.conversion import tensor, traced

if TYPE_CHECKING:
    from pathlib import Path

    from openvino import Model
    from torch import Tensor
    from torch.nn import Module

    from rag.models import ModelFiles
    from rag.protocols import Scores
    from rag.rerank.pair_backend import Pair
    from rag.runtime.graph import Graph

# In single precision scores are the same but for rounding, as a share of how far they lie apart.
_ROUNDING = 1e-3
_DEFAULT_LENGTH = 512
_LONG = (
    "The keeper climbs ninety-one steps every evening, winds the clockwork and trims the wick. "
    "Oil is brought by boat twice a month, unless the sea is too rough to land. "
)
# What is scored both ways to see that they agree: pairs that belong together and some that do
# not, short and long, in several scripts.
PROBE: tuple[Pair, ...] = (
    ("When does the last ferry leave?", "The last ferry leaves the pier at nine."),
    ("When does the last ferry leave?", "Dogs travel free."),
    ("who lights the lamp", "The keeper lights the lamp at nine. " * 3),
    ("lamp", ""),
    ("Wie hoch ist der Turm?", "Der Turm über den Klippen misst 41,5 m — gebaut im März 1843."),
    ("灯台はどこにあるか", "灯台は岬の先にあり、夜ごとに船を導く。"),
    ("how is oil brought to the island", _LONG),
    ("how is oil brought to the island", _LONG * 30),
    (_LONG * 20, _LONG * 20),
    ("area of a rectangle", "def area(width: float, height: float) -> float: ..."),
)


class PairConversion:
    """See `rag.runtime.conversion.Conversion`. `fingerprint` is of weights and setting files."""

    def __init__(self, files: ModelFiles, fingerprint: str) -> None:
        self._files = files
        self.name = files.name
        self.key = f"cross-encoder, summed {fingerprint}"

    @property
    def tokenizer(self) -> Path:
        """The file of the tokenizer."""
        return inner_folder(self._files.folder) / "tokenizer.json"

    def export(self) -> Model:
        """The graph to the scores, and the same before the activation beside them."""
        given = self._checked_features(PROBE[:4])
        taken = self._torch.features(list(PROBE[:4]), self._limit)
        names = [name for name in given if name in taken]
        inputs = {name: tensor(given[name]) for name in names}
        summed_heads(self._torch.model)
        return traced(_whole(self._torch.model), inputs, [OUTPUT])

    def agreement(self, graph: Graph) -> float:
        """The correlation of the scores before the activation; 0 where single ones are not met."""
        found = GraphPairs(self.tokenizer, graph, self.facts())
        pairs = list(PROBE)
        return _agreement(self._raw(pairs), found.raw(pairs, self._limit), graph.precision)

    def facts(self) -> dict[str, Any]:
        """What running the graph takes to know of the model."""
        read: Any = self._torch.model.tokenizer
        return {
            "declared": self._torch.declared,
            "labels": dict(self._torch.labels),
            "prompt": self._torch.prompt,
            "padding": int(read.pad_token_id or 0),
            "left": read.padding_side == "left",
        }

    @cached_property
    def _torch(self) -> TorchPairs:
        if not self.tokenizer.is_file():
            raise ConversionError("it has no tokenizer.json")
        return TorchPairs(self._files, "cpu")

    @property
    def _limit(self) -> int:
        return min(self._torch.declared or _DEFAULT_LENGTH, _DEFAULT_LENGTH)

    def _raw(self, pairs: list[Pair]) -> Scores:
        import torch

        model: Any = self._torch.model
        with torch.inference_mode():
            found = model(self._torch.features(pairs, self._limit))["scores"].double()
        scores: Scores = found.reshape(len(pairs), -1).numpy()
        return scores

    def _checked_features(self, pairs: Sequence[Pair]) -> dict[str, Any]:
        """A batch as it is read here. Raises ConversionError where the library reads another."""
        reader = GraphPairs(self.tokenizer, _Nothing(), self.facts())  # type: ignore[arg-type]
        for some in (list(PROBE), list(pairs)):
            mine = reader.features(some, self._limit)
            theirs = self._torch.features(some, self._limit)
            for name, array in mine.items():
                if name in theirs and not np.array_equal(theirs[name].numpy(), array):
                    raise ConversionError("its tokenizer.json gives other tokens than the library")
        return mine


class _Nothing:
    """In the place of a graph for who only reads."""

    inputs: frozenset[str] = frozenset()
    precision = "float32"


def _agreement(expected: Scores, found: Scores, precision: str) -> float:
    if not np.isfinite(expected).all():
        # What is wrong with the model itself is told when it scores.
        return 1.0
    spread = float(np.abs(expected - expected.mean()).max()) or 1.0
    if precision == "float32" and float(np.abs(expected - found).max()) > _ROUNDING * spread:
        return 0.0
    mine, theirs = (found - found.mean()).ravel(), (expected - expected.mean()).ravel()
    lengths = float(np.linalg.norm(mine) * np.linalg.norm(theirs))
    return float(mine @ theirs) / lengths if lengths else 1.0


def _whole(model: Any) -> Module:
    import torch
    from torch.nn import Module

    class Whole(Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(
            self,
            input_ids: Tensor,
            attention_mask: Tensor,
            token_type_ids: Tensor | None = None,
        ) -> tuple[Tensor]:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if token_type_ids is not None:
                features["token_type_ids"] = token_type_ids
            raw = self.parts(features)["scores"].float()
            raw = raw.reshape(raw.shape[0], -1)
            # As one, since an activation that does nothing leaves nothing to tell two apart by.
            return (torch.cat([self.parts.activation_fn(raw), raw], dim=1),)

    return Whole()

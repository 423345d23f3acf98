"""A sentence-transformers model as a graph: the transformer, its pooling and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.encode.backend import ModelSpec
from rag.encode.loading import load_model
from rag.encode.pooling import fault_of, unit
from rag.encode.reading import Padding, Read, Reader
from rag.encode.settings import Task
from rag.errors import ConversionError
from rag.loading import silence
from rag.protocols import Vectors
from rag.runtime.conversion import tensor, traced
from rag.runtime.graph import Graph

if TYPE_CHECKING:
    from openvino import Model
    from sentence_transformers import SentenceTransformer
    from torch import Tensor
    from torch.nn import Module

_OUTPUTS = ("vectors", "tokens")
# What is encoded both ways to see that they agree: short and long, several scripts, no words.
PROBE = (
    "",
    "lamp",
    "When does the last ferry of the day leave for the island?",
    "Zwölf Boxkämpfer jagen Eva quer über den großen Deich: 1.250,50 €, am 3. Mai.",
    "灯台は岬の先にあり、夜ごとに船を導く。",
    "def area(width: float, height: float) -> float:\n    return width * height  # in m²",
    "Каждый вечер смотритель поднимается по лестнице и зажигает лампу.",
    "The keeper climbs ninety-one steps every evening, winds the clockwork and trims the wick. "
    "Oil is brought by boat twice a month, unless the sea is too rough to land. " * 40,
)
_TASKS: tuple[Task, ...] = ("query", "document")
_POOLED_WITHOUT_PROMPT = ("mean", "cls", "max")


class EncoderConversion:
    """See `rag.runtime.conversion.Conversion`. `fingerprint` is of weights and setting files."""

    def __init__(self, spec: ModelSpec, fingerprint: str) -> None:
        self._spec = spec
        self.name = spec.name
        self.key = f"encoder {fingerprint}"

    def export(self) -> Model:
        """The graph from numbers of tokens to `vectors` and `tokens`."""
        self._check()
        names = ["input_ids", "attention_mask", "pooled_mask"]
        rows = self._rows(PROBE[1:4], "document")
        taken = self.model.preprocess(list(PROBE[1:4]))
        if "token_type_ids" in taken:
            names.append("token_type_ids")
        given = self._given(rows)
        with silence():
            return traced(_whole(self.model), {name: given[name] for name in names}, _OUTPUTS)

    def agreement(self, graph: Graph) -> float:
        """The lowest cosine over the probe, as question and as passage."""
        return min(self._agreement(graph, task) for task in _TASKS)

    def facts(self) -> dict[str, Any]:
        """What running the graph takes to know of the model."""
        return {
            "dimension": int(self.model.get_embedding_dimension() or 0),
            "include_prompt": self._include_prompt,
            "fault": fault_of(self.model),
            "head": self._head,
        }

    def head(self) -> HeadConversion:
        """That of what follows the mean."""
        return HeadConversion(self)

    @cached_property
    def model(self) -> SentenceTransformer:
        """The model as torch runs it."""
        spec = self._spec
        return load_model(spec.name, spec.folder, "float32", "cpu", spec.length, layers=spec.layers)

    @property
    def _include_prompt(self) -> bool:
        pooling = next(islice(self.model.children(), 1, None), None)
        return bool(getattr(pooling, "include_prompt", True))

    @property
    def _head(self) -> bool:
        """Whether more than bringing vectors to length one follows the mean."""
        after = islice(self.model.children(), 2, None)
        return any(type(module).__name__ != "Normalize" for module in after)

    def _check(self) -> None:
        from sentence_transformers.sentence_transformer import modules

        first, *rest = self.model.children()
        if not isinstance(first, modules.Transformer):
            raise ConversionError("its first module is no transformer")
        mode = getattr(rest[0], "pooling_mode", "mean") if rest else "mean"
        if not self._include_prompt and mode not in _POOLED_WITHOUT_PROMPT:
            raise ConversionError(f"it pools by '{mode}' without its prompt")
        for task in _TASKS:
            self._check_tokens(task)

    def _check_tokens(self, task: Task) -> None:
        """That what is read here is what the library reads."""
        texts = [self._spec.prompts[task] + text for text in PROBE]
        given = self.model.preprocess(texts)
        rows = self._rows(PROBE, task)
        length = int(given["input_ids"].shape[1])
        mine = self._padding.batch(rows, max(length, *map(len, rows)))
        for name in ("input_ids", "attention_mask", "token_type_ids"):
            if name in given and not np.array_equal(given[name].numpy(), mine[name]):
                raise ConversionError("its tokenizer.json gives other tokens than the library")

    def _agreement(self, graph: Graph, task: Task) -> float:
        from rag.encode.graph_backend import GraphBackend

        encode = self.model.encode_query if task == "query" else self.model.encode_document
        expected = encode(
            list(PROBE), prompt=self._spec.prompts[task], show_progress_bar=False, batch_size=4
        )
        found = GraphBackend(self._spec, graph, head=None).vectors(PROBE, task)
        return float((unit(np.asarray(expected, np.float32)) * found).sum(axis=1).min())

    @property
    def _padding(self) -> Padding:
        return Padding.of(self._spec.folder, self._spec.tokenizer.whole)

    def _rows(self, texts: Sequence[str], task: Task) -> list[Read]:
        spec = self._spec
        return list(Reader(spec.tokenizer.whole, spec.length, spec.prompts[task]).read(texts))

    def _given(self, rows: Sequence[Read]) -> dict[str, Any]:
        arrays = self._padding.batch(rows, max(map(len, rows)))
        arrays["pooled_mask"] = arrays["attention_mask"]
        return {name: tensor(array) for name, array in arrays.items()}


class HeadConversion:
    """What follows the mean of a model's tokens, as a graph of its own."""

    def __init__(self, whole: EncoderConversion) -> None:
        self._whole = whole
        self.name = f"{whole.name}, after its mean"
        self.key = f"{whole.key} head"

    def export(self) -> Model:
        """The graph from `means` to `vectors`."""
        model = self._whole.model
        width = model[0].get_embedding_dimension()
        return traced(_after(model), {"means": tensor(_means(width))}, ["vectors"])

    def agreement(self, graph: Graph) -> float:
        """The lowest cosine over some means."""
        means = _means(self._whole.model[0].get_embedding_dimension())
        expected = _after(self._whole.model)(tensor(means))[0].detach().numpy()
        return float((unit(expected) * unit(graph.run(means=means)["vectors"])).sum(axis=1).min())

    def facts(self) -> dict[str, Any]:
        """Nothing more."""
        return {}


def _whole(model: SentenceTransformer) -> Module:
    from torch.nn import Module

    class Whole(Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(
            self,
            input_ids: Tensor,
            attention_mask: Tensor,
            pooled_mask: Tensor,
            token_type_ids: Tensor | None = None,
        ) -> tuple[Tensor, Tensor]:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if token_type_ids is not None:
                features["token_type_ids"] = token_type_ids
            first, *rest = self.parts.children()
            features = first(features)
            features["attention_mask"] = pooled_mask
            for module in rest:
                features = module(features)
            return features["sentence_embedding"], features["token_embeddings"]

    return Whole()


def _after(model: SentenceTransformer) -> Module:
    from torch.nn import Module

    class After(Module):  # type: ignore[misc]  # torch is not followed
        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(self, means: Tensor) -> tuple[Tensor]:
            features = {"sentence_embedding": means}
            for module in islice(self.parts.children(), 2, None):
                features = module(features)
            return (features["sentence_embedding"],)

    return After()


def _means(width: int) -> Vectors:
    """Some that are like those of a text in their size."""
    made: Vectors = np.random.default_rng(7).normal(size=(5, width)).astype(np.float32)
    return made

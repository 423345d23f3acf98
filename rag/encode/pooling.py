"""From the vectors of tokens to that of a text, for models that take the mean of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import RequestError
from rag.protocols import TokenVectors, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

_MODES = {
    "cls": "its first token",
    "lasttoken": "its last token",
    "max": "the largest value of each component",
    "weightedmean": "a mean in which later tokens weigh more",
    "mean_sqrt_len_tokens": "the sum of its tokens' vectors over the root of their number",
}
# Rows that go through the modules after the mean together.
_ROWS = 64


class MeanPooling:
    """The modules of a sentence-transformers model that follow its transformer.

    Raises RequestError where a text's vector is not made of the mean of its tokens' vectors.
    """

    def __init__(self, model: SentenceTransformer, name: str) -> None:
        if fault := fault_of(model):
            raise refusal(name, fault)
        self._model = model
        self._include_prompt: bool = list(model.children())[1].include_prompt

    def tokens(self, features: Mapping[str, Any], prompt: int) -> TokenVectors:
        """Tokens of one text, of what the model gives for it; its prompt has `prompt` characters.

        The prompt's tokens stand nowhere in the text, as special tokens do. Models that leave
        them out of the mean leave them out here.
        """
        kept = features["attention_mask"].bool()
        if not self._include_prompt and "prompt_length" in features:
            first = int(kept.nonzero()[0])
            kept[first : first + int(features["prompt_length"])] = False
        offsets = features["offset_mapping"][kept.to(features["offset_mapping"].device)]
        spans = [moved(start, end, prompt) for start, end in offsets.tolist()]
        return TokenVectors(_numbers(features["token_embeddings"][kept]), spans)

    def pooled(self, means: Vectors) -> Vectors:
        """What the model makes of means `(n, dimension of tokens)`: `(n, dimension)`.

        Always of as many rows together, so that company does not change the bits of one.
        """
        padded = np.pad(means, ((0, -len(means) % _ROWS), (0, 0)))
        blocks = [self._block(padded[n : n + _ROWS]) for n in range(0, len(padded), _ROWS)]
        return np.concatenate(blocks)[: len(means)]

    def _block(self, means: Vectors) -> Vectors:
        import torch

        with torch.inference_mode():
            features = {"sentence_embedding": torch.from_numpy(means).to(self._model.device)}
            for module in islice(self._model.children(), 2, None):
                weight = next(module.parameters(), None)
                if weight is not None:
                    features["sentence_embedding"] = features["sentence_embedding"].to(weight.dtype)
                features = module(features)
        return _numbers(features["sentence_embedding"])


def unit(vectors: Vectors) -> Vectors:
    """Rows brought to length one; a row of zeros stays as it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return scaled


def refusal(name: str, fault: str) -> RequestError:
    """What to say where vectors of tokens are asked of a model that has `fault`."""
    return RequestError(
        f"the vectors of tokens are those of an encoder that pools by their mean: '{name}' {fault}"
    )


def fault_of(model: SentenceTransformer) -> str:
    """In a few words, what keeps the mean of tokens from being what the model pools."""
    from sentence_transformers.sentence_transformer import modules

    first, *rest = model.children()
    if not isinstance(first, modules.Transformer):
        return "is no transformer"
    if not rest or not isinstance(rest[0], modules.Pooling):
        return "does not pool the transformer's own vectors"
    pooling, *after = rest
    if pooling.pooling_mode != "mean":
        return f"pools by {_MODES.get(str(pooling.pooling_mode), 'several ways at once')}"
    known = (modules.Dense, modules.Normalize, modules.LayerNorm, modules.Dropout)
    for module in after:
        of = getattr(module, "module_input_name", "sentence_embedding")
        if not isinstance(module, known) or of != "sentence_embedding":
            return f"has a module '{type(module).__name__}' that may look at more than the mean"
    return ""


def moved(start: int, end: int, prompt: int) -> tuple[int, int]:
    """A span in the text behind a prompt: (0, 0) where it has no character of it."""
    return (max(0, start - prompt), end - prompt) if end > prompt else (0, 0)


def _numbers(tensor: Tensor) -> Vectors:
    numbers: Vectors = tensor.float().cpu().numpy()
    return numbers

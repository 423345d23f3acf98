"""Cross-encoders run by OpenVINO on the processor, without torch once they are converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.rerank.pair_backend import Pair
from rag.runtime.graph import Array, Graph
from rag.runtime.padding import Side, padded

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Encoding

    from rag.protocols import Scores

# Lengths are padded to a multiple of this: each one is prepared once.
_STEP = 16
OUTPUT = "scores"


class GraphPairs:
    """See `rag.rerank.pair_backend.PairBackend`. `graph` is that of a `PairConversion`."""

    device = "cpu"

    def __init__(self, tokenizer: Path, graph: Graph, facts: Mapping[str, Any]) -> None:
        from tokenizers import Tokenizer

        self._graph = graph
        self._inputs = graph.inputs
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._prompt: str = facts["prompt"]
        self._padding: int = facts["padding"]
        self._side: Side = "left" if facts["left"] else "right"
        self.precision: str = graph.precision
        self.declared: int | None = facts["declared"]
        self.labels: Mapping[str, int] = facts["labels"]

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """The characters of each token."""
        self._tokenizer.no_truncation()
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [one.offsets for one in found]

    def length(self, pair: Pair, limit: int) -> int:
        """Tokens of a pair."""
        return len(self._read([pair], limit)[0])

    def scores(self, pairs: Sequence[Pair], limit: int) -> Scores:
        """One batch."""
        return self._run(pairs, limit)[0]

    def raw(self, pairs: Sequence[Pair], limit: int) -> Scores:
        """The same before the activation."""
        return self._run(pairs, limit)[1]

    def features(self, pairs: Sequence[Pair], limit: int, step: int = 1) -> dict[str, Array]:
        """A batch as the model reads it, int64 `(pairs, tokens)`."""
        read = self._read(pairs, limit)
        length, side = -(-max(map(len, read)) // step) * step, self._side
        return {
            "input_ids": padded([one.ids for one in read], length, self._padding, side),
            "attention_mask": padded([one.attention_mask for one in read], length, 0, side),
            "token_type_ids": padded([one.type_ids for one in read], length, 0, side),
        }

    def _run(self, pairs: Sequence[Pair], limit: int) -> tuple[Scores, Scores]:
        given = self.features(pairs, limit, _STEP)
        taken = {name: array for name, array in given.items() if name in self._inputs}
        found = self._graph.run(**taken)[OUTPUT].astype(np.float64)
        columns = found.shape[1] // 2
        return found[:, :columns], found[:, columns:]

    def _read(self, pairs: Sequence[Pair], limit: int) -> list[Encoding]:
        self._tokenizer.enable_truncation(limit, strategy="longest_first")
        asked = [(self._prompt + question, text) for question, text in pairs]
        read: list[Encoding] = self._tokenizer.encode_batch_fast(asked)
        return read

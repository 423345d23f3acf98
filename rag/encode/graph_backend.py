"""Models run by OpenVINO on the processor, without torch once they are converted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rag.encode.backend import ModelSpec
from rag.encode.batches import graph_batches, stretches
from rag.encode.pooling import moved, refusal, unit
from rag.encode.reading import Padding, Read, Reader
from rag.encode.settings import Task
from rag.protocols import TokenVectors, Vectors
from rag.runtime.graph import Array, Graph

# Rows that go through what follows the mean together.
_ROWS = 64


class GraphBackend:
    """See `rag.encode.backend.Backend`. `graph` is that of an `EncoderConversion`.

    Lengths are padded to whole vector registers, and then a text's vector has the same bits
    alone and in any batch (measured for all-MiniLM-L6-v2 in float32, bfloat16 and int8, with
    AVX-512; on processors that it was not measured on, what differs are the last bits).
    """

    def __init__(self, spec: ModelSpec, graph: Graph, head: Graph | None) -> None:
        self._spec = spec
        self._graph = graph
        self._head = head
        self._inputs = graph.inputs
        tokenizer = spec.tokenizer.whole
        self._padding = Padding.of(spec.folder, tokenizer)
        self._readers = {
            task: Reader(tokenizer, spec.length, prompt) for task, prompt in spec.prompts.items()
        }
        self.precision: str = graph.precision

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self._graph.facts["dimension"])

    def vectors(self, texts: Sequence[str], task: Task) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        rows = list(self._readers[task].read(texts))
        for batch, length in graph_batches([len(row) for row in rows], self._spec.length):
            found = self._run("vectors", [rows[n] for n in batch], length)
            vectors[batch] = found[:, : self.dimension]
        return unit(vectors)

    def tokens(self, texts: Sequence[str], task: Task) -> Iterator[TokenVectors]:
        """Tokens of each text; those of some 16,000 tokens are in memory at a time."""
        if fault := self._graph.facts["fault"]:
            raise refusal(self._spec.name, fault)
        groups = stretches(self._spec.lengths(texts))
        return (one for some in groups for one in self._tokens([texts[n] for n in some], task))

    def pooled(self, means: Vectors) -> Vectors:
        """What follows the mean, of as many rows together whatever there are."""
        if self._head is None:
            return unit(means[:, : self.dimension].astype(np.float32))
        padded = np.pad(means.astype(np.float32), ((0, -len(means) % _ROWS), (0, 0)))
        blocks = [padded[n : n + _ROWS] for n in range(0, len(padded), _ROWS)]
        found = [self._head.run(means=block)["vectors"] for block in blocks]
        empty = np.empty((0, self.dimension), np.float32)
        made = np.concatenate([one[:, : self.dimension] for one in found]) if found else empty
        return unit(made[: len(means)])

    def _tokens(self, texts: Sequence[str], task: Task) -> list[TokenVectors]:
        rows = list(self._readers[task].read(texts, spans=True))
        skipped = 0 if self._graph.facts["include_prompt"] else 1
        prompt = len(self._spec.prompts[task])
        found: dict[int, TokenVectors] = {}
        for batch, length in graph_batches([len(row) for row in rows], self._spec.length):
            made = self._run("tokens", [rows[n] for n in batch], length)
            for number, position in enumerate(batch):
                row = rows[position]
                first = row.prompt * skipped
                start = 0 if self._padding.side == "right" else length - len(row)
                vectors = made[number, start + first : start + len(row)].astype(np.float32)
                spans = [moved(*span, prompt) for span in row.spans[first:]]
                found[position] = TokenVectors(vectors, spans)
        return [found[position] for position in range(len(texts))]

    def _run(self, output: str, rows: Sequence[Read], length: int) -> Array:
        given = self._padding.batch(rows, length)
        read = given["attention_mask"]
        whole = self._graph.facts["include_prompt"]
        given["pooled_mask"] = read if whole else self._padding.without_prompts(read, rows)
        taken = {name: array for name, array in given.items() if name in self._inputs}
        return self._graph.run(output, **taken)[output]

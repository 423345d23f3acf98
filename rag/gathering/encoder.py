"""What threads ask of an encoder at the same time, encoded together."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from rag.errors import ModelError
from rag.gathering.gatherer import Gatherer
from rag.protocols import Encoder, TokenEncoder, TokenVectors, Vectors
from rag.wrapping import WrappedEncoder

Kind: TypeAlias = Literal["passages", "queries", "tokens", "query tokens"]
Found: TypeAlias = "Vectors | TokenVectors"

# Characters of a batch that is full: what has gathered beyond them waits for the next.
_FULL = 100_000
# Characters that are encoded before somebody may close this.
_PART = 20_000
# Bytes of vectors that are remembered: of tokens they are some thousand sentences.
_REMEMBERED = 256_000_000


class GatheringEncoder(WrappedEncoder):
    """An encoder for threads that share it: equal texts are encoded once, and batches are shared.

    Vectors are those of `encoder`, whose batches may hold the texts of several threads, up to
    `full` characters of them. The vectors last used are remembered, up to `remembered` bytes of
    them, until this is closed. Where `encoder` gives the vectors of tokens, what is made
    is a `GatheringTokenEncoder`.
    """

    def __new__(cls, encoder: Encoder, *_: Any, **__: Any) -> GatheringEncoder:
        """One that gives what `encoder` gives. Asking for the method alone loads no model."""
        tokens = cls is GatheringEncoder and hasattr(encoder, "encode_tokens")
        return super().__new__(GatheringTokenEncoder if tokens else cls)

    def __init__(
        self, encoder: Encoder, *, full: int = _FULL, remembered: int = _REMEMBERED
    ) -> None:
        super().__init__(encoder)
        self._gatherer: Gatherer[Kind, Sequence[str], list[Found]] = Gatherer(
            self._batch, full=full, size=lambda texts: sum(map(len, texts)), closed=_closed
        )
        self._remembered = remembered
        # Only who has the turn looks at them.
        self._known: OrderedDict[tuple[Kind, bytes], Found] = OrderedDict()
        self._held = 0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one.

        Raises what the encoder raises for these texts, and ModelError once this is closed.
        """
        return self._stacked("passages", texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The same for questions, with their prompt."""
        return self._stacked("queries", texts)

    def close(self) -> None:
        """Encode no more: threads that wait, and those that ask from now on, get ModelError.

        What is just being encoded is waited for, and what was remembered is forgotten.
        """
        self._gatherer.close()
        self._known, self._held = OrderedDict(), 0

    def _stacked(self, kind: Kind, texts: Sequence[str]) -> Vectors:
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack(cast("list[Vectors]", self._encoded(kind, texts)))

    def _encoded(self, kind: Kind, texts: Sequence[str]) -> list[Found]:
        if not texts:
            return []
        return self._gatherer.result(kind, list(texts))

    def _batch(self, kind: Kind, asked: Sequence[Sequence[str]]) -> list[list[Found]]:
        """What each of `asked` is to be given."""
        found = self._vectors(kind, [text for texts in asked for text in texts])
        return [[found[text] for text in texts] for texts in asked]

    def _vectors(self, kind: Kind, texts: Sequence[str]) -> Mapping[str, Found]:
        """The vector of each text, encoded where it is not known: those of a length together."""
        keys = {text: (kind, _digest(text)) for text in texts}
        found = {text: self._known[key] for text, key in keys.items() if key in self._known}
        missing = sorted((text for text in keys if text not in found), key=len)
        for some in _parts(missing):
            self._gatherer.check_open()
            found.update(zip(some, self._run(kind, some), strict=True))
        for text, key in keys.items():
            self._remember(key, found[text])
        return found

    def _remember(self, key: tuple[Kind, bytes], found: Found) -> None:
        """Keep `found` as the last used, and forget what was used before all others."""
        if key not in self._known:
            self._held += _bytes(found)
        self._known[key] = found
        self._known.move_to_end(key)
        while self._known and self._held > self._remembered:
            _, forgotten = self._known.popitem(last=False)
            self._held -= _bytes(forgotten)

    def _run(self, kind: Kind, texts: Sequence[str]) -> Iterator[Found]:
        """Copies, so that one text's vectors do not keep its whole batch in memory."""
        made = self._encoder.encode_queries if kind == "queries" else self._encoder.encode_passages
        return (row.copy() for row in made(texts))


class GatheringTokenEncoder(GatheringEncoder):
    """The same with the vectors of tokens."""

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of passages; all of `texts` are encoded before the first is given."""
        return iter(cast("list[TokenVectors]", self._encoded("tokens", texts)))

    def encode_query_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """The same for questions."""
        return iter(cast("list[TokenVectors]", self._encoded("query tokens", texts)))

    def pooled(self, means: Vectors) -> Vectors:
        """What the encoder makes of means."""
        return cast(TokenEncoder, self._encoder).pooled(means)

    def _run(self, kind: Kind, texts: Sequence[str]) -> Iterator[Found]:
        encoder = cast(TokenEncoder, self._encoder)
        if kind == "tokens":
            found = encoder.encode_tokens(texts)
        elif kind == "query tokens":
            found = encoder.encode_query_tokens(texts)
        else:
            return super()._run(kind, texts)
        return (TokenVectors(one.vectors.copy(), one.spans) for one in found)


def _bytes(found: Found) -> int:
    return found.vectors.nbytes if isinstance(found, TokenVectors) else found.nbytes


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Neighbouring texts, together all of them; a longer text is alone."""
    part: list[str] = []
    size = 0
    for text in texts:
        if part and size + len(text) > _PART:
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def _closed() -> ModelError:
    return ModelError("the encoder was closed while a question waited for it")

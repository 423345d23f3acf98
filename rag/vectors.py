"""Vectors of passages, made where they are missing and kept as soon as they are made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.protocols import Chunker, ContextualChunker, Encoder
from rag.store.writer import StoreWriter
from rag.types import Document, Passage

# Passages encoded between two savings: what a kill can cost.
_SAVE_PASSAGES = 128


@dataclass(frozen=True, slots=True)
class Keyed:
    """Passages of one document, each with the key of its vector; `load` gives the document."""

    load: Callable[[], Document]
    passages: Sequence[tuple[Passage, bytes]]


class Vectoriser:
    """Makes the vectors of an index: each passage's by itself, or out of its whole document.

    `tell` is told the number of passages encoded, every time that some were.
    """

    def __init__(
        self,
        writer: StoreWriter,
        chunker: Chunker,
        encoder: Encoder,
        tell: Callable[[int], None],
    ) -> None:
        self._writer = writer
        self._contextual = chunker if isinstance(chunker, ContextualChunker) else None
        self._encoder = encoder
        self._tell = tell

    def ensure(self, cut: Sequence[Keyed]) -> None:
        """Make and keep the vectors that are missing for the passages of `cut`."""
        if self._contextual is None:
            self._each(cut)
        else:
            self._whole(cut, self._contextual)

    def _each(self, cut: Sequence[Keyed]) -> None:
        texts = {key: passage.indexed for one in cut for passage, key in one.passages}
        missing = sorted(self._writer.missing(list(texts)), key=lambda key: -len(texts[key]))
        for start in range(0, len(missing), _SAVE_PASSAGES):
            keys = missing[start : start + _SAVE_PASSAGES]
            vectors = self._encoder.encode_passages([texts[key] for key in keys])
            self._writer.remember(keys, vectors)
            self._tell(len(keys))

    def _whole(self, cut: Sequence[Keyed], chunker: ContextualChunker) -> None:
        missing = set(self._writer.missing([key for one in cut for _, key in one.passages]))
        waiting = [
            Keyed(one.load, [pair for pair in one.passages if pair[1] in missing]) for one in cut
        ]
        for group in _groups([one for one in waiting if one.passages]):
            asked = [(one.load(), [passage for passage, _ in one.passages]) for one in group]
            for one, vectors in zip(group, chunker.encode(asked, self._encoder), strict=True):
                self._writer.remember([key for _, key in one.passages], vectors)
                self._tell(len(one.passages))


def keys(document: Document, passages: Sequence[Passage], chunker: Chunker) -> list[bytes]:
    """What the vectors of a document's passages are kept under.

    Equal texts are encoded once; where the whole document counts, equal places in equal documents.
    """
    if not isinstance(chunker, ContextualChunker):
        return [text_key(passage.indexed) for passage in passages]
    whole = hashlib.blake2b(document.text.encode(), digest_size=32).hexdigest()
    return [text_key(f"{whole} {passage.start} {passage.end}") for passage in passages]


def text_key(text: str) -> bytes:
    """The key of a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _groups(cut: Sequence[Keyed]) -> Iterator[list[Keyed]]:
    """Documents that are encoded and saved together."""
    group: list[Keyed] = []
    size = 0
    for one in cut:
        group.append(one)
        size += len(one.passages)
        if size >= _SAVE_PASSAGES:
            yield group
            group, size = [], 0
    if group:
        yield group

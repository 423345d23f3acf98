"""Passages that were found and not read yet, and hits that are made when somebody looks at them.

A retriever finds hundreds of passages, and most of them are cut before anybody reads a word of
them. What fusing and cutting need, which is where a passage stands, is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any, TypeAlias, overload

from rag.types import Hit, Passage, StageScore

Place: TypeAlias = tuple[str, int, int]
Reader: TypeAlias = Callable[[Sequence[int]], "dict[int, Passage]"]
"""The passages of these rows of an index. Raises RagError where one cannot be read."""


class FoundPassage(Passage):
    """The passage in a row of an index, read when more is asked of it than where it stands.

    It equals the passage that it stands for.
    """

    __slots__ = ("_found",)

    # The place, the row, and what reads it.
    _found: tuple[Place, int, Reader]

    def __new__(cls, *args: Any, **kwargs: Any) -> Passage:  # type: ignore[misc]  # as it says
        """A passage like any other: see `at`."""
        return Passage(*args, **kwargs)

    @classmethod
    def at(cls, place: Place, row: int, read: Reader) -> FoundPassage:
        """The passage at `place`, its `order`, which `read` reads from `row`."""
        made = object.__new__(cls)
        # It is frozen, and hundreds are made for a question.
        _set_found(made, (place, row, read))
        return made

    @property
    def order(self) -> Place:
        """As every passage has it."""
        return self._found[0]

    @property
    def id(self) -> str:
        """As every passage has it."""
        document_id, start, end = self._found[0]
        return f"{document_id}#{start}-{end}"

    def __getattr__(self, name: str) -> Any:
        """What is not there yet."""
        if name in _PLACE:
            return self._found[0][_PLACE.index(name)]
        if name not in _NAMES:
            raise AttributeError(name)
        read([self])
        return object.__getattribute__(self, name)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Passage) and _values(self) == _values(other)

    __hash__ = Passage.__hash__

    def __reduce__(self) -> tuple[type[Passage], tuple[Any, ...]]:
        """A copy is a passage like any other, as is what `dataclasses.replace` makes of it."""
        return Passage, _values(self)


class FoundHits(Sequence[Hit]):
    """Hits of what stage `name` found, as `pairs` of passages and scores, best first."""

    def __init__(self, name: str, pairs: Sequence[tuple[Passage, float]]) -> None:
        self.name = name
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Hit]:
        return (self._hit(rank, *pair) for rank, pair in enumerate(self.pairs, 1))

    @overload
    def __getitem__(self, at: int) -> Hit: ...

    @overload
    def __getitem__(self, at: slice) -> list[Hit]: ...

    def __getitem__(self, at: int | slice) -> Hit | list[Hit]:
        if isinstance(at, slice):
            ranks = range(len(self.pairs))[at]
            return [self._hit(rank + 1, *self.pairs[rank]) for rank in ranks]
        rank = range(len(self.pairs))[at]
        return self._hit(rank + 1, *self.pairs[rank])

    def _hit(self, rank: int, passage: Passage, score: float) -> Hit:
        return Hit(passage, score, MappingProxyType({self.name: StageScore(rank, score)}), ())


def pairs_of(hits: Sequence[Hit]) -> Sequence[tuple[Passage, float]]:
    """The passages of `hits` with their scores."""
    if isinstance(hits, FoundHits):
        return hits.pairs
    return [(hit.passage, hit.score) for hit in hits]


def read(passages: Iterable[Passage]) -> None:
    """Read at once what is not known yet of `passages`."""
    waiting: dict[Reader, list[FoundPassage]] = {}
    for one in passages:
        if isinstance(one, FoundPassage) and not _is_read(one):
            waiting.setdefault(one._found[2], []).append(one)
    for reader, some in waiting.items():
        known = reader([one._found[1] for one in some])
        for one in some:
            for name, value in zip(_NAMES, _values(known[one._found[1]]), strict=True):
                object.__setattr__(one, name, value)


def read_hits(hits: Iterable[Hit]) -> None:
    """The same for the passages of hits."""
    read(passage for hit in hits for passage in (hit.passage, *hit.found))


def _is_read(passage: FoundPassage) -> bool:
    try:
        object.__getattribute__(passage, "text")
    except AttributeError:
        return False
    return True


def _values(passage: Passage) -> tuple[Any, ...]:
    return tuple(getattr(passage, name) for name in _NAMES)


_NAMES = tuple(field.name for field in fields(Passage))
_PLACE = ("document_id", "start", "end")
_set_found = FoundPassage._found.__set__  # type: ignore[attr-defined, misc]  # it is a slot

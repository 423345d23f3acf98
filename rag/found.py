"""Passages that were found and not read yet.

A retriever finds hundreds of passages, and most of them are cut before anybody asks what they say
or where they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol, TypeAlias

from rag.types import Hit, Passage

Place: TypeAlias = tuple[str, int, int]


class Located(Protocol):
    """Passages by rows, and where they stand. Raises RagError where that cannot be read."""

    def passage(self, row: int) -> Passage:
        """The passage in a row, the same one each time; it may be read later."""
        ...

    def places(self, rows: Sequence[int]) -> Sequence[Place]:
        """The `Passage.order` of what each of these rows has."""
        ...


class Reader(Located, Protocol):
    """One state of an index. What reads raises RagError where a row cannot be read."""

    def read(self, rows: Sequence[int]) -> Mapping[int, Passage]:
        """The passages of these rows."""
        ...


class FoundPassage(Passage):
    """The passage in a row of an index, read when somebody asks what it says.

    It equals the passage that it stands for.
    """

    __slots__ = ("_found",)

    # The row, and what reads it.
    _found: tuple[int, Reader]

    def __new__(cls, *args: Any, **kwargs: Any) -> Passage:  # type: ignore[misc]  # as it says
        """A passage like any other: see `at`."""
        return Passage(*args, **kwargs)

    @classmethod
    def at(cls, row: int, reader: Reader) -> FoundPassage:
        """The passage that `reader` reads from `row`."""
        made = object.__new__(cls)
        # It is frozen, and hundreds are made for a question.
        _set_found(made, (row, reader))
        return made

    def row_in(self, reader: Reader) -> int | None:
        """Its row, where it was found by `reader`."""
        row, mine = self._found
        return row if mine is reader else None

    @property
    def order(self) -> Place:
        """As every passage has it."""
        row, reader = self._found
        return super().order if _is_read(self) else reader.places([row])[0]

    def __getattr__(self, name: str) -> Any:
        """What is not there yet."""
        if name not in _NAMES:
            raise AttributeError(name)
        if name in _PLACE:
            return self.order[_PLACE.index(name)]
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


def read(passages: Iterable[Passage]) -> None:
    """Read at once what is not known yet of `passages`."""
    waiting: dict[int, list[FoundPassage]] = {}
    for one in passages:
        if isinstance(one, FoundPassage) and not _is_read(one):
            waiting.setdefault(id(one._found[1]), []).append(one)
    for some in waiting.values():
        _, reader = some[0]._found
        known = reader.read([one._found[0] for one in some])
        for one in some:
            for name, value in zip(_NAMES, _values(known[one._found[0]]), strict=True):
                object.__setattr__(one, name, value)


def read_hits(hits: Iterable[Hit]) -> None:
    """The same for the passages of hits."""
    read(passage for hit in hits for passage in (hit.passage, *hit.found))


def found_in_one(passages: Sequence[Passage]) -> tuple[Reader, list[int]] | None:
    """What found all of `passages`, and their rows there."""
    reader = next((one._found[1] for one in passages if isinstance(one, FoundPassage)), None)
    if reader is None:
        return None
    found = [one.row_in(reader) if isinstance(one, FoundPassage) else None for one in passages]
    rows = [row for row in found if row is not None]
    return (reader, rows) if len(rows) == len(found) else None


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

"""A row, and what stands where one should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Row: TypeAlias = Mapping[str, object]
"""The values of named fields; those of JSON may be lists and mappings."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A row and its number, from 1, as a person would count it in its file."""

    number: int
    row: Row


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read: `where`, such as `line 17`, and one line that says why.

    `number` is as in `Numbered`; None where it is not known which row it was, or how many.
    """

    where: str
    error: str
    number: int | None = None

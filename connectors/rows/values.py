"""Values of fields as text and as metadata."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from numbers import Integral, Number, Real
from typing import Any

from rag.connectors.formats.decoding import clean
from rag.connectors.rows.row import Row
from rag.errors import DocumentError
from rag.types import Scalar

_LARGEST_INTEGER = 2**63 - 1
_DEEPEST = 16  # of mappings within mappings, as metadata
# Not 007, which is a name.
_WRITTEN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_BYTES = (bytes, bytearray, memoryview)


class Cell(str):
    """Text of a table's cell: as metadata a number, where it is written as one."""

    __slots__ = ()


def value_at(row: Row, path: str) -> object:
    """The value of a field, or of one inside it: `a.b` is `b` in the mapping `a`. None for none."""
    if path in row:
        return row[path]
    first, dot, rest = path.partition(".")
    inner = row.get(first) if dot else None
    return value_at(inner, rest) if isinstance(inner, Mapping) else None


def as_text(value: object, name: str) -> str:
    """A value as text; a list has a line for each of its values. Raises DocumentError."""
    if isinstance(value, list | tuple):
        return "\n".join(as_text(one, name) for one in value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, _BYTES):
        raise DocumentError(f"field '{name}' holds bytes, not text; decode or cast them")
    if isinstance(value, Mapping):
        raise DocumentError(f"field '{name}' holds a mapping; name a field in it: '{name}.KEY'")
    told = scalar(value)
    return "" if told is None else str(told)


def scalar(value: object) -> Scalar | None:
    """A value as metadata keeps it; None where it has no such form.

    Dates and times are ISO 8601 text, decimals are numbers where no digit is lost, and a list
    of plain values is text with commas.
    """
    if value is None or isinstance(value, (*_BYTES, Mapping)):
        return None
    if isinstance(value, Number):  # numpy's, too
        return _number(value)
    if isinstance(value, Cell):
        written = _WRITTEN.fullmatch(value.strip())
        return clean(value) if written is None else _number(Decimal(written[0]))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return _joined(sorted(value, key=str))
    return _joined(value) if isinstance(value, list | tuple) else _written(value)


def fields_of(row: Row, depth: int = 0, before: str = "") -> Iterator[tuple[str, object]]:
    """Every field that is no mapping, those inside mappings under their dotted names."""
    for key, value in row.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            if depth < _DEEPEST:
                yield from fields_of(value, depth + 1, f"{name}.")
        else:
            yield name, value


def is_bytes(value: object) -> bool:
    """Whether a value is binary data."""
    return isinstance(value, _BYTES)


def _written(value: object) -> str | None:
    # What tells nothing but its address in memory would differ from run to run.
    mute = type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__
    return None if mute else clean(str(value))


def _number(value: Any) -> Scalar | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value) if abs(int(value)) <= _LARGEST_INTEGER else str(value)
    if isinstance(value, Decimal):
        return _decimal(value) if value.is_finite() else None
    if not isinstance(value, Real):
        return str(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _decimal(value: Decimal) -> Scalar:
    # Its size is looked at first: 1E+999999 as an integer would have a million digits.
    if value.adjusted() < 18 and value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def _joined(values: list[object] | tuple[object, ...]) -> str | None:
    told = [scalar(value) for value in values]
    return ", ".join(str(one) for one in told if one is not None) or None

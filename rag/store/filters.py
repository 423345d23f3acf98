"""Which documents filters select.

Each comparison is judged by itself on the values of its field, and the sets of documents are then
joined: what SQLite takes of a condition, in depth, size or letters, is no bound here, and there is
no third truth value.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from sqlite3 import Connection
from typing import assert_never

import numpy as np

from rag.errors import RequestError
from rag.filters import OWN_FIELDS, check_form
from rag.protocols import Ids
from rag.store.comparison import Comparison, shortened
from rag.store.fields import Column, Fields
from rag.types import AllOf, AnyOf, Condition, Filter, Not, Scalar

# Those of one question; `in` is one, with any number of values.
MAX_COMPARISONS = 1_000
_LISTED = 30
_NONE: Ids = np.empty(0, np.int64)


class Filtering:
    """Filters on the documents of one published state.

    Raises RequestError where they are no filters, nest too deep or have too many comparisons.
    """

    def __init__(self, filters: Sequence[Filter], fields: Fields, connection: Connection) -> None:
        check_form(filters)
        self._whole = AllOf(tuple(filters))
        self._fields = fields
        self._connection = connection
        self._comparisons = list(_comparisons(filters))
        if len(self._comparisons) > MAX_COMPARISONS:
            raise RequestError(
                f"the filter has {len(self._comparisons):,} comparisons, and up to "
                f"{MAX_COMPARISONS:,} are taken: 'in' counts as one, with any number of values"
            )

    def documents(self) -> Ids:
        """Rows of the documents that all filters select, ascending."""
        return self._selected(self._whole, self._columns())

    def check(self) -> None:
        """Raise RequestError for a field that no document has, or that has no such values.

        An index without documents has nothing to be checked against.
        """
        if not self._fields.exist(self._connection):
            return
        columns = self._columns()
        for one in self._comparisons:
            column = columns.get(one.key)
            if column is not None and not len(column) and one.key not in OWN_FIELDS:
                self._check_name(one.key)
            one.check(column)

    def _check_name(self, key: str) -> None:
        names = self._fields.names(self._connection)
        if key not in names:
            raise RequestError(_unknown(key, names))

    def _columns(self) -> Mapping[str, Column]:
        keys = {one.key for one in self._comparisons if not one.is_looked_up}
        return self._fields.columns(self._connection, keys)

    def _selected(self, test: Filter, columns: Mapping[str, Column]) -> Ids:
        match test:
            case Condition(key, operator, value):
                return self._compared(Comparison(key, operator, (value,)), columns)
            case Not(part):
                return self._others(self._selected(part, columns))
            case AllOf(parts):
                found = [self._selected(part, columns) for part in parts]
                return reduce(np.intersect1d, found) if found else self._others(_NONE)
            case AnyOf(parts):
                together, apart = _together(parts)
                found = [self._compared(one, columns) for one in together]
                found += [self._selected(part, columns) for part in apart]
                return reduce(np.union1d, found, _NONE)
            case _:
                assert_never(test)

    def _compared(self, one: Comparison, columns: Mapping[str, Column]) -> Ids:
        if one.operator == "!=":
            return self._others(self._compared(Comparison(one.key, "=", one.values), columns))
        return self._looked_up(one) if one.is_looked_up else one.fulfilling(columns[one.key])

    def _looked_up(self, one: Comparison) -> Ids:
        sql = (
            f"SELECT row FROM documents WHERE {one.key} IN (SELECT value FROM json_each(?)) "
            "ORDER BY row"
        )
        texts = [value for value in one.values if isinstance(value, str)]
        found = self._connection.execute(sql, [json.dumps(texts)])
        return np.array([row for (row,) in found], np.int64)

    def _others(self, rows: Ids) -> Ids:
        return np.setdiff1d(self._fields.rows(self._connection), rows)


def _comparisons(filters: Sequence[Filter]) -> Iterator[Comparison]:
    for test in filters:
        match test:
            case Condition(key, operator, value):
                yield Comparison(key, operator, (value,))
            case Not(part):
                yield from _comparisons((part,))
            case AllOf(parts):
                yield from _comparisons(parts)
            case AnyOf(parts):
                together, apart = _together(parts)
                yield from together
                yield from _comparisons(apart)
            case _:
                assert_never(test)


def _together(parts: Sequence[Filter]) -> tuple[list[Comparison], list[Filter]]:
    """Alternatives of one field as one comparison each, and everything else."""
    values: dict[str, list[Scalar]] = {}
    apart: list[Filter] = []
    for part in parts:
        if isinstance(part, Condition) and part.operator == "=":
            values.setdefault(part.key, []).append(part.value)
        else:
            apart.append(part)
    return [Comparison(key, "=", tuple(some)) for key, some in values.items()], apart


def _unknown(key: str, names: Sequence[str]) -> str:
    """One line about a field that no document has: the nearest one, and those that there are."""
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    listed = ", ".join(shortened(name) for name in names[:_LISTED])
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f"no document has a field '{shortened(key)}'{hint} (there are: {listed}{more})"

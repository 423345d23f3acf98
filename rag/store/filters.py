"""Conditions on documents, as SQL over the documents table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from rag.types import AllOf, AnyOf, Condition, Filter, Not, Operator

_COLUMNS = ("id", "source", "title", "language")
_SQL: dict[Operator, str] = {"=": "=", "!=": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ORDERED = ("<", "<=", ">", ">=")


def where(filters: Sequence[Filter]) -> tuple[str, list[object]]:
    """An SQL condition and its values: all of `filters` hold.

    A document without the key fulfils only `!=`; text is never before or after a number.
    """
    return _joined(filters, " AND ", "1")


def _sql(test: Filter) -> tuple[str, list[object]]:
    match test:
        case AllOf(parts):
            return _joined(parts, " AND ", "1")
        case AnyOf(parts):
            return _joined(parts, " OR ", "0")
        case Not(part):
            clause, values = _sql(part)
            # A comparison with what is not there is neither true nor false in SQL.
            return f"NOT coalesce({clause}, 0)", values
        case Condition():
            return _condition(test)
        case _:
            assert_never(test)


def _joined(parts: Sequence[Filter], word: str, none: str) -> tuple[str, list[object]]:
    clauses = [_sql(part) for part in parts]
    joined = word.join(clause for clause, _ in clauses)
    return f"({joined or none})", [value for _, values in clauses for value in values]


def _condition(test: Condition) -> tuple[str, list[object]]:
    field, key = _field(test.key)
    if test.operator == "~":
        return f"instr(lower({field}), lower(?)) > 0", [*key, str(test.value)]
    clause, values = f"{field} {_SQL[test.operator]} ?", [*key, test.value]
    if test.operator in _ORDERED:
        clause += f" AND (typeof({field}) = 'text') = ?"
        values += [*key, isinstance(test.value, str)]
    return f"({clause})", values


def _field(key: str) -> tuple[str, list[object]]:
    """A column, or a value of the metadata and what selects it."""
    if key in _COLUMNS:
        return key, []
    return "(SELECT value FROM json_each(metadata) WHERE key = ?)", [key]

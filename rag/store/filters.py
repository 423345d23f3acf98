"""Conditions on documents, as SQL over the documents table."""

from __future__ import annotations

from collections.abc import Sequence

from rag.types import Condition, Operator

_COLUMNS = ("id", "source", "title", "language")
_SQL: dict[Operator, str] = {"=": "=", "!=": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ORDERED = ("<", "<=", ">", ">=")


def where(conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    """An SQL condition and its values.

    A document without the key fulfils only `!=`; text is never before or after a number.
    """
    clauses: list[str] = []
    values: list[object] = []
    for condition in conditions:
        field, key = _field(condition.key)
        if condition.operator == "~":
            clauses.append(f"instr(lower({field}), lower(?)) > 0")
            values += [*key, str(condition.value)]
            continue
        clauses.append(f"{field} {_SQL[condition.operator]} ?")
        values += [*key, condition.value]
        if condition.operator in _ORDERED:
            clauses.append(f"(typeof({field}) = 'text') = ?")
            values += [*key, isinstance(condition.value, str)]
    return " AND ".join(clauses), values


def _field(key: str) -> tuple[str, list[object]]:
    """A column, or a value of the metadata and what selects it."""
    if key in _COLUMNS:
        return key, []
    return "(SELECT value FROM json_each(metadata) WHERE key = ?)", [key]

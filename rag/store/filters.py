"""Conditions on documents, as SQL over the documents table."""

from __future__ import annotations

from collections.abc import Sequence

from rag.types import Condition, Operator

_COLUMNS = ("id", "source", "title", "language")
_SQL: dict[Operator, str] = {
    "=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "~": "LIKE",
}  # fmt: skip


def where(conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    """An SQL condition and its values. A document without the key fulfils only `!=`."""
    clauses: list[str] = []
    values: list[object] = []
    for condition in conditions:
        field = condition.key
        if condition.key not in _COLUMNS:
            field = "json_extract(metadata, ?)"
            values.append('$."' + condition.key.replace('"', '""') + '"')
        value = condition.value
        if condition.operator == "~":
            clauses.append(f"instr(lower({field}), lower(?)) > 0")
            value = str(value)
        elif condition.operator == "!=":
            clauses.append(f"{field} IS NOT ?")
        else:
            clauses.append(f"{field} {_SQL[condition.operator]} ?")
        values.append(value)
    return " AND ".join(clauses), values

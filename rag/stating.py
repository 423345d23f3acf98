"""Filters as text: what `rag.filters.parse_filter` reads, the other way round."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import assert_never

from rag.filters import OWN_FIELDS
from rag.types import AllOf, AnyOf, Condition, Filter, Not, Scalar

_PLAIN = re.compile(r"[\w.\-]+")
_KEYWORDS = frozenset({"and", "or", "not", "in", "has"})


def stated(test: Filter) -> str:
    """The expression that states `test`; parts that join others stand in parentheses."""
    match test:
        case AllOf(parts):
            return _joined(parts, " and ", "every document")
        case AnyOf(parts):
            return _joined(parts, " or ", "no document")
        case Not(part):
            return f"not ({stated(part)})"
        case Condition(key, "~", "") if key not in OWN_FIELDS:
            return f"has {_field(key)}"
        case Condition(key, operator, value):
            return f"{_field(key)}{operator}{_value(value)}"
        case _:
            assert_never(test)


def conditions(filters: Sequence[Filter]) -> list[Filter]:
    """What must hold by itself: `filters`, and the parts of those that say "all of these"."""
    found: list[Filter] = []
    for one in filters:
        found += conditions(one.parts) if isinstance(one, AllOf) else [one]
    return found


def _joined(parts: Sequence[Filter], word: str, none: str) -> str:
    if len(parts) == 1:
        return stated(parts[0])
    told = [f"({stated(one)})" if isinstance(one, AllOf | AnyOf) else stated(one) for one in parts]
    return word.join(told) or none


def _field(key: str) -> str:
    plain = _PLAIN.fullmatch(key) and key.lower() not in _KEYWORDS
    return key if plain else "`" + key.replace("`", "``") + "`"


def _value(value: Scalar) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    if isinstance(value, bool):
        return str(value).lower()
    whole, mark, power = repr(value).partition("e")
    # A power of ten follows a decimal point.
    return f"{whole}{'' if '.' in whole or not mark else '.0'}{mark}{power}"

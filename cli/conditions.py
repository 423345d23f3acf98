"""Conditions on documents as the command line takes them: `year>=2024`, `author~smith`."""

from __future__ import annotations

import re
from typing import cast

from rag.errors import RequestError
from rag.types import Condition, Operator, Scalar

SYNTAX = (
    "KEY=VALUE, with one of = != < <= > >= ~ (contains) between the two, for example "
    "year>=2024 or title~winch; a value in quotes stays text"
)

_CONDITION = re.compile(
    r"\s*([^\s!<>=~][^!<>=~]*?)\s*(!=|<=|>=|=|<|>|~)\s*([^\s!<>=~].*?)\s*", re.DOTALL
)
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_QUOTED = re.compile(r"(['\"])(.*)\1", re.DOTALL)


def parse_condition(text: str) -> Condition:
    """The condition that `text` states. Raises RequestError, which shows what is taken."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise RequestError(f"--where '{text}' is no condition: it takes {SYNTAX}")
    key, operator, value = match.groups()
    return Condition(key, cast(Operator, operator), _value(value))


def _value(text: str) -> Scalar:
    if quoted := _QUOTED.fullmatch(text):
        return quoted[2]
    if text in {"true", "false"}:
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text

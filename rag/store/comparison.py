"""One comparison of a filter: which values of a field fulfil it, and whether the field has such."""

from __future__ import annotations

import math
import operator
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.errors import RequestError
from rag.filters import OWN_FIELDS
from rag.protocols import Ids
from rag.store.fields import Column, Kind, kind_of
from rag.types import Operator, Scalar

_INDEXED = ("id", "source")
_SHOWN = 60
# What the documents' own fields hold.
_TEXT: list[Kind] = ["text"]
_HELD: dict[Kind, str] = {"text": "text", "number": "numbers", "boolean": "true or false"}
_ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test on a field; `=` holds for any of several values, the others have one."""

    key: str
    operator: Operator
    values: tuple[Scalar, ...]

    @property
    def is_looked_up(self) -> bool:
        """Whether an index of the database answers it."""
        return self.key in _INDEXED and self.operator in {"=", "!="}

    def fulfilling(self, column: Column) -> Ids:
        """Rows of the documents whose value fulfils it, ascending."""
        found: list[int] = []
        for kind, values in column.values.items():
            if test := self._test(kind):
                rows = column.rows[kind]
                found += [row for row, value in zip(rows, values, strict=True) if test(value)]
        return np.unique(np.array(found, np.int64))

    def check(self, column: Column | None) -> None:
        """Raise RequestError where the field holds values, and none that compares with these."""
        kinds = _TEXT if self.key in OWN_FIELDS else [*(column.values if column else ())]
        if self.operator == "~" or not kinds:
            return
        for value in self.values:
            if (kind := kind_of(value)) not in kinds:
                held = " and ".join(_HELD[one] for one in _HELD if one in kinds)
                advice = self._advice(value, kinds)
                raise RequestError(f"the field '{shortened(self.key)}' holds {held}: {advice}")
            if kind == "boolean" and self.operator in _ORDER:
                raise RequestError(
                    "true and false have no order: compare the field "
                    f"'{shortened(self.key)}' with = or !="
                )

    def _test(self, kind: Kind) -> Callable[[Any], bool] | None:
        """What tells of a value of a kind whether it fulfils this; None where none can."""
        if self.operator == "~":
            part = _folded(self.values[0])
            return lambda value: part in _folded(value)
        wanted = [value for value in self.values if kind_of(value) == kind]
        if self.operator == "=" and wanted:
            # A set would take a NaN for equal to itself.
            return {value for value in wanted if not _is_nan(value)}.__contains__
        if not wanted or kind == "boolean":
            return None
        compare, bound = _ORDER[self.operator], wanted[0]
        return lambda value: compare(value, bound)

    def _advice(self, value: Scalar, kinds: Collection[Kind]) -> str:
        shown, key = shortened(value), shortened(self.key)
        if "text" in kinds:
            return f'put {shown} in quotes, as in {key}{self.operator}"{shown}"'
        if isinstance(value, str) and _reads_as(value, kinds):
            return f"leave out the quotes, as in {key}{self.operator}{shown}"
        return f"'{shown}' is no such value"


def shortened(value: Scalar) -> str:
    """A value or a name as a message shows it."""
    text = str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_nan(value: Scalar) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _folded(value: Scalar) -> str:
    """A value as text that is searched without regard to case, composed as NFC has it."""
    text = str(value)
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())


def _reads_as(text: str, kinds: Collection[Kind]) -> bool:
    if text.lower() in {"true", "false"}:
        return "boolean" in kinds
    try:
        return "number" in kinds and math.isfinite(float(text))
    except ValueError:
        return False

"""Filters on documents as text: `year>=2024 and source~"handbook"`.

    filter     = both { "or" both }
    both       = one { "and" one }
    one        = "not" one | "(" filter ")" | "has" FIELD | comparison
    comparison = FIELD ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~") VALUE
               | FIELD ["not"] "in" "(" VALUE { "," VALUE } ")"

A FIELD is `id`, `source`, `title`, `language` or a key of the metadata; one with spaces or marks
in it stands in backquotes or double quotes. A VALUE is a number, true or false, a word, or text
in single or double quotes, where a quote is written twice. `~` is contains, without regard to
case. Keywords may be written in any case.

A document without the field fulfils `!=` and `not in` alone. Text, numbers, and true and false are
never equal to one another, nor before or after one another; `~` takes them all as text. Text is
ordered by code points, which puts dates in ISO 8601 (2024-01-05) in their order. Filters are on
documents: the page or the headings of a passage are no fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias, cast

from rag.errors import RequestError
from rag.types import AllOf, AnyOf, Condition, Filter, Not, Operator, Scalar

Filters: TypeAlias = Filter | str | Sequence[Filter | str]

# What every document has, whatever its metadata says.
OWN_FIELDS = ("id", "source", "title", "language")
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~")
MAX_DEPTH = 50
_MAX_CHARACTERS = 100_000
_SHOWN = 40  # characters on either side of a fault
_LARGEST = 2**63 - 1

_KINDS = (Condition, AllOf, AnyOf, Not)
_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"==|!=|<=|>=|=|<|>|~")
_FIELD = re.compile(r"""[^\s()=!<>~,"'`]+""")
_QUOTED = re.compile(r""""((?:[^"]|"")*)"|'((?:[^']|'')*)'|`((?:[^`]|``)*)`""")
_WORD = re.compile(r"""[^\s()=!<>~"'`][^\s()]*""")
_MEMBER = re.compile(r"""[^\s()=!<>~"'`,][^\s(),]*""")
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_KEYWORDS = frozenset({"and", "or", "not", "in"})
_COMPARISON = "= != < <= > >= ~ or in"


def parse_filter(text: str, name: str = "filter") -> Filter:
    """The filter that `text` states.

    Raises RequestError, which begins with `name` and points at the place.
    """
    return _Reader(text, name).whole()


def as_filters(filters: Filters) -> tuple[Filter, ...]:
    """Filters as a query holds them; text among them is parsed. Raises RequestError."""
    several = isinstance(filters, Sequence) and not isinstance(filters, str)
    given = cast(Sequence[Filter | str], filters if several else [filters])
    found = tuple(parse_filter(one) if isinstance(one, str) else one for one in given)
    check_form(found)
    return found


def check_form(filters: Sequence[Filter]) -> None:
    """Raise RequestError for what is no filter, or nests too deep to be worked on."""
    level: list[Any] = list(filters)
    for _ in range(MAX_DEPTH + 2):
        inner: list[Any] = []
        for one in level:
            _check_node(one)
            inner += (one.part,) if isinstance(one, Not) else getattr(one, "parts", ())
        if not inner:
            return
        level = inner
    raise RequestError(f"the filter nests deeper than {MAX_DEPTH}: write it with fewer levels")


def _check_node(one: Any) -> None:
    if not isinstance(one, _KINDS):
        raise RequestError(
            f"a filter is an expression, or a Condition, AllOf, AnyOf or Not, but not {one!r}"
        )
    if not isinstance(one, Condition):
        return
    if one.operator not in OPERATORS:
        raise RequestError(f"no operator {one.operator!r} in filters: take {' '.join(OPERATORS)}")
    key: object = one.key
    value: object = one.value
    if not (isinstance(key, str) and isinstance(value, str | int | float)):
        raise RequestError(f"{one!r} needs a field's name, and text, a number, true or false")


class _Reader:
    """Reads an expression from left to right: one method for each rule of the grammar."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        if len(text) > _MAX_CHARACTERS:
            raise RequestError(
                f"{name}: the expression has {len(text):,} characters; up to "
                f"{_MAX_CHARACTERS:,} are taken"
            )
        # Half a surrogate pair is in no document, and cannot be written anywhere.
        self._text = text.encode("utf-8", "replace").decode()
        self._at = 0
        self._depth = 0
        self._bare = False  # whether the last value was a word that quotes could have gone around

    def whole(self) -> Filter:
        found = self._either()
        if self._at < len(self._text.rstrip()):
            raise self._fault("expected 'and', 'or' or the end", self._cut_short())
        return found

    def _either(self) -> Filter:
        parts = [self._both()]
        while self._keyword("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self) -> Filter:
        parts = [self._one()]
        while self._keyword("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _one(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"parentheses and 'not' nest deeper than {MAX_DEPTH}")
        found = self._inner()
        self._depth -= 1
        return found

    def _inner(self) -> Filter:
        if self._prefix("not"):
            return Not(self._one())
        if self._take("("):
            found = self._either()
            if not self._take(")"):
                raise self._fault("expected 'and', 'or' or ')'", self._cut_short())
            self._bare = False
            return found
        if self._prefix("has"):
            key = self._field("a field's name after 'has'")
            # Every document has these; the one that may be empty is the title.
            return Condition(key, "!=" if key in OWN_FIELDS else "~", "")
        return self._comparison()

    def _comparison(self) -> Filter:
        key = self._field("a comparison, such as year>=2024,")
        denied = self._keyword("not")
        if self._keyword("in"):
            found = self._members(key)
            return Not(found) if denied else found
        operator = None if denied else self._match(_OPERATOR)
        if operator is None:
            if denied:
                raise self._fault("expected 'in' after 'not'")
            expected = f"expected {_COMPARISON} after '{key}'"
            raise self._fault(expected, "; a name with spaces goes in backquotes")
        told = cast(Operator, operator[0].replace("==", "="))
        value = self._value(f"after '{operator[0]}'", _WORD, text=told == "~")
        return Condition(key, told, value)

    def _members(self, key: str) -> Filter:
        if not self._take("("):
            raise self._fault("expected '(' after 'in'")
        parts = [Condition(key, "=", self._value("after '('", _MEMBER))]
        while self._take(","):
            parts.append(Condition(key, "=", self._value("after ','", _MEMBER)))
        if not self._take(")"):
            raise self._fault("expected ',' or ')'", "; text with spaces goes in quotes")
        self._bare = False
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _field(self, wanted: str) -> str:
        if quoted := self._quoted("`", '"'):
            return quoted
        found = self._peek(_FIELD)
        # A keyword is a name where an operator follows: state=new and in=3.
        if found is None or (found[0].lower() in _KEYWORDS and not self._is_compared(found.end())):
            raise self._fault(f"expected {wanted}")
        self._at = found.end()
        return found[0]

    def _value(self, where: str, bare: re.Pattern[str], *, text: bool = False) -> Scalar:
        quoted = self._quoted("'", '"')
        self._bare = quoted is None
        if quoted is not None:
            return quoted
        found = self._peek(bare)
        # As in state=or, but not in 'year>= and ...'.
        keyword = found is not None and bare is _WORD and found[0].lower() in _KEYWORDS
        if found is None or (keyword and found.start() > self._at):
            hint = "; as text a keyword goes in quotes" if keyword else ""
            raise self._fault(f"expected a value {where}", hint)
        self._at = found.end()
        return found[0] if text else _scalar(found[0])

    def _quoted(self, *marks: str) -> str | None:
        start = self._skipped()
        mark = self._text[start : start + 1]
        if not mark or mark not in marks:
            return None
        found = _QUOTED.match(self._text, start)
        if found is None:
            raise self._fault(f"the {mark} has no other one to close it")
        self._at = found.end()
        if _FIELD.match(self._text, self._at):
            raise self._fault("expected a space", f"; a {mark} inside quotes is written twice")
        return found[0][1:-1].replace(mark * 2, mark)

    def _cut_short(self) -> str:
        """A hint, where the last value may be the beginning of a longer text."""
        ends = self._skipped() == len(self._text) or self._text.startswith(")", self._skipped())
        cut = self._bare and not ends
        return "; text with spaces or parentheses goes in quotes" if cut else ""

    def _keyword(self, word: str) -> bool:
        found = self._peek(_FIELD)
        if found is None or found[0].lower() != word:
            return False
        self._at = found.end()
        return True

    def _prefix(self, word: str) -> bool:
        found = self._peek(_FIELD)
        return found is not None and not self._is_compared(found.end()) and self._keyword(word)

    def _is_compared(self, at: int) -> bool:
        return _OPERATOR.match(self._text, self._skipped(at)) is not None

    def _take(self, mark: str) -> bool:
        start = self._skipped()
        if not self._text.startswith(mark, start):
            return False
        self._at = start + len(mark)
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = self._peek(pattern)
        self._at = self._at if found is None else found.end()
        return found

    def _peek(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self._text, self._skipped())

    def _skipped(self, at: int | None = None) -> int:
        found = _SPACE.match(self._text, self._at if at is None else at)
        return self._at if found is None else found.end()

    def _fault(self, message: str, hint: str = "") -> RequestError:
        before, after = self._text[: self._at].rstrip(), self._text[self._at :].lstrip()
        head = f"…{before[-_SHOWN:]}" if len(before) > _SHOWN else before
        tail = f"{after[:_SHOWN]}…" if len(after) > _SHOWN else after
        shown = " ".join(f"{head} <here> {tail}".split())
        # A name in backquotes may have lines.
        told = " ".join(message.split())
        return RequestError(f"{self._name}: {told} at character {self._at + 1}: {shown}{hint}")


def _scalar(text: str) -> Scalar:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    # 007 is a name, and so is what no database holds as a number.
    if _WHOLE.fullmatch(text) and abs(int(text)) <= _LARGEST:
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text

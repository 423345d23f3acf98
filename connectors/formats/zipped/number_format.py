"""Numbers of a spreadsheet as people read them: by the format of their cell."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

# The formats that files name by number alone (ECMA-376, 18.8.30).
BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "yyyy-mm-dd",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm",
    21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00",
    40: "#,##0.00", 41: "#,##0", 42: "#,##0", 43: "#,##0.00", 44: "#,##0.00", 45: "mm:ss",
    46: "[h]:mm:ss", 47: "mm:ss",
}  # fmt: skip

_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]')
_UNSHOWN = re.compile(r"[_*].")  # room for a character, or a character that fills the cell
_BRACKETED = re.compile(r"\[[^\]]*\]")
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_DIGITS = re.compile(r"[#0?](?:[#0?,]*[#0?])?(?:\.([#0?]*))?")
_DAY = datetime.timedelta(days=1)
_MOST_DECIMALS = 10
_LAST_DAY = 2_958_466  # the one after 9999-12-31
_CENTURY_LEAP = 60  # Excel counts a 29th of February 1900, which there was not


@dataclass(frozen=True, slots=True)
class _Pattern:
    before: str = ""
    after: str = ""
    decimals: int = 0
    optional: int = 0  # of the decimals, those left out where they are 0
    grouped: bool = False
    percent: bool = False
    thousands: int = 0  # how often it is divided by a thousand before it is shown


@lru_cache(maxsize=1024)
def formatter(code: str, since_1904: bool = False) -> Callable[[float], str]:
    """What shows a number as the format `code` has it; days and times as ISO 8601 has them."""
    section = _first_section(code)
    bare = _UNSHOWN.sub("", _LITERAL.sub("", section))
    if _ELAPSED.search(bare):
        return _elapsed
    letters = set(_BRACKETED.sub("", bare).lower()) & set("ymdhs")
    if letters and "general" not in bare.lower():
        return lambda value: _moment(value, letters, since_1904)
    digits = _DIGITS.search(_BRACKETED.sub("", bare))
    if digits is None or "/" in bare or "e" in bare.lower():  # plain, fractions, powers of ten
        return plain
    pattern = _pattern(section)
    return lambda value: _figure(value, pattern)


def plain(value: float) -> str:
    """A number without a format: fifteen digits, which is what spreadsheets keep."""
    return f"{value:.15g}" if abs(value) < 1e15 else f"{value:.6g}"


def _first_section(code: str) -> str:
    """The format of what is not negative; a sign says the rest better than brackets or red."""
    quoted = escaped = False
    for place, character in enumerate(code):
        if escaped:
            escaped = False
        elif character == "\\" and not quoted:
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            return code[:place]
    return code


def _pattern(section: str) -> _Pattern:
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        literals.append(match[1] or match[2] or match[3] or "")
        return "\0"

    bare = _BRACKETED.sub("", _UNSHOWN.sub("", _LITERAL.sub(keep, section)))
    found = _DIGITS.search(bare)
    assert found is not None
    decimals = (found[1] or "")[:_MOST_DECIMALS]
    kept = iter(literals)
    before, after = (
        re.sub("\0", lambda _: next(kept), part)
        for part in (bare[: found.start()], bare[found.end() :])
    )
    return _Pattern(
        before.lstrip().strip("-("),
        after.rstrip().lstrip(",").strip(")"),
        len(decimals),
        len(decimals) - len(decimals.rstrip("#?")),
        "," in found[0],
        "%" in bare,
        len(after) - len(after.lstrip(",")),
    )


def _figure(value: float, pattern: _Pattern) -> str:
    shown = Decimal(repr(value)).scaleb(2 * pattern.percent - 3 * pattern.thousands)
    if abs(shown) >= 10**15:
        return plain(value)
    rounded = shown.quantize(Decimal(1).scaleb(-pattern.decimals), ROUND_HALF_UP)
    text = f"{abs(rounded):,f}" if pattern.grouped else f"{abs(rounded):f}"
    for _ in range(pattern.optional):
        text = text[:-1] if text.endswith("0") else text
    sign = "-" if rounded < 0 else ""
    return f"{sign}{pattern.before}{text.removesuffix('.')}{pattern.after}"


def _moment(value: float, letters: set[str], since_1904: bool) -> str:
    days = value + 1462 if since_1904 else value
    if not 0 <= days < _LAST_DAY:
        return plain(value)
    if days < _CENTURY_LEAP:
        days += 1
    start = datetime.datetime(1899, 12, 30)
    moment = start + datetime.timedelta(seconds=round(days * _DAY.total_seconds()))
    if not letters & set("yd") and letters & set("hs"):
        return moment.strftime("%H:%M:%S" if "s" in letters else "%H:%M")
    if "d" not in letters and "y" in letters:
        return moment.strftime("%Y-%m") if "m" in letters else f"{moment.year}"
    has_time = letters & set("hs") and (moment.hour or moment.minute or moment.second)
    return moment.isoformat(" ", "minutes" if not moment.second else "seconds")[
        : None if has_time else 10
    ]


def _elapsed(value: float) -> str:
    if abs(value) >= _LAST_DAY:
        return plain(value)
    seconds = round(abs(value) * _DAY.total_seconds())
    hours, rest = divmod(seconds, 3600)
    tail = f":{rest % 60:02}" if rest % 60 else ""
    return f"{'-' if value < 0 else ''}{hours}:{rest // 60:02}{tail}"

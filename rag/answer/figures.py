"""Numbers, dates, times and codes in a text, whichever way they are written.

A figure of a statement is in its evidence where both can be read alike: 1,234 and 1234, 5 % and
five percent, 6 June 1968 and 1968-06-06, 17:20 and 5.20 pm. What can be read in two ways, such
as 1.234, may be meant in either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import regex

from rag.answer.dates import (
    DATE,
    EARLIER,
    NAMED,
    TIME,
    Atom,
    Needs,
    date_atoms,
    named_atom,
    time_atom,
)
from rag.answer.units import SIGNS, TIMES, UNITS

_WORDS = (
    "zero null zéro cero", "one ein eins eine einen einem einer un une uno una once first",
    "two zwei deux dos twice zweimal", "three drei trois tres", "four vier quatre cuatro",
    "five fünf cinq cinco", "six sechs seis", "seven sieben sept siete", "eight acht huit ocho",
    "nine neun neuf nueve", "ten zehn dix diez", "eleven elf onze", "twelve zwölf douze doce",
    "thirteen dreizehn treize trece", "fourteen vierzehn quatorze catorce",
    "fifteen fünfzehn quinze quince", "sixteen sechzehn seize", "seventeen siebzehn",
    "eighteen achtzehn", "nineteen neunzehn", "twenty zwanzig vingt veinte",
)  # fmt: skip
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
         "ninety": 90, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60,
         "siebzig": 70, "achtzig": 80, "neunzig": 90}  # fmt: skip
_SPELT = {form: n for n, forms in enumerate(_WORDS) for form in forms.split()} | _TENS
# Of these a text has many that count nothing.
_UNCOUNTED = frozenset((*_WORDS[0].split(), *_WORDS[1].split()))

_UNIT = "|".join(sorted(map(regex.escape, {**UNITS, **TIMES}), key=len, reverse=True))
_SPACES = " \u00a0\u202f\u2009'\u2019"
# Letters of scripts that are written with spaces; others stand right beside a number.
_LETTER = r"[\p{Latin}\p{Greek}\p{Cyrillic}]"
_PART = r"[\p{Latin}\p{Greek}\p{Cyrillic}\d]"
_CODE = regex.compile(
    rf"(?<!{_PART})(?:{_LETTER}{_PART}*\d{_PART}*|"
    rf"\p{{Lu}}{{1,6}}(?P<gap>[-/ ])\d{_PART}*)(?!{_PART})"
    rf"|(?<![\w.,])\d+{_LETTER}{_PART}*"
)
_NUMBER = regex.compile(
    rf"(?<![\d])(?P<minus>(?<=^|[\s(])[-\u2212])?(?:(?P<sign>[{SIGNS}])\s?)?"
    rf"(?P<number>\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*)"
    rf"(?:st|nd|rd|th)?(?P<half>[½¼¾])?(?:[ \u00a0-]?(?P<times>{'|'.join(TIMES)})(?!\w))?"
    rf"(?:[ \u00a0\u202f-]?(?P<unit>{_UNIT})(?![\w]))?"
)
_SPELT_NUMBER = regex.compile(
    rf"(?<!\w)(?P<word>{'|'.join(sorted(_SPELT, key=len, reverse=True))})"
    rf"(?:-(?P<more>one|two|three|four|five|six|seven|eight|nine))?"
    rf"(?:[ -](?P<times>{'|'.join(TIMES)})(?!\w))?(?:[ -](?P<unit>{_UNIT})(?!\w))?(?!\w)",
    regex.IGNORECASE,
)
_PER_CENT = regex.compile(r"per cent|pour cent|por ciento", regex.IGNORECASE)
_HALVES = {"½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75")}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, date, time or code, as it stands in a text from `start` on.

    `needs` are the ways to find it in evidence: all parts of any one of them. `gives` is what
    it is evidence for. `unit` is what it is an amount of, where that is known.
    """

    text: str
    start: int
    needs: Needs
    gives: frozenset[Atom]
    unit: str = ""


def figures(text: str) -> list[Figure]:
    """The figures of `text`, in order."""
    text = _PER_CENT.sub(lambda found: "percent".ljust(len(found[0])), text)
    found: list[Figure] = []
    for scan in (_dates, _times, _codes, _numbers, _spelt, _named):
        new = list(scan(text))
        found.extend(new)
        for one in new:
            if scan is not _named:
                blank = "\ufffc" * len(one.text)
                text = text[: one.start] + blank + text[one.start + len(one.text) :]
    return sorted(found, key=lambda one: one.start)


def lacking(wanted: Iterable[Figure], given: Iterable[Figure]) -> list[str]:
    """What is wrong with each figure of `wanted` that `given` are no evidence for, in words."""
    given = list(given)
    atoms = frozenset().union(*(one.gives for one in given))
    told = []
    for one in wanted:
        held = [need for need in one.needs if need <= atoms]
        if not held:
            told.append(f"'{one.text.strip()}' is not in the evidence")
        elif one.unit and (other := _other_unit(one, held, given)):
            told.append(f"'{one.text.strip()}' is in {other} in the evidence")
    return told


def share(wanted: Sequence[Figure], given: Iterable[Figure]) -> float:
    """The share of the figures of `wanted` that `given` are evidence for; 1 for none."""
    given = list(given)
    return sum(not lacking([one], given) for one in wanted) / len(wanted) if wanted else 1.0


def without(text: str, found: Iterable[Figure]) -> str:
    """`text` without the figures that were `found` in it."""
    for one in found:
        text = text[: one.start] + " " * len(one.text) + text[one.start + len(one.text) :]
    return text


def _other_unit(one: Figure, held: Sequence[frozenset[Atom]], given: Sequence[Figure]) -> str:
    """The unit that evidence has the same number in, where it has it in no other way."""
    atoms = frozenset().union(*held)
    units = {other.unit for other in given if other.gives & atoms}
    return "" if "" in units or one.unit in units else " or ".join(sorted(units))


def _dates(text: str) -> Iterator[Figure]:
    taken = 0
    spans = sorted(
        ((found.start(), -found.end(), found) for form in DATE for found in form.finditer(text)),
        key=lambda span: span[:2],
    )
    for start, end, found in spans:
        read = date_atoms(found)
        if read is None or start < taken:
            continue
        taken = -end
        needs, gives = read
        if earlier := EARLIER.search(text, max(0, start - 12), start):
            months = {value.split("-")[0] for kind, value in gives if kind == "day"}
            gives |= {("day", f"{month}-{int(earlier['day'])}") for month in months}
        yield Figure(found[0], start, needs, gives)


def _times(text: str) -> Iterator[Figure]:
    for form in TIME:
        for found in form.finditer(text):
            if (atom := time_atom(found)) is not None:
                yield Figure(found[0], found.start(), (frozenset({atom}),), frozenset({atom}))
        text = form.sub(lambda found: "\ufffc" * len(found[0]), text)


def _codes(text: str) -> Iterator[Figure]:
    for found in _CODE.finditer(text):
        if _NUMBER.fullmatch(found[0]):
            continue
        atom = ("code", regex.sub(r"[-/ ]", "", found[0]).casefold())
        needs: Needs = (frozenset({atom}),)
        gives = frozenset({atom})
        if found["gap"] == " ":
            # Capital letters before a number may be no part of it.
            lone = {value for one in _numbers(found[0]) for value in one.gives}
            gives |= lone
            needs = (*needs, *(frozenset({one}) for one in lone))
        yield Figure(found[0], found.start(), needs, gives)


def _numbers(text: str) -> Iterator[Figure]:
    for found in _NUMBER.finditer(text):
        yield _number(found) if _readings(found["number"]) else _section(found)


def _section(found: regex.Match[str]) -> Figure:
    """A version, or the number of a section: 3.2.1."""
    atom = ("code", found["number"])
    return Figure(found[0], found.start(), (frozenset({atom}),), frozenset({atom}))


def _number(found: regex.Match[str]) -> Figure:
    times = TIMES.get(found["times"] or "", 1)
    unit = UNITS.get(found["sign"] or "") or UNITS.get(found["unit"] or "") or ""
    if found["sign"] and found["unit"] == "m":
        times = 1_000_000  # no metres
    minus = "-" if found["minus"] else ""
    half = _HALVES.get(found["half"] or "", Decimal(0))
    needs: list[frozenset[Atom]] = []
    for reading in _readings(found["number"]):
        parts = frozenset(("number", minus + _plain(value + half)) for value in reading)
        if times > 1:
            (value, *_) = reading
            parts |= {("times", str(times))}
            needs.append(frozenset({("number", minus + _plain((value + half) * times))}))
        needs.append(parts)
    gives = frozenset().union(*needs)
    return Figure(found[0], found.start(), tuple(needs), gives | _clock(found["number"]), unit)


def _readings(written: str) -> list[list[Decimal]]:
    """What a run of digits and marks may mean, each reading as one number or several."""
    pieces = regex.split(rf"[{_SPACES}]", written)
    if len(pieces) > 1:
        joined = [[Decimal(_point("".join(pieces)))]]
        return [*joined, *([[Decimal(_point(piece)) for piece in pieces]])]
    commas, points = written.count(","), written.count(".")
    if not commas + points:
        return [[Decimal(written)]]
    if commas and points:
        last = max(written.rfind(","), written.rfind("."))
        whole = regex.sub("[.,]", "", written[:last])
        return [[Decimal(f"{whole}.{written[last + 1 :]}")]]
    parts = regex.split("[.,]", written)
    grouped = not parts[0].startswith("0") and len(parts[0]) <= 3
    thousands = grouped and all(len(part) == 3 for part in parts[1:])
    readings = [[Decimal("".join(parts))]] if thousands else []
    if len(parts) == 2:
        readings.append([Decimal(".".join(parts))])
    return readings if readings or points else [[Decimal(part) for part in parts]]


def _point(written: str) -> str:
    return written.replace(",", ".")


def _plain(value: Decimal) -> str:
    """One form for equal numbers."""
    return f"{value.normalize():f}"


def _clock(written: str) -> frozenset[Atom]:
    """17.20 may be a time, too."""
    found = regex.fullmatch(r"(\d{1,2})\.(\d{2})", written)
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        return frozenset()
    return frozenset({("time", f"{int(found[1])}:{found[2]}")})


def _spelt(text: str) -> Iterator[Figure]:
    for found in _SPELT_NUMBER.finditer(text):
        value = _SPELT[found["word"].lower()]
        value += _SPELT[found["more"].lower()] if found["more"] else 0
        value *= TIMES.get((found["times"] or "").lower(), 1)
        gives = frozenset({("number", str(value))})
        uncounted = found["word"].lower() in _UNCOUNTED and not found["times"]
        unit = UNITS.get(found["unit"] or "", "")
        yield Figure(
            found[0], found.start(), (frozenset(),) if uncounted else (gives,), gives, unit
        )


def _named(text: str) -> Iterator[Figure]:
    for found in NAMED.finditer(text):
        initial = not text[: found.start()].strip(" *_\"'“([")
        if (atom := named_atom(found[0], initial=initial)) is not None:
            yield Figure(found[0], found.start(), (frozenset({atom}),), frozenset({atom}))

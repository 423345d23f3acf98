"""Dates and times of day, as they are written in several languages."""

from __future__ import annotations

import regex

# Parts of a date or a time that a text says: ("date", "1968-06-06"), ("day", "06-06"),
# ("month", "6"), ("number", "1968"), ("time", "17:20").
Atom = tuple[str, str]
Needs = tuple[frozenset[Atom], ...]

_MONTHS = (
    "January Jan Januar Jänner janvier enero",
    "February Feb Februar février febrero",
    "March Mar März mars marzo",
    "April Apr avril abril",
    "May Mai mai mayo",
    "June Jun Juni juin junio",
    "July Jul Juli juillet julio",
    "August Aug août agosto",
    "September Sept Sep septembre septiembre",
    "October Oct Oktober Okt octobre octubre",
    "November Nov novembre noviembre",
    "December Dec Dezember Dez décembre diciembre",
)
_DAYS = (
    "Monday Mondays Mon Montag Montags montags lundi",
    "Tuesday Tuesdays Tue Tues Dienstag Dienstags dienstags mardi",
    "Wednesday Wednesdays Wed Mittwoch Mittwochs mittwochs mercredi",
    "Thursday Thursdays Thu Thurs Donnerstag Donnerstags donnerstags jeudi",
    "Friday Fridays Fri Freitag Freitags freitags vendredi",
    "Saturday Saturdays Sat Samstag Samstags samstags Sonnabend samedi",
    "Sunday Sundays Sun Sonntag Sonntags sonntags dimanche",
)
MONTHS = {form: number for number, forms in enumerate(_MONTHS, 1) for form in forms.split()}
WEEKDAYS = {form: number for number, forms in enumerate(_DAYS, 1) for form in forms.split()}
# Words that are months or days only where they are in a date.
_ALSO_WORDS = frozenset(("May", "March", "Mar", "mars", "mai", "Mai", "Sun", "Sat", "Jan", "Dec"))

_MONTH = "(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})"
_YEAR = r"(?P<year>\d{4})(?!\d)"
_FORMS = (
    rf"(?<!\d){_YEAR}-(?P<number>\d{{1,2}})-{_DAY}(?!\d)",
    rf"{_YEAR}年(?P<number>\d{{1,2}})月(?:{_DAY}日)?",
    rf"(?<!\d)(?P<number>\d{{1,2}})月{_DAY}日",
    rf"(?<![\d.,]){_DAY}(?:st|nd|rd|th|er|\.)?\s*(?:of\s+|de\s+)?{_MONTH}(?:,?\s+(?:de\s+)?{_YEAR})?",
    rf"(?<!\w){_MONTH}\s+{_DAY}(?:st|nd|rd|th)?(?![\d:]|[.,]\d)(?:,?\s+{_YEAR})?",
    rf"(?<!\w){_MONTH},?\s+(?:de\s+)?{_YEAR}",
    rf"(?<![\d.,/])(?P<first>\d{{1,2}})(?P<mark>[./])(?P<second>\d{{1,2}})(?P=mark){_YEAR}",
)
DATE = tuple(regex.compile(form) for form in _FORMS)
_HALF = r"(?P<half>[ap])\.?m\b\.?"
TIME = (
    regex.compile(
        rf"(?<![\d:.,])(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))?(?![\d:])"
        rf"(?:\s*{_HALF})?",
        regex.IGNORECASE,
    ),
    regex.compile(
        rf"(?<![\d:.,])(?P<hour>\d{{1,2}})(?:[.h](?P<minute>\d{{2}}))?\s*(?:{_HALF}|Uhr\b)",
        regex.IGNORECASE,
    ),
)
# The first of several days of a month: "5 and 7 June", "5.-7. Juni".
EARLIER = regex.compile(
    r"(?<![\d.,])(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?\s*(?:-|\u2013|,|&|and|to|or|bis|und|et|à|y|a)\s*$"
)
NAMED = regex.compile(r"(?<!\w)(?:" + "|".join({**MONTHS, **WEEKDAYS}) + r")(?!\w)")


def date_atoms(found: regex.Match[str]) -> tuple[Needs, frozenset[Atom]] | None:
    """What a match of `DATE` needs of its evidence, and what it gives; None for no real date."""
    parts = found.groupdict()
    year = parts.get("year") or ""
    if parts.get("first"):
        pairs = [(parts["first"], parts["second"]), (parts["second"], parts["first"])]
    else:
        month = parts.get("number") or str(MONTHS[parts["month"]])
        pairs = [(parts.get("day") or "", month)]
    read = [
        (int(year) if year else 0, int(month), int(day) if day else 0)
        for day, month in pairs
        if 1 <= int(month) <= 12 and (not day or 1 <= int(day) <= 31)
    ]
    if not read:
        return None
    needs = tuple(need for reading in read for need in _needs(*reading))
    return needs, frozenset().union(*(_gives(*reading) for reading in read))


def _gives(year: int, month: int, day: int) -> frozenset[Atom]:
    atoms: set[Atom] = {("month", f"{month}")}
    if year:
        atoms |= {("number", f"{year}"), ("month", f"{year}-{month}")}
    if day:
        atoms.add(("day", f"{month}-{day}"))
    if day and year:
        atoms.add(("date", f"{year}-{month}-{day}"))
    return frozenset(atoms)


def _needs(year: int, month: int, day: int) -> Needs:
    """Either the whole date, or day and month, and the year wherever the evidence has it."""
    part = ("day", f"{month}-{day}") if day else ("month", f"{month}")
    if not year:
        return (frozenset({part}),)
    whole = ("date", f"{year}-{month}-{day}") if day else ("month", f"{year}-{month}")
    return (frozenset({whole}), frozenset({part, ("number", f"{year}")}))


def time_atom(found: regex.Match[str]) -> Atom | None:
    """What a match of `TIME` says, on a clock of 24 hours; None for no real time."""
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59:
        return None
    seconds = found.groupdict().get("second")
    return ("time", f"{hour}:{minute:02}" + (f":{int(seconds):02}" if seconds else ""))


def named_atom(word: str, *, initial: bool) -> Atom | None:
    """A month or a day of the week that stands alone; None where the word may be another."""
    if word in _ALSO_WORDS and (initial or word not in ("May", "March", "Mai")):
        return None
    if word in MONTHS:
        return ("month", f"{MONTHS[word]}")
    return ("weekday", f"{WEEKDAYS[word]}")

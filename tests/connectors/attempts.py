"""Damaged and hostile files read through a pool of processes, and what became of each."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

from block_law import spans
from bombs import SECRET_TEXT
from mutations import mutants
from seeds import seeds

from rag import registry
from rag.connectors.formats.format import Format, Parse
from rag.errors import DocumentError

Result: TypeAlias = Literal[
    "parsed", "refused", "stray", "late", "memory", "crashed", "unlawful", "leaked"
]
"""`stray` is an exception that the format did not foresee; the last five are never well."""

WELL: tuple[Result, ...] = ("parsed", "refused", "stray")
_SIGNS: tuple[tuple[str, Result], ...] = (
    ("took longer than", "late"),
    ("needs more than", "memory"),
    ("crashed its reader", "crashed"),
    ("cannot be read as", "stray"),
    ("cannot be handed over", "stray"),
)
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\([^)]*\)|0x[0-9a-f]+|\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class Case:
    """One file: `label` says which it is, so that it can be made again."""

    label: str
    extension: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: `reason` is the message, where there is one."""

    label: str
    result: Result
    reason: str = ""
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """The reason less what varies from file to file."""
        return _VARYING.sub("..", self.reason)[:100]


def formats() -> dict[str, Format]:
    """Every registered format by its registered name."""
    return {name: registry.load("format", name)() for name in registry.names("format")}


def extensions(reader: Format) -> list[str]:
    """Those of the format's extensions of which there are seeds."""
    return [one for one in reader.extensions if seeds(one)]


def damaged(reader: Format, count: int, seed: int) -> Iterator[Case]:
    """`count` mutants of the format's seeds, shared out among its extensions."""
    kinds = extensions(reader)
    series = {one: mutants(seeds(one), count, seed) for one in kinds}
    for number in range(count):
        one = kinds[number % len(kinds)]
        made = next(series[one])
        yield Case(f"{one}: seed {seed}, number {number // len(kinds)}", one, made)


def attempt(parse: Parse, reader: Format, case: Case) -> Outcome:
    """Read one case. Raises whatever is no DocumentError: that is a fault of the pool."""
    started = time.perf_counter()
    try:
        parsed = parse(reader, case.data, f"a{case.extension}")
    except DocumentError as error:
        reason = str(error)
        return Outcome(case.label, _result(reason), reason, time.perf_counter() - started)
    taken = time.perf_counter() - started
    try:
        spans(parsed)
    except (AssertionError, UnicodeEncodeError) as error:
        return Outcome(case.label, "unlawful", repr(error), taken)
    leaked = SECRET_TEXT in parsed.text
    return Outcome(case.label, "leaked" if leaked else "parsed", "", taken)


def _result(reason: str) -> Result:
    if "\n" in reason or len(reason) > 1000:
        return "unlawful"
    return next((kind for sign, kind in _SIGNS if reason.startswith(sign)), "refused")


def attempts(parse: Parse, cases: Iterator[tuple[Format, Case]], workers: int) -> Iterator[Outcome]:
    """What became of each, in order, so many being read at a time."""
    with ThreadPoolExecutor(workers) as threads:
        while few := list(islice(cases, 8 * workers)):
            yield from threads.map(lambda one: attempt(parse, *one), few)


def ill(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each outcome that is not well."""
    return [f"{o.label}: {o.result}: {o.reason}" for o in outcomes if o.result not in WELL]

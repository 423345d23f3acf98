"""The lines of a file, none of them longer than memory should hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, AnyStr


@dataclass(frozen=True, slots=True)
class LongLine:
    """What stands for a line of more than `longest` bytes or characters."""

    longest: int

    @property
    def error(self) -> str:
        """One line that says so."""
        return f"is longer than max_bytes = {self.longest:,}; raise it or split the record"


def numbered_lines(file: IO[AnyStr], longest: int) -> Iterator[tuple[int, AnyStr | LongLine]]:
    """Each line with its end, and its number from 1."""
    number = 0
    while line := file.readline(longest + 1):
        number += 1
        if len(line) <= longest:
            yield number, line
            continue
        while line and line[-1:] not in ("\n", b"\n"):
            line = file.readline(longest + 1)
        yield number, LongLine(longest)

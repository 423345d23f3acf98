"""What a command writes: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import typer

from rag.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

# All control characters but tab and newline, and marks that turn the direction of writing:
# what stands in a document must not steer the terminal that shows it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Wide enough that nothing is ever wrapped or cut for a reader that is not a person.
_UNLIMITED = 100_000


def clean(text: str) -> str:
    """`text` without the characters that would steer a terminal."""
    return _CONTROL.sub("", text)


def one_line(text: str) -> str:
    """`text` cleaned, on a single line."""
    return " ".join(clean(text).split())


def say(text: str = "") -> None:
    """Print a result."""
    typer.echo(clean(text))


def complain(text: str) -> None:
    """Print a message to the user, each line of it marked as ours."""
    for line in text.splitlines() or [""]:
        typer.echo(f"rag: {clean(line)}", err=True)


def say_json(data: object, *, lines: bool = False) -> None:
    """Print `data` as JSON, on one line with `lines`."""
    indent = None if lines else 2
    text = json.dumps(data, ensure_ascii=not _writes_unicode(), indent=indent)
    typer.echo(_RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def console() -> Console:
    """Standard output for styled text and tables; plain and unwrapped unless it is a terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNLIMITED
    return Console(width=width, highlight=False, markup=False, emoji=False)


def duration(seconds: float) -> str:
    """A time for people, for example "3 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 / 60:.0f} min"


def size(number: int) -> str:
    """A number of bytes for people, for example "1.4 MB"."""
    amount = float(number)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def count(number: int, noun: str) -> str:
    """A number with its noun, for example "1,204 passages"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _writes_unicode() -> bool:
    return sys.stdout.encoding.lower().replace("-", "") == "utf8"


def write_file(path: Path, content: bytes, what: str) -> None:
    """Write a result to a file. Raises RequestError that names it where that fails."""
    try:
        path.write_bytes(content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"{path}: the {what} cannot be written: {reason}") from error

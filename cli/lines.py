"""Lines that a person types at a prompt, or that a script writes to standard input."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import suppress

import typer

from rag.errors import RequestError

_PROMPT = "> "


def is_typed() -> bool:
    """Whether somebody sits at a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def lines() -> Iterator[str]:
    """Each line as it comes, until the input ends; at a terminal after a prompt.

    At a terminal a line can be edited and former ones called back; nothing is kept on disk.
    Bytes that are no text are replaced. Raises RequestError where standard input is closed.
    """
    if sys.stdin is None:  # as a shell that closed it leaves it
        raise RequestError("the questions should come from standard input, which is closed")
    if is_typed():
        yield from _typed()
        return
    for line in typer.get_binary_stream("stdin"):
        yield line.decode("utf-8", "replace").removeprefix("\ufeff")


def _typed() -> Iterator[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    prompt = _PROMPT
    if sys.stdout.isatty():
        with suppress(ImportError):  # systems without it edit lines themselves
            import readline  # noqa: F401 input() uses it once it is loaded
    else:
        prompt = ""  # it would stand among the results
    while True:
        if not prompt:
            typer.echo(_PROMPT, nl=False, err=True)
        try:
            yield input(prompt)
        except EOFError:
            typer.echo(err=True)
            return

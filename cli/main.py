"""The `rag` command: errors become messages and exit codes here, and nowhere else."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from typer.exceptions import TyperException

from rag.cli.commands import CommandGroup
from rag.cli.interrupt import Interrupted, interruptible
from rag.cli.output import complain, say
from rag.errors import RagError

DONE, WRONG_REQUEST, INTERNAL, INTERRUPTED = 0, 2, 70, 130
DEBUG = "RAG_DEBUG"

# Without rich, help is printed in half the time.
app = typer.Typer(
    name="rag", cls=CommandGroup, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"ragline {version('ragline')}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog="Example: rag index docs && rag ask 'How long is the notice period?'",
)
def rag(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Point it at documents, ask questions, get answers that show where they come from."""
    if context.invoked_subcommand is None:
        say(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (`sys.argv` by default); its exit code.

    Where the reader of standard output has gone away, typer and rich exit silently with 1.
    """
    try:
        with interruptible(), _warnings_told():
            code = typer.main.get_command(app).main(
                args=arguments, prog_name="rag", standalone_mode=False
            )
        return code if isinstance(code, int) else DONE
    except (Exception, Interrupted) as error:  # noqa: BLE001 whatever happens, no traceback
        return _told(error)


def run() -> None:
    """Run one command in a process of its own, and exit with its code."""
    # A shell may have closed them; what is written is then for nobody.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal or pipe that cannot show every letter still gets the rest.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _told(error: BaseException) -> int:
    """Say what went wrong; the exit code that it means."""
    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exception(error)
    match error:
        case Interrupted():
            complain(error.message)
            return error.exit_code
        case RagError():
            complain(str(error))
        case TyperException():
            complain(_usage(error))
        case typer.Abort():
            complain("stopped")
            return INTERRUPTED
        case FileNotFoundError(filename=None):
            complain("the current folder does not exist any more: change to another one")
        case PermissionError(filename=str() as path):
            complain(f"{path}: permission denied; give yourself leave, or name another folder")
        case OSError(strerror=str() as reason):
            complain(f"{error.filename}: {reason}" if error.filename else reason)
        case _:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            complain(f"internal error: {reason} (run with {DEBUG}=1 for the traceback)")
            return INTERNAL
    return WRONG_REQUEST


def _usage(error: TyperException) -> str:
    """A fault of the command line on one line, with where to read on."""
    context = getattr(error, "ctx", None)
    hint = f" (see '{context.command_path} --help')" if context is not None else ""
    return " ".join(error.format_message().split()).rstrip(".") + hint


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Show warnings as messages, without the line of code that they come from."""
    with warnings.catch_warnings():
        warnings.showwarning = _tell_warning
        yield


def _tell_warning(message: Warning | str, *_: object, **__: object) -> None:
    complain(f"warning: {message}")

"""The `rag` command before anything is loaded."""

from __future__ import annotations

import signal


def run() -> None:
    """The entry point of the `rag` command."""
    # Until the command line handles it, Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from rag.cli.main import run as run_command

    run_command()

"""The `rag` command before anything is loaded."""

from __future__ import annotations

import os
import signal
import sys

# OpenVINO's converter of models, which its import loads where it can: a tenth of a second or more
# for what only the first use of a model needs (`rag.runtime.library` loads it then).
_CONVERTER = "openvino.tools.ovc"


def run() -> None:
    """The entry point of the `rag` command."""
    # Until the command line handles it, Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    prepare()
    from rag.cli.main import run as run_command

    run_command()


def prepare() -> None:
    """Leave out what no command needs, in a process that is ours alone."""
    # Looking for plug-ins of pydantic reads the records of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # not to be imported

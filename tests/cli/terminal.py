"""`rag` in a process of its own at a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from cli_command import environment

_START = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "from rag.cli.start import run; run()"
)


class Terminal:
    """What a person sees and types; `seen` is everything that was shown."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.seen = ""
        self._read_up_to = 0
        self._screen, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *arguments],
            cwd=folder,
            env=environment(TERM="xterm", COLUMNS="100", **variables),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, text: str, seconds: float = 60.0) -> str:
        """Wait for `text`; what was shown since the last wait, up to its end."""
        deadline = time.monotonic() + seconds
        while (at := self.seen.find(text, self._read_up_to)) < 0:
            assert self._more(deadline - time.monotonic()), f"no {text!r} in {self.seen!r}"
        start, self._read_up_to = self._read_up_to, at + len(text)
        return self.seen[start : self._read_up_to]

    def press(self, text: str) -> None:
        """Press the keys of `text`; Ctrl-C is `\\x03`, Ctrl-D `\\x04`."""
        os.write(self._screen, text.encode())

    def ended(self, seconds: float = 60.0) -> int:
        """Wait for the end of the process; its exit code."""
        deadline = time.monotonic() + seconds
        while self._more(deadline - time.monotonic()):
            pass
        return self._process.wait(5)

    def _more(self, seconds: float) -> bool:
        """Read what there is within so many seconds; whether there was anything."""
        if not select.select([self._screen], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # how Linux says that the other side is gone
            data = b""
        self.seen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(5)
        os.close(self._screen)

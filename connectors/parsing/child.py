"""One process that parses files for this one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from rag.connectors.formats.format import Parsed
from rag.connectors.parsing.messages import Header, Message, receive, send, unpacked
from rag.connectors.parsing.watch import Watch
from rag.errors import DocumentError, SourceError

_WORKER = "rag.connectors.parsing.worker"
_START_SECONDS = 60
_BYTES_PER_CHARACTER = 4  # the most that UTF-8 takes
_LOG_END = 4096
_LONGEST_LINE = 200
_NO_MEMORY = re.compile(r"bad_alloc|out of memory|memory allocation|allocate memory", re.IGNORECASE)
_STARVED = 0.4
"""Share of the memory that one who wanted as much again must have had."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "RAYON_NUM_THREADS",
        "OMP_THREAD_LIMIT",
    ),
    "1",
)


class StoppedError(DocumentError):
    """A file was not read to its end. With `again`, files before it may have been the cause."""

    def __init__(self, message: str, *, again: bool = False) -> None:
        self.again = again
        super().__init__(message)


class Child:
    """A process that parses one file at a time, within `memory` bytes beyond its start.

    It lives while the thread that made it does. `folder` is its working and temporary folder.
    Raises SourceError where no process can be started.
    """

    def __init__(self, folder: str, memory: int, characters: int) -> None:
        self._memory = memory
        self._characters = characters
        self._late = False
        self._said = ""
        self._peak = 0
        self._ending = threading.Lock()
        self.parsed = 0
        self.grown = 0
        self._log: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        try:
            self._process = self._started(folder)
        except OSError as error:
            self._log.close()
            raise _not_started(str(error.strerror)) from error

    @property
    def alive(self) -> bool:
        """Whether it has not been ended."""
        return self._process.returncode is None

    def greet(self) -> None:
        """Wait until it is ready. Raises SourceError where it ends instead."""
        with self._within(_START_SECONDS):
            ready = self._received()
        if ready is None:
            self.end()
            raise _not_started(self._said or f"exit code {self._process.returncode}")

    def parse(self, name: str, data: bytes, source: str, seconds: float) -> Parsed:
        """`data` as the format registered as `name` reads it. Raises DocumentError.

        After a StoppedError this process has ended.
        """
        limits = {"seconds": seconds, "characters": self._characters}
        with self._within(seconds):
            reply = self._asked({"format": name, "name": source, **limits}, data)
        if self._late:
            self.end()
            raise StoppedError(f"took longer than {seconds:g} s to read; split it")
        if reply is None:
            raise self._crashed()
        return self._read(reply)

    def end(self) -> None:
        """End the process, and whatever it has started, now. Ending twice is ending once."""
        with self._ending:
            if self._process.returncode is not None:
                return
            self._kill()
            self._process.wait()
            for stream in (self._stdin, self._stdout):
                with suppress(OSError):  # what could not be sent is still to be flushed
                    stream.close()
            self._said = self._last_line()
            self._log.close()

    def _started(self, folder: str) -> subprocess.Popen[bytes]:
        # -P: the working folder is not one to import from. The session is its own, so that
        # Ctrl-C in the terminal does not reach it.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", _WORKER, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=folder,
            env={**os.environ, **_ONE_THREAD, "TMPDIR": folder},
            start_new_session=True,
        )

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """End the process where what is done inside takes longer, or is interrupted."""
        watch = Watch(self._process.pid, seconds, self._expire)
        watch.start()
        try:
            yield
        except BaseException:
            self.end()
            raise
        finally:
            watch.stop()
            self._peak = watch.peak

    def _expire(self) -> None:
        with self._ending:
            if self._process.returncode is None:
                self._late = True
                self._kill()

    def _kill(self) -> None:
        # Not yet waited for, so that the number is still its own, even if it has ended.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _asked(self, header: Header, data: bytes) -> Message | None:
        with suppress(BrokenPipeError):  # it has gone: its replies end, too
            send(self._stdin, header, data)
        return self._received()

    def _received(self) -> Message | None:
        return receive(self._stdout, self._characters * _BYTES_PER_CHARACTER)

    def _read(self, reply: Message) -> Parsed:
        header = reply[0]
        self.parsed += 1
        self.grown = int(header.get("grown", 0))
        if "memory" in header:
            self.end()
            raise self._too_large()
        if "error" in header:
            raise DocumentError(str(header["error"]))
        try:
            return unpacked(reply)
        except (ValueError, LookupError, TypeError):
            raise self._crashed() from None

    def _crashed(self) -> StoppedError:
        self.end()
        status = self._process.returncode
        # Libraries that find no memory end the process, and few say why.
        starved = status < 0 and self._peak > _STARVED * self._memory
        if starved or _NO_MEMORY.search(self._said):
            return self._too_large()
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        detail = f"{how}: {self._said}" if self._said else how
        told = f"crashed its reader ({detail}); it is probably damaged: save it anew"
        return StoppedError(told, again=True)

    def _too_large(self) -> StoppedError:
        most = f"{self._memory / 1e9:.1f} GB"
        return StoppedError(f"needs more than {most} of memory to read; split it", again=True)

    def _last_line(self) -> str:
        """The last line that it wrote to its standard error, fit to be shown."""
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(end - _LOG_END, 0))
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return _UNPRINTABLE.sub(" ", lines[-1])[:_LONGEST_LINE] if lines else ""


def _not_started(why: str) -> SourceError:
    told = f"no process to read files in can be started with '{sys.executable}': {why}"
    return SourceError(told)

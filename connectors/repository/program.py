"""Running git so that it only reads: no hooks, no prompts, no configuration from outside."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rag.errors import SourceError

# What would point git at another repository than the one that is named.
_ELSEWHERE = frozenset({
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE",
    "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
})  # fmt: skip
_SETTINGS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_QUIET = {
    "LC_ALL": "C",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}


class GitError(Exception):
    """What git said when it failed, as one line."""


class Git:
    """Git in one folder. `protocols` are the ways by which it may fetch, as a rule none.

    Raises SourceError where git is not installed.
    """

    def __init__(
        self, folder: Path, protocols: str = "none", more: Mapping[str, str] | None = None
    ) -> None:
        kept = {key: value for key, value in os.environ.items() if key not in _ELSEWHERE}
        ssh = kept.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30")
        allowed = {"GIT_ALLOW_PROTOCOL": protocols, "GIT_SSH_COMMAND": ssh}
        self._environment = {**kept, **_QUIET, **allowed, **(more or {})}
        self._folder = folder

    def output(self, *arguments: str) -> bytes:
        """What git prints. Raises GitError."""
        with self._process(arguments) as process:
            printed, said = process.communicate()
        if process.returncode:
            raise GitError(_line(said))
        return printed

    def records(self, *arguments: str) -> Iterator[bytes]:
        """What git prints, cut at each NUL, as it comes. Raises GitError, at the end too."""
        with self._process((*arguments,)) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            yield from _cut(process.stdout)
            said = process.stderr.read()
            if process.wait():
                raise GitError(_line(said))

    @contextmanager
    def _process(self, arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        command = ["git", *_SETTINGS, *arguments]
        try:
            # A session of its own has no terminal on which ssh could ask for a password.
            process = subprocess.Popen(  # noqa: S603 - a list, and no shell
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise SourceError("git is not installed; install it to read repositories") from None
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


def _cut(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(1 << 16):
        *records, rest = (rest + chunk).split(b"\0")
        yield from records


def _line(said: bytes) -> str:
    """The line that tells most: the first that git calls fatal or an error."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = (line for line in lines if line.startswith(("fatal:", "error:", "ERROR:")))
    line = next(telling, lines[0] if lines else "git failed and said nothing")
    return " ".join(line.partition("fatal: ")[2].split() or line.split())

"""What a parsing process takes from itself before it meets a file."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

_LARGEST_FILE = 128 * 2**20
"""Bytes of any file it writes: text recognition writes the image of a page."""
_DATA_FIELD = 5
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def confine(memory: int) -> None:
    """Allow `memory` bytes on top of what this process holds now, and nothing it has no need of.

    Core files, the network and endless files are off; it ignores Ctrl-C, which is for the parent
    to handle, and dies with the parent. A system that does not enforce RLIMIT_DATA, such as
    macOS, sets no limit on memory.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _LARGEST_FILE)
    _limit(resource.RLIMIT_DATA, held() + memory)
    sys.addaudithook(_no_network)
    if sys.platform == "linux":
        _die_with_parent()


def held(process: int | None = None) -> int:
    """Bytes of writable memory of a process (None: this one); 0 where the system does not say."""
    status = Path(f"/proc/{process or 'self'}/statm")
    try:
        pages = int(status.read_text("ascii").split()[_DATA_FIELD])
    except (OSError, ValueError, LookupError):
        return 0
    return pages * resource.getpagesize()


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (least, least))


def _no_network(event: str, _: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        raise PermissionError("a format reads the file at hand and nothing on the network")


def _die_with_parent() -> None:
    """Ask Linux for SIGKILL when the thread that started this process ends."""
    import ctypes

    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))

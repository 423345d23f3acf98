"""OpenVINO itself, loaded so that it sends nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openvino import Core, Model

# Where this can be imported, importing OpenVINO starts a session with a server of statistics
# unless the user opted out before. Where it cannot, OpenVINO has a stand-in that does nothing.
_TELLING = "openvino_telemetry"
_CONVERTER = "openvino.tools.ovc"
_ABSENT = object()
_LOCK = threading.Lock()


def openvino() -> Any:
    """The module `openvino`. Its telemetry is not loaded by it, and never sends."""
    with _LOCK:
        if "openvino" not in sys.modules:
            with _untold():
                import_module("openvino")
        return sys.modules["openvino"]


def convert_model(model: object, **options: Any) -> Model:
    """`openvino.convert_model`, also where the command line left the converter out."""
    _ = openvino()
    with _LOCK:
        if sys.modules.get(_CONVERTER, _ABSENT) is None:
            del sys.modules[_CONVERTER]
        with _untold():
            convert = import_module(_CONVERTER).convert_model
    converted: Model = convert(model, **options)
    return converted


@contextmanager
def _untold() -> Iterator[None]:
    """In it the telemetry cannot be imported."""
    loaded: Any = sys.modules.get(_TELLING, _ABSENT)
    sys.modules[_TELLING] = None  # type: ignore[assignment]  # as the import system has it
    try:
        yield
    finally:
        if loaded is _ABSENT:
            del sys.modules[_TELLING]
        else:
            sys.modules[_TELLING] = loaded


@cache
def core() -> Core:
    """The one core of this process."""
    return openvino().Core()


@cache
def version() -> str:
    """The version of OpenVINO that is installed, without loading it."""
    return installed("openvino")

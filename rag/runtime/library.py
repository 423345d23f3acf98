"""OpenVINO itself, loaded so that it sends nothing."""

from __future__ import annotations

import sys
import threading
from functools import cache
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openvino import Core

# Where this can be imported, importing OpenVINO starts a session with a server of statistics
# unless the user opted out before. Where it cannot, OpenVINO has a stand-in that does nothing.
_TELLING = "openvino_telemetry"
_LOCK = threading.Lock()


def openvino() -> Any:
    """The module `openvino`. Its telemetry is not loaded by it, and never sends."""
    with _LOCK:
        if "openvino" in sys.modules:
            return sys.modules["openvino"]
        absent = object()
        loaded: Any = sys.modules.get(_TELLING, absent)
        sys.modules[_TELLING] = None  # type: ignore[assignment]  # as the import system has it
        try:
            import openvino as module
        finally:
            if loaded is absent:
                del sys.modules[_TELLING]
            else:
                sys.modules[_TELLING] = loaded
        return module


@cache
def core() -> Core:
    """The one core of this process."""
    return openvino().Core()


@cache
def version() -> str:
    """The version of OpenVINO that is installed, without loading it."""
    return installed("openvino")

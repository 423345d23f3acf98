"""Whether there is a GPU here, without loading torch."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# What drivers of GPUs that torch computes on leave in the file system: NVIDIA's, that of Windows
# under Linux, and AMD's.
_DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")


def gpu_here() -> bool:
    """Whether torch can use a GPU. It is loaded and asked only where there is a driver of one."""
    if not may_have_gpu():
        return False
    import torch

    return bool(torch.cuda.is_available())


def may_have_gpu() -> bool:
    """Whether there may be one, by the driver's files and by how torch was built."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        return False
    return not _built_without() and _has_driver()


@cache
def _has_driver() -> bool:
    # Windows tells by no file that is always there; Macs have none that is meant here.
    return platform.system() == "Windows" or any(Path(place).exists() for place in _DRIVERS)


@cache
def _built_without() -> bool:
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return True

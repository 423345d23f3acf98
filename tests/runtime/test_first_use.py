"""A model is converted also in the process of the command line, which leaves the converter out."""

from __future__ import annotations

import subprocess
import sys

_CONVERTS = """
from rag.cli.start import prepare
prepare()
import torch
from rag.runtime.conversion import traced
model = traced(torch.nn.Linear(3, 2), {"given": torch.ones(2, 3)}, ["out"])
import sys
print([one.get_any_name() for one in model.outputs], "openvino_telemetry" in sys.modules)
"""


def test_the_command_line_can_convert() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CONVERTS], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['out'] False\n"

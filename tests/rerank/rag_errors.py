"""What is asked of every message."""

from __future__ import annotations

import pytest


def one_line(caught: pytest.ExceptionInfo[Exception]) -> str:
    """The message, which is one line."""
    told = str(caught.value)
    assert told
    assert "\n" not in told
    return told

"""Small plots beside the results, as SVG files. They need matplotlib: the extra `plots`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PLAIN, _OURS = "#9aa5b1", "#1f6feb"
_WIDTH, _HEIGHT = 3.4, 2.6
_BAR = 0.36


@dataclass(frozen=True, slots=True)
class Bars:
    """One panel: a horizontal bar for each value. `ours` names the bar that stands out."""

    title: str
    values: Mapping[str, float]
    ours: str | None = None
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Lines:
    """One panel: a line through the points `(x, y)` of each series."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    log_x: bool = False
    log_y: bool = False


Panel = Bars | Lines


def plot(path: Path, panels: Sequence[Panel]) -> Path | None:
    """Draw panels side by side into an SVG file: its path, or None where matplotlib is missing.

    The same values give the same bytes, so that a file changes with its results alone.
    """
    if importlib.util.find_spec("matplotlib") is None:
        print(f"no {path.name}: matplotlib is not installed (extra 'plots')", file=sys.stderr)
        return None
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(_WIDTH * len(panels), _height(panels)), layout="constrained")
        row = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(row, panels, strict=True):
            axes.set_title(panel.title, fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
            _bars(axes, panel) if isinstance(panel, Bars) else _lines(axes, panel)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    return path


def _height(panels: Sequence[Panel]) -> float:
    most = max((len(panel.values) for panel in panels if isinstance(panel, Bars)), default=0)
    return max(_HEIGHT if most == 0 else 0.0, 0.5 + _BAR * most)


def _bars(axes: Any, panel: Bars) -> None:
    names = list(panel.values)[::-1]
    values = [panel.values[name] for name in names]
    colours = [_OURS if name == panel.ours else _PLAIN for name in names]
    drawn = axes.barh(names, values, color=colours)
    axes.bar_label(drawn, fmt=f"%.{panel.digits}f", padding=2)
    axes.set_xlim(0, max(values, default=1) * 1.2)
    axes.set_xticks([])


def _lines(axes: Any, panel: Lines) -> None:
    for name, points in panel.series.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", ms=3, label=name)
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    if panel.log_x:
        axes.set_xscale("log")
    if panel.log_y:
        axes.set_yscale("log")
    if len(panel.series) > 1:
        axes.legend(frameon=False, fontsize=7)

"""Charts of evaluations, drawn by matplotlib without a window and without its global state.

Colours are those of Okabe and Ito (2008), "Color Universal Design", which people with any kind
of colour vision tell apart; markers differ too.
"""

from __future__ import annotations

import io
import itertools
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.errors import MissingExtraError
from rag.evaluate.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_WINS, _LOSSES = COLOURS[0], COLOURS[1]
_WIDTH = 9.0  # inches
_DPI = 150

# Some settings of SVG are matplotlib's, not a figure's: one chart is written at a time, and they
# are put back.
_WRITING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Series:
    """A line: `y` over `x`, and the ends of its intervals where it has any; all as long as `x`."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def lines(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    marks: Mapping[str, float] | None = None,
    level: float | None = None,
) -> Figure:
    """Lines with their intervals as bands; `x` and `y` name the axes.

    `marks` are upright lines with their names, such as a share that was chosen; `level` is a
    horizontal line, such as the value to keep.
    """
    figure, axes = _chart(4.6)
    for one, colour, marker in zip(series, _cycled(COLOURS), _cycled(_MARKERS), strict=False):
        axes.plot(one.x, one.y, color=colour, marker=marker, markersize=5, label=_literal(one.name))
        if one.low:
            axes.fill_between(one.x, one.low, one.high, color=colour, alpha=0.15, linewidth=0)
    for name, place in (marks or {}).items():
        axes.axvline(place, color="#57606a", linestyle="--", linewidth=1)
        top = axes.get_xaxis_transform()
        axes.text(place, 1.01, _literal(name), transform=top, ha="center", va="bottom", fontsize=9)
    if level is not None:
        axes.axhline(level, color="#57606a", linestyle=":", linewidth=1)
    axes.set_xlabel(_literal(x))
    axes.set_ylabel(_literal(y))
    axes.grid(axis="y", color="#d0d7de", linewidth=0.6)
    if len(series) > 1:
        axes.legend(frameon=False)
    return figure


def dots(measures: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Means with their intervals: `measures` is measure -> pipeline -> interval."""
    rows = sum(len(pipelines) for pipelines in measures.values())
    figure, axes = _chart(1.0 + 0.28 * rows + 0.22 * len(measures))
    ticks: dict[float, str] = {}
    place = 0.0
    for measure, pipelines in measures.items():
        ticks[place + 0.5 * (len(pipelines) - 1)] = measure
        _dots(axes, pipelines, place)
        place += len(pipelines) + 0.8
    axes.set_yticks(list(ticks), [_literal(name) for name in ticks.values()])
    axes.invert_yaxis()
    axes.grid(axis="x", color="#d0d7de", linewidth=0.6)
    axes.set_xlabel("mean with its 95 % interval")
    _legend_above(axes, max((len(one) for one in measures.values()), default=0))
    return figure


def _dots(axes: Axes, pipelines: Mapping[str, Interval], top: float) -> None:
    drawn = axes.get_legend_handles_labels()[1]
    styles = zip(_cycled(COLOURS), _cycled(_MARKERS), strict=False)
    for row, ((name, mean), (colour, marker)) in enumerate(
        zip(pipelines.items(), styles, strict=False)
    ):
        axes.errorbar(
            mean.value,
            top + row,
            xerr=[[mean.value - mean.low], [mean.high - mean.value]],
            color=colour,
            fmt=marker,
            markersize=6,
            capsize=3,
            label=None if _literal(name) in drawn else _literal(name),
        )


def bars(differences: Sequence[float], *, y: str) -> Figure:
    """One bar a question, from the greatest win to the greatest loss; `y` says of what."""
    ordered = sorted(differences, reverse=True)
    figure, axes = _chart(3.6)
    places = range(1, len(ordered) + 1)
    wins = [value if value > 0 else 0.0 for value in ordered]
    losses = [value if value < 0 else 0.0 for value in ordered]
    axes.bar(places, wins, width=1.0, color=_WINS, label=f"better ({_count(wins)})")
    axes.bar(places, losses, width=1.0, color=_LOSSES, label=f"worse ({_count(losses)})")
    axes.axhline(0, color="#57606a", linewidth=0.8)
    axes.set_xlim(0.5, max(len(ordered), 1) + 0.5)
    axes.set_xlabel(f"questions, {len(ordered) - _count(wins) - _count(losses)} of them equal")
    axes.set_ylabel(_literal(y))
    axes.legend(frameon=False)
    return figure


def svg(figure: Figure) -> str:
    """The chart as SVG, its text as text: the same bytes for the same chart."""
    from matplotlib import rc_context

    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    written = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "ragline"}
    with _WRITING, rc_context(settings), warnings.catch_warnings():  # type: ignore[arg-type]
        # The reader's fonts will show it: ours are measured, and not part of the file.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(written, format="svg", metadata=nothing)
    return written.getvalue()


def png(figure: Figure) -> bytes:
    """The chart as PNG, on white, at 150 dots an inch."""
    written = io.BytesIO()
    with _WRITING:
        figure.savefig(written, format="png", dpi=_DPI, metadata={"Software": None})
    return written.getvalue()


def _chart(height: float) -> tuple[Figure, Axes]:
    """An empty chart, `height` inches high. Raises MissingExtraError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("drawing charts", "plots") from None
    figure = Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _legend_above(axes: Axes, entries: int) -> None:
    if entries > 1:
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=min(entries, 4))


def _cycled(values: Sequence[str]) -> Iterator[str]:
    return itertools.cycle(values)


def _literal(text: str) -> str:
    """`text` so that matplotlib shows it as it is: no formulas, and no hidden labels."""
    plain = text.replace("$", r"\$")
    return f" {plain}" if plain.startswith("_") else plain


def _count(values: Sequence[float]) -> int:
    return sum(value != 0 for value in values)

"""How figures of an evaluation are written, in a terminal and in a report alike."""

from __future__ import annotations

from dataclasses import astuple

from rag.evaluate.comparison import PipelineComparison
from rag.evaluate.contributions import DEPTH, Contribution
from rag.evaluate.intervals import Interval
from rag.evaluate.measures import JSON_NAMES

# More questions than anybody writes: their number tells no more than that.
_TOO_MANY = 100_000

ARMS = ("pipeline", "retriever", "found", "alone", "found first", "alone first")
ARMS_TITLE = (
    "relevant documents of all questions that each retriever found, and that no other one did: "
    f"among its first {DEPTH} passages, and at its first place"
)


def measure(name: str) -> str:
    """A measure as people know it."""
    return JSON_NAMES.get(name, name)


def mean(interval: Interval) -> str:
    """A mean with its interval, to a digit more where both are small."""
    return ranged(interval.value, interval.low, interval.high)


def ranged(value: float, low: float, high: float) -> str:
    """A value with the ends of its interval."""
    digits = 3 if 0 < high < 0.1 else 2
    return f"{value:.3f} [{low:.{digits}f}, {high:.{digits}f}]"


def difference(comparison: PipelineComparison) -> str:
    """A difference with its interval."""
    found = comparison.found
    return between(found.difference, found.low, found.high)


def between(difference: float, low: float, high: float) -> str:
    """A difference and the ends of its interval."""
    return f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]"


def p_value(comparison: PipelineComparison) -> str:
    """The corrected p-value; what is too small to be told apart is one thing."""
    return "<0.001" if comparison.p_holm < 0.001 else f"{comparison.p_holm:.3f}"


def needed(comparison: PipelineComparison) -> str:
    """About how many questions would show the difference; "" where there is nothing to show."""
    if comparison.needed is None:
        return ""
    if comparison.needed > _TOO_MANY:
        return f">{_TOO_MANY:,}"
    return f"{_round(comparison.needed):,}"


def contribution(arm: Contribution) -> tuple[str, ...]:
    """What a retriever found, under the last columns of `ARMS`."""
    return tuple(f"{number:,}" for number in astuple(arm))


def failure(pipeline: str, component: str, failed: int, questions: int) -> str:
    """How many of the questions a component failed for, whose measures are not its own then."""
    asked = f"{failed:,} of {questions:,} question{'' if questions == 1 else 's'}"
    return f"{pipeline}: {component} failed for {asked}, which went on without it"


def seconds(value: float | None) -> str:
    """A time in seconds; "" for a run, which has none."""
    return "" if value is None else f"{value:.1f}"


def milliseconds(value: float | None) -> str:
    """A time in milliseconds; "" for a run, which has none."""
    return "" if value is None else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _round(number: int) -> int:
    """To two digits, upwards: more would pretend to be exact."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step

"""A threshold for answers as a person reads it in a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rag.cli.output import count, one_line, say
from rag.errors import RequestError

if TYPE_CHECKING:
    from rag.abstention import Fitted
    from rag.evaluate.intervals import Interval


def check_answers(
    answers: bool,
    error: float | None,
    confidence: float | None,
    split: str | None,
    passages: bool,
) -> None:
    """Refuse options that do not go together, and shares that are none."""
    given = {"--error": error, "--confidence": confidence}
    for name, share in given.items():
        if share is not None and not answers:
            raise RequestError(f"{name} goes with --answers: add it, or leave {name} out")
        if share is not None and not 0 < share < 1:
            raise RequestError(f"{name} is a share between 0 and 1, for example 0.1: not {share:g}")
    if answers and (split is not None or passages):
        option = "--split" if split is not None else "--passages"
        raise RequestError(f"{option} does not go with --answers: leave it out")


def show_threshold(fitted: Fitted) -> None:
    """Print the threshold, what it leaves, and the line to write."""
    found, at = fitted.found, fitted.found.at
    asked = f"{count(fitted.questions, 'question')}, {fitted.answerable:,} with an answer"
    say(f"{one_line(fitted.dataset)}, {one_line(fitted.pipeline)}: {asked}")
    say(
        f"at most {found.error:.0%} of the answers are wrong, at {found.level:.0%} confidence, "
        f"from this threshold up: {at.threshold:g} {_ends(found.threshold)}"
    )
    say(f"  wrong: {at.wrong:,} of {at.answered:,} answers, {_share(found.risk)}")
    say(f"  upper bound of that share: {found.bound:.1%}")
    say(f"  answered: {_share(found.coverage)} of the questions")
    if found.abstained is not None:
        say(f"  abstained: {_share(found.abstained)} of the questions without an answer")
    if found.proven < 1:
        say(f"  shown in {found.proven:.0%} of resamples: with more questions it would be surer")
    say("for the pipeline file:")
    say(f"  {fitted.line}")


def _share(found: Interval) -> str:
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"


def _ends(found: Interval) -> str:
    high = f"{found.high:g}" if math.isfinite(found.high) else "none"
    return f"[{found.low:g}, {high}]"

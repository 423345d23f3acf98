"""Chat models that judge by a rule, and tell how sure they are."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rag.errors import ChatError
from rag.types import Message, Passage, Reply

Rule = Callable[[Sequence[str]], Mapping[str, float] | str | None]
"""The passages shown to the probabilities of labels, a text, or None for a failure."""


@dataclass
class Judge:
    """Answers by `rule`; what it was shown is kept in `shown`."""

    rule: Rule
    shown: list[tuple[str, ...]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    fingerprint: str = "judge"
    repeatable = False

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        """What the rule says, without probabilities."""
        told = self._told(messages)
        return Reply(told if isinstance(told, str) else max(told, key=lambda one: told[one]))

    def reply_with_choices(
        self, messages: Sequence[Message], seconds: float | None = None
    ) -> Reply:
        """The same, with them."""
        told = self._told(messages)
        if isinstance(told, str):
            return Reply(told)
        choices = {label: math.log(p) if p else -9999.0 for label, p in told.items()}
        return Reply(max(told, key=lambda one: told[one]), (choices,))

    def _told(self, messages: Sequence[Message]) -> Mapping[str, float] | str:
        found = re.findall(r"<(passage\w*)>(.*?)</\1>", messages[-1].text, re.DOTALL)
        shown = tuple(text for _, text in found)
        with self.lock:
            self.shown.append(shown)
        told = self.rule(shown)
        if told is None:
            raise ChatError("the judge is away")
        return told


class Hard(Judge):
    """A judge whose server tells no probabilities."""

    reply_with_choices = None  # type: ignore[assignment]


def passages(*texts: str) -> list[Passage]:
    """A document of one passage for each text, named by its place."""
    return [Passage(f"d{n}", 0, len(text), text) for n, text in enumerate(texts)]

"""A conversation with the documents: what was asked and answered, and what follow-ups refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.config import Pipeline
    from rag.rag import Rag
    from rag.types import Answer, Event, Filter, Turn

_REWRITER = "conversation"


class Conversation:
    """Questions put to `rag` one after another, each with the last `turns` before it as history.

    Only questions that were answered are kept, abstentions among them.
    """

    def __init__(self, rag: Rag, filters: Sequence[Filter], turns: int) -> None:
        self.rag = rag
        self.answers: list[Answer] = []
        self._filters = filters
        self._turns = turns

    @property
    def last(self) -> Answer | None:
        """The last answer."""
        return self.answers[-1] if self.answers else None

    @property
    def pipeline(self) -> Pipeline:
        """What answers."""
        return self.rag.pipeline

    @property
    def rewrites(self) -> bool:
        """Whether the pipeline puts follow-ups into words that need no history."""
        from rag.config import Rewrite

        stages = [stage for stage in self.pipeline.stages if isinstance(stage, Rewrite)]
        return any(stage.component.use == _REWRITER for stage in stages)

    def history(self) -> list[Turn]:
        """The last turns, as the next question has them before it."""
        from rag.types import Turn

        last = self.answers[-self._turns :] if self._turns else []
        return [
            turn
            for answer in last
            for turn in (Turn("user", answer.question), Turn("assistant", answer.text))
        ]

    def ask(self, question: str, follow: Callable[[Iterator[Event]], Answer]) -> Answer:
        """The answer that `follow` makes of the events of a question, which is kept then."""
        events = self.rag.stream(question, filters=self._filters, history=self.history())
        answer = follow(events)
        self.answers.append(answer)
        return answer

    def clear(self) -> None:
        """Forget everything."""
        self.answers.clear()

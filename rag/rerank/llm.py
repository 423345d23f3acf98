"""Passages judged by a chat model, one at a time or two against each other.

Huang and Chen (2024), "InstUPR: Instruction-based Unsupervised Passage Reranking with Large
Language Models" (arXiv 2403.16435). The prompts ask for what the paper's ask for, in other words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rag.chat.asking import Asker, needed
from rag.chat.prompt import Prompt
from rag.chat.settings import Budget, Concurrency, Deadline, Retries, Settings, Timeout
from rag.errors import ChatError
from rag.protocols import ChatModel
from rag.registry import Nested
from rag.rerank import pairwise
from rag.rerank.verdicts import Verdict, verdict
from rag.tracing import note
from rag.types import Message, Passage, Reply

_GRADES = ("1", "2", "3", "4", "5")
# What is taken of a passage that was not judged.
_MIDDLE = 3.0
_SLOTS = ("A", "B")

_POINTWISE = (
    "How relevant is the passage to the question? Grade it with a whole number from 1 to 5: 1 is "
    "for a passage that has nothing to do with the question or makes no sense, 5 for one that is "
    "entirely relevant to it. Reply with the number alone.\n\n{question}\n\n{passage}"
)
_PAIRWISE = (
    "Which of two passages is more relevant to the question, A or B? Reply with the letter "
    "alone.\n\n{question}\n\nPassage A:\n{passage_a}\n\nPassage B:\n{passage_b}"
)
_PLACES: Mapping[str, tuple[str, ...]] = {
    "pointwise": ("question", "passage"),
    "pairwise": ("question", "passage_a", "passage_b"),
}


class LlmReranker:
    """Lets a chat model judge passages, without any training.

    `pointwise` asks for a grade of 1 to 5 for each passage; its score is the mean of the grades,
    weighted by the probabilities that the model gives them. `pairwise` asks for each pair of
    passages which is more relevant, in both orders, and the score is how many of the others a
    passage wins against, so that it means something among these passages alone: it takes
    k · (k - 1) calls for k passages. Where the model tells no probabilities, the label in its
    reply counts as certain.

    What was not judged gets the middle grade, or a tie, and a note says so; where nothing was
    judged the hits stay in their order. Of a passage the first `characters` are shown, its
    context before it. `prompt` is one of your own: it has `{question}` and `{passage}`, or
    `{passage_a}` and `{passage_b}`, and asks for the same labels. `timeout`, `retries`, `budget`,
    `concurrency`, `deadline` and `cache` are limits of asking.
    """

    given: ClassVar[tuple[str, ...]] = ("chat",)

    def __init__(
        self,
        *,
        model: Annotated[ChatModel | None, Nested("chat", optional=True)] = None,
        mode: Literal["pointwise", "pairwise"] = "pointwise",
        prompt: str | None = None,
        characters: Annotated[int, Field(ge=100, le=100_000)] = 3_000,
        timeout: Timeout = 30.0,
        retries: Retries = 2,
        budget: Budget = 100,
        concurrency: Concurrency = 4,
        deadline: Deadline = 60.0,
        cache: bool | None = None,
        chat: ChatModel | None = None,
    ) -> None:
        settings = Settings(
            timeout=timeout,
            retries=retries,
            budget=budget,
            concurrency=concurrency,
            deadline=deadline,
            cache=cache,
        )
        self._asker = Asker(needed(model, chat, "llm"), settings)
        self._pairs = mode == "pairwise"
        self._prompt = Prompt(prompt or (_PAIRWISE if self._pairs else _POINTWISE))
        self._characters = characters

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """A prompt that cannot be filled."""
        if options["prompt"] is not None:
            for told in Prompt.faults(options["prompt"], _PLACES[options["mode"]]):
                yield "prompt", f"'prompt' {told}"

    @classmethod
    def stage_faults(
        cls, options: Mapping[str, Any], stage: Mapping[str, Any]
    ) -> Iterator[tuple[str, str]]:
        """Pairs that are scored apart, and more calls than the budget has."""
        top, budget = stage["top"], options["budget"]
        pairs = options["mode"] == "pairwise"
        if pairs and stage.get("early_exit") is not None:
            yield "early_exit", "'pairwise' scores hits against each other, and needs all of them"
        calls = pairwise.calls(top) if pairs else top
        if calls > budget:
            most = pairwise.most(budget) if pairs else budget
            told = f"{top} hits take {calls} calls in mode '{options['mode']}'"
            yield "top", f"{told}, and 'budget' is {budget}: lower 'top' to {most}, or raise it"

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """One score for each passage: 1 to 5, or the passages that it wins against.

        Raises ChatError where no call gave a label.
        """
        shown = [passage.indexed[: self._characters] for passage in passages]
        return self._compared(question, shown) if self._pairs else self._graded(question, shown)

    def _graded(self, question: str, shown: Sequence[str]) -> list[float]:
        asked = [self._prompt.messages(question=question, passage=one) for one in shown]
        found = self._judged(asked, _GRADES)
        _tell(found, "passages", "take the middle grade")
        return [_MIDDLE if one is None else _mean(one) for one in found]

    def _compared(self, question: str, shown: Sequence[str]) -> list[float]:
        pairs = pairwise.presentations(len(shown))
        asked = [
            self._prompt.messages(question=question, passage_a=shown[a], passage_b=shown[b])
            for a, b in pairs
        ]
        found = self._judged(asked, _SLOTS)
        _tell(found, "comparisons", "leave a tie")
        first = {
            pair: one.weights.get(_SLOTS[0], 0.0)
            for pair, one in zip(pairs, found, strict=True)
            if one is not None
        }
        return pairwise.wins(len(shown), first)

    def _judged(
        self, asked: Sequence[Sequence[Message]], labels: Sequence[str]
    ) -> list[Verdict | None]:
        """What was chosen in each call. Raises the first error where nothing was in any."""
        if not asked:
            return []
        answers = self._asker.ask_all(asked, choices=True)
        found = [verdict(one, labels) if isinstance(one, Reply) else None for one in answers]
        if all(one is None for one in found):
            failed = [one for one in answers if isinstance(one, ChatError)]
            told = f"the chat model gave none of {', '.join(labels)} in any of its replies"
            raise failed[0] if failed else ChatError(told)
        return found


def _mean(judged: Verdict) -> float:
    return sum(int(grade) * weight for grade, weight in judged.weights.items())


def _tell(found: Sequence[Verdict | None], what: str, outcome: str) -> None:
    missing = sum(one is None for one in found)
    if missing:
        note(f"{missing} of {len(found)} {what} were not judged and {outcome}")
    if any(one is not None and not one.soft for one in found):
        note("the chat model tells no probabilities of its labels: each counts as certain")

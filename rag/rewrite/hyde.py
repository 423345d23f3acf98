"""HyDE: passages that a chat model makes up, searched for in place of the question or beside it.

Gao, Ma, Lin and Callan (2022), "Precise Zero-Shot Dense Retrieval without Relevance Labels"
(arXiv 2212.10496). The prompts are for the paper's kinds of task, in words of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from rag.chat.asking import Asker, needed
from rag.chat.prompt import Prompt
from rag.chat.settings import Budget, Concurrency, Deadline, Retries, Settings, Timeout
from rag.errors import ChatError
from rag.protocols import ChatModel, View
from rag.registry import Nested
from rag.rewrite import replies
from rag.rewrite.history import HistoryCharacters, dialogue, recent
from rag.rewrite.weights import merged
from rag.tracing import note
from rag.types import Message, Query, Turn, Variant

Task: TypeAlias = Literal["web", "science", "claim", "argument", "finance", "entity", "news"]

_TASKS: Mapping[Task, str] = {
    "web": "Write a passage, as a web page or a manual has it, that answers the question.",
    "science": "Write a passage of a scientific paper that answers the question.",
    "claim": "Write a passage of a scientific paper whose findings support or refute the claim "
    "that stands in place of a question.",
    "argument": "Write a passage that argues against what stands in place of a question.",
    "finance": "Write a passage of an article or a report on finance that answers the question.",
    "entity": "Write a passage of an encyclopedia about what the question asks for.",
    "news": "Write a passage of a news article about what the question asks for.",
}
_FORM = (
    " Use at most {words} words of plain text in the language of the question, without headings, "
    "lists, or remarks about the passage. Where you do not know, write what is likely: the "
    "passage is never shown, and serves to find real ones that resemble it."
)
_HISTORY = "\n\nThe question is the next message of this conversation:\n{history}"
_ANOTHER = (
    "\n\nThis is passage {number} of {n}: approach the question in another way than the others "
    "are likely to."
)
# Characters that are taken for each word asked for: models do not count, and words differ.
_CHARACTERS = 10


class HydeRewriter:
    """Adds `n` passages that a chat model makes up, for the dense arm.

    The dense arm searches with the mean of the vectors of the question, weighing `query_weight`,
    and of the passages, which weigh `weight` together; with `query_weight: 0` the passages alone
    are the query. The paper takes the plain mean of the question and 8 passages, which is `n: 8`
    with `weight: 8`. By default it is one passage, as each is a call that somebody waits for. The
    lexical arm keeps the question alone.

    `task` chooses a prompt, by the kind of what is asked and what is searched. `prompt` is one of
    your own: it has `{question}`, and may have `{words}`, `{history}`, `{number}` and `{n}`.
    Where the paper samples several passages from one prompt, each call after the first says here
    which passage it is, so that they differ whatever the model's temperature; what is written
    twice counts twice. What a reply has beyond ten characters for each of `words` is cut. Where
    some calls fail the others are used; where all do, so does the rewriter. Of a conversation the
    last `history_characters` are read. `timeout`, `retries`, `budget`, `concurrency`, `deadline`
    and `cache` are limits of asking.
    """

    needs: ClassVar[str] = "encode"
    given: ClassVar[tuple[str, ...]] = ("chat",)

    def __init__(
        self,
        *,
        model: Annotated[ChatModel | None, Nested("chat", optional=True)] = None,
        n: Annotated[int, Field(ge=1, le=8)] = 1,
        weight: Annotated[float, Field(gt=0, le=100)] = 1.0,
        query_weight: Annotated[float, Field(ge=0, le=1)] = 1.0,
        task: Task | None = None,
        prompt: str | None = None,
        words: Annotated[int, Field(ge=16, le=1_000)] = 120,
        history_characters: HistoryCharacters = 4_000,
        timeout: Timeout = 30.0,
        retries: Retries = 2,
        budget: Budget = 20,
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
        self._asker = Asker(needed(model, chat, "hyde"), settings)
        self._n = n
        self._weight = weight
        self._query_weight = query_weight
        self._task: Task = task or "web"
        self._prompt = prompt
        self._words = words
        self._characters = history_characters

    @classmethod
    def faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """A prompt that cannot be filled, or a task that it leaves without use."""
        if options["prompt"] is None:
            return
        for told in Prompt.faults(options["prompt"]):
            yield "prompt", f"'prompt' {told}"
        if options["task"] is not None:
            yield "task", "'task' chooses a prompt: leave it out beside a 'prompt' of your own"

    def rewrite(self, query: Query, view: View) -> Query:
        """`query` with hypotheses. Raises ChatError where no call gave a passage."""
        turns = recent(query, self._characters)
        asked = [self._messages(query.asked, turns, number) for number in range(1, self._n + 1)]
        passages = self._passages(asked)
        weights = merged(passages, self._weight)
        if len(weights) < self._n:
            note(f"{self._n} passages were asked for; {len(weights)} different ones are used")
        made = (Variant(text, weight, "hyde", "dense") for text, weight in weights.items())
        return replace(
            query,
            hypotheses=(*query.hypotheses, *made),
            dense_weight=query.dense_weight * self._query_weight,
        )

    def _messages(self, question: str, turns: Sequence[Turn], number: int) -> list[Message]:
        text = self._prompt
        if text is None:
            text = _TASKS[self._task] + _FORM + (_HISTORY if turns else "") + "\n\n{question}"
        if number > 1 and "{number}" not in text:
            text += _ANOTHER
        return Prompt(text).messages(
            question=question,
            history=dialogue(turns),
            words=self._words,
            number=number,
            n=self._n,
        )

    def _passages(self, asked: Sequence[Sequence[Message]]) -> list[str]:
        """What the calls gave, in their order. Raises the first error where none gave anything."""
        answers = self._asker.ask_all(asked)
        longest = self._words * _CHARACTERS
        passages = []
        for answer in answers:
            if isinstance(answer, ChatError):
                continue
            text, cut = replies.passage(answer.text, longest)
            if cut:
                note(f"a passage was cut to {longest:,} characters")
            if replies.searchable(text):
                passages.append(text)
        if not passages:
            failed = [answer for answer in answers if isinstance(answer, ChatError)]
            raise failed[0] if failed else ChatError("the chat model wrote no passage")
        return passages

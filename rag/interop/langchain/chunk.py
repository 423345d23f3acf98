"""A part of an answer, while it is streamed through a chain."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from rag.types import Answer, Event, Ranking


@dataclass(frozen=True, slots=True)
class AnswerChunk(Answer):
    """A part of a streamed Answer: all parts added up, in order, are the answer.

    `text` is the next piece of its text. The first chunk has the hits, before there is any text,
    and the `last` one everything but the text. So chunks are to an Answer what in LangChain
    chunks of a message are to the message.
    """

    last: bool = False

    def __add__(self, other: AnswerChunk) -> AnswerChunk:
        """Both as one chunk."""
        whole = other if other.last else self
        return replace(whole, text=self.text + other.text, last=self.last or other.last)


def as_chunk(question: str, event: Event) -> AnswerChunk:
    """What `Rag.stream` tells, as a part of the answer to `question`."""
    if isinstance(event, Ranking):
        return AnswerChunk(question, "", abstained=False, hits=event.hits, query=event.query)
    if not isinstance(event, Answer):
        return AnswerChunk(question, event.text, abstained=False)
    told = {field.name: getattr(event, field.name) for field in fields(Answer)}
    return AnswerChunk(**{**told, "text": ""}, last=True)

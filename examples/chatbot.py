"""A chatbot backend: answers streamed as server-sent events, with a history per conversation.

    rag index docs
    uvicorn --app-dir examples chatbot:app
    curl -N localhost:8000/chat -H 'Content-Type: application/json' \
        -d '{"question": "How long is the notice period?"}'

A stream is `sources` with the passages that were found, `text` piece by piece, and `answer` with
the citations and the conversation's name, to be sent with the next question; or `error`, one line.
What is wrong before that is a status and `{"error": "one line"}`. RAG_INDEX and RAG_PIPELINE name
the index and the pipeline, as `--index` and `--pipeline` do for `rag`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field

from rag import Answer, Delta, Hit, Rag, RagError, Ranking, Turn
from rag.errors import IndexMismatchError, NoIndexError, RequestError

CONVERSATIONS = 1_000
EXCHANGES = 6


class Asked(BaseModel):
    """What a client sends; `where` is a filter, such as `year>=2024`."""

    question: str
    conversation: str | None = Field(default=None, max_length=64)
    where: str = ""


class Conversations:
    """The latest conversations, each with its latest exchanges, in memory."""

    def __init__(self, most: int = CONVERSATIONS, exchanges: int = EXCHANGES) -> None:
        self._most = most
        self._turns = 2 * exchanges
        self._known: OrderedDict[str, deque[Turn]] = OrderedDict()

    def history(self, name: str) -> Sequence[Turn]:
        """What was said so far. Raises RequestError where there is no such conversation."""
        if name not in self._known:
            raise RequestError("this conversation is over: leave out its name to begin another")
        self._known.move_to_end(name)
        return tuple(self._known[name])

    def add(self, name: str | None, answer: Answer) -> str:
        """Keep an exchange; the conversation's name, which is a new one where there is none."""
        name = name or secrets.token_urlsafe(16)
        turns = self._known.setdefault(name, deque(maxlen=self._turns))
        turns.extend((Turn("user", answer.question), Turn("assistant", answer.text)))
        self._known.move_to_end(name)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return name


def application(folder: str | None = None, pipeline: str | None = None) -> FastAPI:
    """The backend over the index in `folder`, opened once and shared by all requests."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Rag.open(folder, pipeline=pipeline) as rag:
            # Models load now, not while somebody waits; without an index the server does not start.
            await rag.asearch("warm up")
            app.state.rag, app.state.conversations = rag, Conversations()
            yield

    app = FastAPI(title="ragline chatbot", lifespan=lifespan)
    app.add_api_route("/chat", chat, methods=["POST"], response_model=None)
    app.add_exception_handler(RagError, refused)
    app.add_exception_handler(RequestValidationError, unreadable)
    return app


async def chat(asked: Asked, request: Request) -> StreamingResponse:
    """The answer as it is made."""
    rag: Rag = request.app.state.rag
    conversations: Conversations = request.app.state.conversations
    history = conversations.history(asked.conversation) if asked.conversation else ()
    events = rag.astream(asked.question, filters=asked.where or (), history=history)
    # What cannot be asked has a status of its own, for which nothing may have been sent yet.
    ranking = await anext(events)
    assert isinstance(ranking, Ranking)
    told = tell(ranking, events, conversations, asked.conversation)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def tell(
    ranking: Ranking,
    events: AsyncGenerator[Ranking | Delta | Answer],
    conversations: Conversations,
    name: str | None,
) -> AsyncIterator[bytes]:
    """Server-sent events; whoever goes away ends the generation, as the stream is closed then."""
    async with aclosing(events):
        yield sent("sources", sources=[source(hit) for hit in ranking.hits])
        try:
            async for event in events:
                if isinstance(event, Delta):
                    yield sent("text", text=event.text)
                elif isinstance(event, Answer):
                    name = conversations.add(name, event)
                    yield sent("answer", conversation=name, **as_data(event))
        except RagError as error:
            yield sent("error", error=one_line(error))


def sent(event: str, **data: Any) -> bytes:
    """One server-sent event."""
    return format_sse_event(event=event, data_str=json.dumps(data, ensure_ascii=False))


def source(hit: Hit) -> dict[str, Any]:
    """A passage as a reader is shown it."""
    one = hit.passage
    return {
        "source": one.source,
        "title": one.title,
        "page": one.page,
        "headings": one.headings,
        "text": one.text,
        "score": hit.score,
    }


def as_data(answer: Answer) -> dict[str, Any]:
    """An answer with its quotes, and where they stand in the text of their documents."""
    return {
        "text": answer.text,
        "abstained": answer.abstained,
        "citations": [
            {
                "source": one.source,
                "start": one.start,
                "end": one.end,
                "page": one.page,
                "quote": one.quote,
            }
            for one in answer.citations
        ],
    }


async def refused(_: Request, error: Exception) -> JSONResponse:
    """The client's mistake, or ours."""
    ours = not isinstance(error, RequestError) or isinstance(
        error, NoIndexError | IndexMismatchError
    )
    return JSONResponse({"error": one_line(error)}, 503 if ours else 400)


async def unreadable(_: Request, error: Exception) -> JSONResponse:
    """A request that is no question."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return JSONResponse({"error": f"{place}: {first['msg']}".removeprefix(": ")}, 400)


def one_line(error: Exception) -> str:
    """An error as a client reads it."""
    return " ".join(str(error).split())


app = application(os.environ.get("RAG_INDEX"), os.environ.get("RAG_PIPELINE"))

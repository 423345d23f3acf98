"""Chat models asked by rewriters, rerankers and answerers: several calls at once, within limits.

asker = Asker(needed(model, chat, "hyde"), Settings(timeout=10, budget=5))
reply = asker.ask(Prompt("Answer: {question}").messages(question=query.asked))
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from rag.chat.cache import ReplyCache, key_of
from rag.chat.calls import Calls
from rag.chat.settings import (
    DEFAULTS,
    Budget,
    Concurrency,
    Deadline,
    Retries,
    Settings,
    Timeout,
)
from rag.chat.streaming import streamed
from rag.errors import ChatError, RagError, RequestError
from rag.protocols import ChatModel
from rag.tracing import isolated, note, question
from rag.types import Message, Reply


class Asker:
    """Asks a chat model within the limits of `settings`. Threads may share one.

    What went wrong is told as notes of the stage under way (`rag.tracing`). Replies are kept in
    `cache`, by default one in the user's folder of caches, where `settings` say that they are.
    """

    def __init__(
        self,
        model: ChatModel,
        settings: Settings = DEFAULTS,
        cache: ReplyCache | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        kept = settings.cache
        if kept is None:
            kept = bool(getattr(model, "repeatable", False))
        self._cache = (cache or ReplyCache()) if kept else None

    def ask(self, messages: Sequence[Message], *, choices: bool = False) -> Reply:
        """The reply to `messages`; with `choices` its tokens' probabilities, where they are told.

        Raises ChatError where there is none within the limits.
        """
        (answer,) = self.ask_all([messages], choices=choices)
        if isinstance(answer, ChatError):
            raise answer
        return answer

    def ask_all(
        self, asked: Sequence[Sequence[Message]], *, choices: bool = False
    ) -> list[Reply | ChatError]:
        """The reply to each of `asked`, in their order, or why there is none.

        Raises what is no ChatError, such as ModelError for a model that cannot be loaded.
        """
        with question() as under_way:
            calls = Calls(self.model, self.settings, under_way, choices=choices)
            if self._cache is None:
                return calls.run(asked)
            return self._remembering(self._cache, calls, asked, choices=choices)

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """The reply to `messages` in pieces, none of them empty, as the model tells them.

        A reply that is kept is one piece, and so is that of a model that does not stream. One
        that comes whole is kept. Nothing is asked before the first piece is asked for. Raises
        ChatError as `ask` does, also in the middle. Close it where it is not read to its end: a
        server is then hung up on, and stops; its connection is not used again.
        """
        return isolated(self._streamed(messages))

    def _streamed(self, messages: Sequence[Message]) -> Generator[str]:
        with question() as under_way:
            cache, pieces = self._cache, list[str]()
            key = key_of(self._known(), messages, choices=False) if cache is not None else b""
            kept = cache.known([key]).get(key) if cache is not None else None
            if kept is not None and kept.text:
                yield kept.text
                return
            with closing(streamed(self.model, self.settings, under_way, messages)) as found:
                for piece in found:
                    pieces.append(piece)
                    yield piece
            if cache is not None:
                cache.keep({key: Reply("".join(pieces))})

    def _remembering(
        self,
        cache: ReplyCache,
        calls: Calls,
        asked: Sequence[Sequence[Message]],
        *,
        choices: bool,
    ) -> list[Reply | ChatError]:
        """What `calls` makes of those of `asked` whose reply is not in `cache` yet."""
        try:
            fingerprint = self._known()
        except ChatError as error:
            return [error for _ in asked]
        keys = [key_of(fingerprint, one, choices=choices) for one in asked]
        known = cache.known(keys)
        new = [place for place, key in enumerate(keys) if key not in known]
        made = dict(zip(new, calls.run([asked[place] for place in new]), strict=True))
        cache.keep({keys[at]: one for at, one in made.items() if isinstance(one, Reply)})
        return [made[at] if at in made else known[key] for at, key in enumerate(keys)]

    def _known(self) -> str:
        """What names the model in the cache. Raises ChatError, which is noted."""
        try:
            return _fingerprint(self.model)
        except ChatError as error:
            note(f"no reply: {error}")
            raise


def _fingerprint(model: ChatModel) -> str:
    """What names `model` in the cache. Raises ChatError where it fails in a way of its own."""
    try:
        return model.fingerprint
    except RagError:
        raise
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise ChatError(f"the chat model's 'fingerprint' failed: {words}") from error


def needed(model: ChatModel | None, chat: ChatModel | None, name: str) -> ChatModel:
    """The chat model of component `name`: its own `model`, or else the program's `chat`.

    Raises RequestError where there is neither.
    """
    found = chat if model is None else model
    if found is None:
        raise RequestError(
            f"'{name}' needs a chat model: name one with 'model: {{use: openai, model: NAME}}', "
            "or give one with Rag.open(chat=...)"
        )
    return found


__all__ = [
    "Asker",
    "Budget",
    "Concurrency",
    "Deadline",
    "Retries",
    "Settings",
    "Timeout",
    "needed",
]

"""Where rewrites come from: a chat model that is asked, or a local rewriter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rag.chat.asking import Asker, needed
from rag.chat.settings import Settings
from rag.errors import RequestError
from rag.protocols import ChatModel
from rag.rewrite.seq2seq import Seq2Seq


def source(
    name: str,
    local: Seq2Seq | None,
    model: ChatModel | None,
    chat: ChatModel | None,
    settings: Settings,
) -> Asker | Seq2Seq:
    """What rewriter `name` was told to use: its `local` rewriter, its `model`, or the `chat` given.

    Raises RequestError where there is none.
    """
    if local is not None:
        return local
    try:
        return Asker(needed(model, chat, name), settings)
    except RequestError as error:
        raise RequestError(f"{error}, or a local rewriter as 'seq2seq: FOLDER'") from None


def either(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fault of options that name both a chat model and a local rewriter."""
    if options["model"] is not None and options["seq2seq"] is not None:
        yield "seq2seq", "'model' and 'seq2seq' both make rewrites: leave one of them out"
    if options["prompt"] is not None and options["seq2seq"] is not None:
        yield "prompt", "'prompt' is for a chat model: with 'seq2seq' there is 'prefix'"


def no_dense(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fault of options that leave the dense arm nothing to search for."""
    if options["query_weight"] == 0 and options["arms"] == "lexical":
        told = "'query_weight: 0' leaves the dense arm nothing, as 'arms' is 'lexical'"
        yield "query_weight", told

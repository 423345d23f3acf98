"""Chat models run in this process by the transformers library."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rag.chat.answered import told_cut
from rag.chat.pieces import pieces
from rag.chat.relay import LateError, Tell, relayed
from rag.chat.settings import PATIENCE
from rag.cores import Device
from rag.errors import ChatError, ModelError
from rag.loading import loading
from rag.models import ModelFiles, find_model
from rag.types import Message, Reply

if TYPE_CHECKING:
    from rag.chat.causal import CausalModel, Ending


class TransformersChat:
    """A causal language model in a folder or on the hub, which replies without chance.

    `model` is a folder or a name on the hub, which is asked only with `download: true`. Weights
    are read as safetensors alone. Messages are put into the model's own chat template; a model
    without one gets their texts with empty lines between them. Each token is the likeliest one,
    up to `max_tokens`. Replies are made one after another, whoever asks. Code that a model
    brings along runs only with `remote_code: true`: it can do all that you can.
    """

    circumstances: ClassVar[frozenset[str]] = frozenset({"device", "download"})

    def __init__(
        self,
        *,
        model: Annotated[str, Field(min_length=1)],
        max_tokens: Annotated[int, Field(ge=1)] = 256,
        device: Device = "auto",
        dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto",
        download: bool = False,
        remote_code: bool = False,
    ) -> None:
        self._name = model
        self._max_tokens = max_tokens
        self._device = device
        self._dtype = dtype
        self._download = download
        self._remote_code = remote_code
        # A model holds gigabytes, and two threads would load it twice.
        self._lock = threading.Lock()
        # Apart, so that nobody waits for somebody else's reply to look into the cache.
        self._reading = threading.Lock()

    repeatable = True

    @property
    def fingerprint(self) -> str:
        """Made of the weights, the settings and the template of the model, and the length."""
        with self._reading:
            return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        folder = self._files.folder
        settings = [
            (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted((*folder.glob("*.json"), *folder.glob("*.jinja")))
        ]
        record = ["transformers", self._weights, settings, self._dtype, self._max_tokens]
        return hashlib.sha256(json.dumps(record).encode()).hexdigest()

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        """The reply to `messages` within `seconds`, with the waiting for its turn.

        Raises ChatError where it takes longer or has no text, ModelError where the model cannot
        be had or loaded.
        """
        return self._within(messages, seconds, 0)

    def reply_with_choices(
        self, messages: Sequence[Message], seconds: float | None = None
    ) -> Reply:
        """The same, with the 100 likeliest tokens at each place."""
        return self._within(messages, seconds, 100)

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Iterator[str]:
        """The pieces of the reply to `messages`, the last within `seconds`.

        Raises what `reply` raises. When it is closed the model stops after the token at hand.
        """
        end = _end(seconds)

        def work(tell: Tell[str]) -> None:
            with self._turn(end) as model:
                self._check(model.stream(messages, end - time.monotonic(), tell))

        empty = True
        try:
            for piece in pieces(relayed(work, lambda: end - time.monotonic())):
                empty = False
                yield piece
        except LateError:
            raise self._late() from None
        if empty:
            raise self._empty()

    def _within(self, messages: Sequence[Message], seconds: float | None, top: int) -> Reply:
        end = _end(seconds)
        with self._turn(end) as model:
            reply, ended = model.reply(messages, end - time.monotonic(), top)
        self._check("end" if ended == "cut" and top else ended)
        if not reply.text and not reply.choices:
            raise self._empty()
        return reply

    @contextmanager
    def _turn(self, end: float) -> Iterator[CausalModel]:
        """The model, for nobody else."""
        if not self._lock.acquire(timeout=max(end - time.monotonic(), 0)):
            raise ChatError(f"chat model '{self._name}' is busy with other replies", again=True)
        try:
            yield self._model
        finally:
            self._lock.release()

    def _check(self, ended: Ending) -> None:
        if ended == "late":
            raise self._late()
        if ended == "cut":
            told_cut(f"max_tokens = {self._max_tokens}")

    def _late(self) -> ChatError:
        return ChatError(f"chat model '{self._name}' did not end within the time for a reply")

    def _empty(self) -> ChatError:
        return ChatError(f"chat model '{self._name}' answered with an empty text")

    @cached_property
    def _files(self) -> ModelFiles:
        return find_model(self._name, download=self._download)

    @cached_property
    def _weights(self) -> str:
        folder = self._files.folder
        if not any(folder.glob("*.safetensors")):
            raise ModelError(
                f"model '{self._name}' has no weights as safetensors in '{folder}': other kinds of "
                "weights can hold code, and are not read"
            )
        return self._files.weights()

    @cached_property
    def _model(self) -> CausalModel:
        from rag.chat.causal import CausalModel

        _ = self._weights  # are there, and are the right ones
        with loading(self._name):
            return CausalModel(
                self._name,
                self._files.folder,
                self._max_tokens,
                device=self._device,
                dtype=self._dtype,
                remote_code=self._remote_code,
            )


def _end(seconds: float | None) -> float:
    return time.monotonic() + (PATIENCE if seconds is None else seconds)

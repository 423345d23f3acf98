"""A causal language model of the transformers library, and its greedy replies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rag.chat.answered import reply_of
from rag.chat.growing import GrowingText
from rag.cores import Device
from rag.errors import ChatError, ModelError
from rag.loading import check_kind, silence, torch_device
from rag.types import Message, Reply

Ending: TypeAlias = Literal["end", "cut", "late"]
"""Why a reply ended: by itself, at its greatest length, or because its time was over."""


class CausalModel:
    """The model `name` in `folder`. One thread at a time may use it."""

    def __init__(
        self,
        name: str,
        folder: Path,
        max_tokens: int,
        *,
        device: Device,
        dtype: str,
        remote_code: bool,
    ) -> None:
        from transformers import MODEL_FOR_CAUSAL_LM_MAPPING as CLASSES
        from transformers import AutoConfig, AutoTokenizer, GenerationConfig

        self._device = torch_device(device, "device")
        trust = {"local_files_only": True, "trust_remote_code": remote_code}
        config = AutoConfig.from_pretrained(str(folder), **trust)
        check_kind(config, name, CLASSES, "a causal language model, such as Qwen or Llama")
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), **trust)
        self._model: Any = _loaded(folder, dtype, trust).to(self._device).eval()
        self._max_tokens = max_tokens
        self._ends = _ends(self._model, self._tokenizer)
        # The published settings of generation draw by chance, and warn where nothing is drawn.
        self._model.generation_config = GenerationConfig()

    def reply(self, messages: Sequence[Message], seconds: float, top: int) -> tuple[Reply, Ending]:
        """The reply and why it ended; with the `top` likeliest tokens at each place.

        Raises ChatError where the prompt is longer than the model reads.
        """
        made, new = self._made(messages, seconds, output_logits=top > 0)
        text = self._tokenizer.decode(new, skip_special_tokens=True)
        choices = list(self._choices(made.logits, top)) if top else ()
        plain = reply_of(text)
        return Reply(plain.text, _aligned(text, plain.text, choices)), self._ending(new)

    def stream(
        self, messages: Sequence[Message], seconds: float, tell: Callable[[str], None]
    ) -> Ending:
        """Tell the text of the reply as it grows. Gives why it ended.

        What `tell` raises ends it. Raises ChatError as `reply` does.
        """
        growing = GrowingText(partial(self._tokenizer.decode, skip_special_tokens=True), tell)
        return self._ending(self._made(messages, seconds, streamer=growing)[1])

    def _made(
        self, messages: Sequence[Message], seconds: float, **how: Any
    ) -> tuple[Any, list[int]]:
        """What was generated, and its tokens without the prompt's."""
        import torch

        started = time.monotonic()
        prompt = self._tokens(messages)
        with torch.inference_mode(), silence():
            made = self._model.generate(
                **prompt,
                do_sample=False,
                max_new_tokens=self._max_tokens,
                max_time=max(seconds - (time.monotonic() - started), 0.0),
                eos_token_id=self._ends or None,
                pad_token_id=self._ends[0] if self._ends else 0,
                return_dict_in_generate=True,
                **how,
            )
        return made, made.sequences[0, prompt["input_ids"].shape[1] :].tolist()

    def _ending(self, new: Sequence[int]) -> Ending:
        if new and new[-1] in self._ends:
            return "end"
        return "cut" if len(new) >= self._max_tokens else "late"

    def _tokens(self, messages: Sequence[Message]) -> Mapping[str, Any]:
        template = self._tokenizer.chat_template
        # A template writes the special tokens itself.
        text = self._templated(messages) if template else _plain(messages)
        found = self._tokenizer(text, return_tensors="pt", add_special_tokens=not template)
        length = found["input_ids"].shape[1]
        limit = getattr(self._model.config, "max_position_embeddings", None)
        if limit is not None and length + self._max_tokens > limit:
            raise ChatError(
                f"the prompt has {length:,} tokens, and {self._max_tokens:,} are kept for the "
                f"reply: the model reads {limit:,}"
            )
        return {name: found[name].to(self._device) for name in ("input_ids", "attention_mask")}

    def _templated(self, messages: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        try:
            return self._rendered(messages)
        except TemplateError:
            # Some templates refuse the role of the system.
            return self._rendered(_without_system(messages))

    def _rendered(self, messages: Sequence[Message]) -> str:
        text: str = self._tokenizer.apply_chat_template(
            [{"role": one.role, "content": one.text} for one in messages],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,  # known to those templates whose models think
        )
        return text

    def _choices(self, logits: Sequence[Any], top: int) -> Iterator[Mapping[str, float]]:
        for step in logits:
            scores = step[0].float().log_softmax(-1)
            values, tokens = scores.topk(min(top, scores.shape[0]))
            found: dict[str, float] = {}
            for token, value in zip(tokens.tolist(), values.tolist(), strict=True):
                # Best first: of tokens with the same text the likeliest counts.
                found.setdefault(self._tokenizer.decode([token]), value)
            yield found


def _loaded(folder: Path, dtype: str, trust: Mapping[str, Any]) -> Any:
    from transformers import AutoModelForCausalLM

    model, told = AutoModelForCausalLM.from_pretrained(
        str(folder),
        use_safetensors=True,
        dtype=dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused below, in fewer words
        **trust,
    )
    # The library would draw by chance what it does not find.
    for keys, wrong in (("missing_keys", "are missing"), ("mismatched_keys", "do not fit")):
        if found := sorted(one if isinstance(one, str) else one[0] for one in told[keys]):
            raise ModelError(
                f"the weights in '{folder}' are of another model than its config.json says: "
                f"{len(found)} {wrong}, such as '{found[0]}'"
            )
    return model


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end a reply."""
    published = model.generation_config.eos_token_id
    found = published if isinstance(published, list) else [published, tokenizer.eos_token_id]
    return list(dict.fromkeys(one for one in found if one is not None))


def _plain(messages: Sequence[Message]) -> str:
    return "\n\n".join(one.text for one in messages) + "\n\n"


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """`messages` with what the system says before what the user says first."""
    said = [one.text for one in messages if one.role == "system"]
    rest = [one for one in messages if one.role != "system"]
    if not rest:
        return [Message("user", "\n\n".join(said))]
    return [Message(rest[0].role, "\n\n".join([*said, rest[0].text])), *rest[1:]]


def _aligned(
    text: str, kept: str, choices: Sequence[Mapping[str, float]]
) -> tuple[Mapping[str, float], ...]:
    """`choices`, or none where thoughts were taken out of the text that they belong to."""
    return tuple(choices) if text.strip() == kept else ()

"""A local sequence-to-sequence rewriter: the ends of its beams, with their scores."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rag.cores import Device
from rag.errors import ModelError
from rag.loading import check_complete, check_weights, loading, torch_device
from rag.models import ModelFiles, find_model
from rag.tracing import note

# Tokens of a rewrite: those of CANARD and QReCC are questions of some ten words.
LONGEST = 64
# Tokens that are read, where the tokenizer does not say: what T5 was trained with.
_WINDOW = 512


@dataclass(frozen=True, slots=True)
class Scored:
    """A rewrite, and the logarithm of its probability as the beam search ranks by it."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Search:
    """A beam search `beams` wide for the `n` best ends.

    `length_penalty` is the power of an end's number of tokens that its score is divided by.
    """

    n: int
    beams: int
    length_penalty: float = 1.0


@dataclass(slots=True)
class Seq2Seq:
    """The encoder-decoder model in `name`, a folder or a name on the hub.

    The input is the turns of the conversation and then the question, joined by `separator`, after
    `prefix`: as `a ||| b ||| question` in CANARD's checkpoints. Only weights in the safetensors
    format are loaded, and no code of the checkpoint's own. Threads may share one.
    """

    name: str
    separator: str = " ||| "
    prefix: str = ""
    device: Device = "auto"
    download: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _loaded: tuple[Any, Any, str] | None = field(default=None, init=False, repr=False)

    def rewrites(self, turns: Sequence[str], question: str, search: Search) -> list[Scored]:
        """The best ends of `search`, best first, all made in one pass.

        A score is the sum of the logarithms of the tokens' probabilities, divided as `search`
        says; texts may repeat. Raises ModelError where the model cannot be had, loaded or run.
        """
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
        tokenizer, model, device = self._loaded
        try:
            # To cut a text is a setting of the tokenizer, which none may change in another's use.
            with self._lock:
                ids = self._encoded(tokenizer, turns, question)
            ends = _searched(model, ids, device, search)
            texts = tokenizer.batch_decode(ends.sequences, skip_special_tokens=True)
            scores = ends.sequences_scores.tolist()
        except (RuntimeError, ValueError, IndexError) as error:
            raise ModelError(f"model '{self.name}' failed: {_line(error)}") from error
        pairs = zip(texts, scores, strict=True)
        return [Scored(" ".join(text.split()), float(score)) for text, score in pairs]

    def _encoded(self, tokenizer: Any, turns: Sequence[str], question: str) -> list[int]:
        """Token numbers of the input. Turns that do not fit are left out, the earliest first."""
        window = min(int(tokenizer.model_max_length), _WINDOW)
        for first in range(len(turns) + 1):
            text = self.prefix + self.separator.join([*turns[first:], question])
            ids: list[int] = tokenizer(text, truncation=False, verbose=False).input_ids
            if len(ids) <= window:
                if first:
                    note(f"the model reads {window} tokens: {first} earlier turns were left out")
                return ids
        note(f"the model reads {window} tokens: the question was cut")
        cut: list[int] = tokenizer(text, truncation=True, max_length=window).input_ids
        return cut

    def _load(self) -> tuple[Any, Any, str]:
        files = find_model(self.name, download=self.download)
        _check(files)
        device = torch_device(self.device, "device")
        with loading(self.name, own_code=False):
            tokenizer, model = _load(files)
            return tokenizer, model.to(device), device


def _check(files: ModelFiles) -> None:
    """Raise ModelError where the folder cannot hold a model that is loaded here."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as KNOWN,
    )

    config = _config(files)
    kind = config.get("model_type")
    if kind not in KNOWN and config.get("auto_map"):
        raise ModelError(f"model '{files.name}' needs code of its own, which is not run")
    if kind not in KNOWN:
        raise ModelError(
            f"model '{files.name}' is of type '{kind}': a rewriter is a sequence-to-sequence "
            "model, such as T5 or BART"
        )
    check_weights(files)


def _config(files: ModelFiles) -> dict[str, Any]:
    try:
        config = json.loads((files.folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        config = None
    if not isinstance(config, dict):
        raise ModelError(f"the config.json of model '{files.name}' cannot be read")
    return config


def _load(files: ModelFiles) -> tuple[Any, Any]:
    """Tokenizer and model."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    folder = str(files.folder)
    # Left out, the library asks on standard output whether to run a model's own code.
    safe = {"local_files_only": True, "trust_remote_code": False}
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, **safe)
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder, use_safetensors=True, **safe)
    check_complete(model, files, files.folder)
    # What is cut off where a question alone is too long is its beginning.
    tokenizer.truncation_side = "left"
    return tokenizer, model.eval()


def _searched(model: Any, ids: Sequence[int], device: str, search: Search) -> Any:
    import torch

    tokens = torch.tensor([ids], device=device)
    with torch.inference_mode():
        return model.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            num_beams=search.beams,
            num_return_sequences=search.n,
            length_penalty=search.length_penalty,
            max_new_tokens=LONGEST,
            do_sample=False,
            early_stopping=True,
            return_dict_in_generate=True,
            output_scores=True,
        )


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

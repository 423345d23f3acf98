"""Cross-encoders of the sentence-transformers library: a score for each pair of texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.batching import batches_of_tokens
from rag.errors import ModelError, RequestError
from rag.loading import check_complete, check_tokenizer, check_weights, loading
from rag.rerank.first_token import only_first_token
from rag.rerank.spans import spans_of

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from rag.models import ModelFiles
    from rag.protocols import Scores

# Tokens, padding included, that go through the model together: benchmarks/reranking.py.
_BATCH_TOKENS = {"cpu": 2_048, "cuda": 65_536}
_DEFAULT_LENGTH = 512
_NO_LENGTH = 1_000_000
# A question that is longer than the rest of this share is cut, so that passages are read too.
_LEAST_SHARE = 4
# Where models say which function follows their scores.
_ACTIVATIONS = (
    ("config_sentence_transformers.json", "activation_fn"),
    ("config.json", "sentence_transformers.activation_fn"),
    ("config.json", "sbert_ce_default_activation_function"),
)


class PairModel:
    """The cross-encoder of `files`, on a torch `device`.

    Raises ModelError where it cannot be loaded, lacks weights, or needs code of its own and may
    not run it.
    """

    def __init__(
        self,
        files: ModelFiles,
        device: str,
        *,
        dtype: str = "float32",
        max_tokens: int | None = None,
        label: str | None = None,
        remote_code: bool = False,
    ) -> None:
        self._name = files.name
        self._device = device
        check_weights(files)
        if not remote_code:
            _check_activation(files)
        with loading(files.name):
            self._model = _loaded(files, device, dtype, remote_code=remote_code)
        self.limit = self._limit(max_tokens)
        self._model.max_seq_length = self.limit
        self._label = self._labelled(label)

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """The characters of each token of each text, without special tokens."""
        return spans_of(self._model.tokenizer, texts, self._name)

    def room(self, question: str) -> int:
        """The tokens of a passage that are read beside `question`."""
        asked: Any = self._features([(question, "")])
        return max(self.limit - int(asked["input_ids"].shape[-1]), self.limit // _LEAST_SHARE)

    def scores(self, question: str, texts: Sequence[str], lengths: Sequence[int]) -> Scores:
        """The score of each text; `lengths` are about their tokens, and tell what goes together.

        Raises ModelError where a score is no number.
        """
        scores = np.empty(len(texts))
        budget = _BATCH_TOKENS.get(self._device, _BATCH_TOKENS["cuda"])
        asked = self.limit - self.room(question)
        known = [min(length + asked, self.limit) for length in lengths]
        for batch in batches_of_tokens(known, budget):
            scores[batch] = self._run([(question, texts[one]) for one in batch])
        if not np.isfinite(scores).all():
            raise ModelError(
                f"model '{self._name}' gives a score that is no number: with 'dtype: float16' "
                "numbers may grow too large, which they do not with bfloat16"
            )
        return scores

    def _run(self, pairs: list[tuple[str, str]]) -> Scores:
        """One batch, through the same parts as the library's own `predict`."""
        import torch

        model: Any = self._model
        with torch.inference_mode():
            given = {
                name: value.to(self._device) if isinstance(value, torch.Tensor) else value
                for name, value in self._features(pairs).items()
            }
            raw = model(given)["scores"].float()
            found = model.activation_fn(raw)
            if self._label is not None:
                found = torch.softmax(found, dim=1)[:, self._label]
        scores: Scores = found.double().reshape(len(pairs)).cpu().numpy()
        return scores

    def _features(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """A batch as the model reads it, with the prompt that the model says is its default."""
        model: Any = self._model
        name = model.default_prompt_name
        features: dict[str, Any] = model.preprocess(
            pairs, prompt=None if name is None else model.prompts.get(name)
        )
        return features

    def _limit(self, given: int | None) -> int:
        # Tokenizers that know no limit say a number beyond all texts.
        declared = int(self._model.max_seq_length or _NO_LENGTH)
        longest = declared if declared < _NO_LENGTH else _DEFAULT_LENGTH
        if given is not None and given > longest:
            raise RequestError(
                f"query.rerank.max_tokens: model '{self._name}' reads {longest} tokens, not {given}"
            )
        return given or longest

    def _labelled(self, label: str | None) -> int | None:
        """The column of `label`; None for models that give one score."""
        count = self._model.num_labels
        if count == 1:
            if label is not None:
                raise RequestError(
                    f"query.rerank.label: model '{self._name}' gives one score, and has no labels"
                )
            return None
        named = {str(name): int(at) for at, name in self._model.config.id2label.items()}
        if label not in named:
            said = f"has no label '{label}'" if label else f"gives {count} scores for a pair"
            raise RequestError(
                f"query.rerank.label: model '{self._name}' {said}: name the label whose "
                f"probability is to be the score, one of {', '.join(named)}"
            )
        return named[label]


def _loaded(files: ModelFiles, device: str, dtype: str, *, remote_code: bool) -> CrossEncoder:
    import torch
    from sentence_transformers import CrossEncoder

    given = {"dtype": getattr(torch, dtype)}
    model = CrossEncoder(
        str(files.folder),
        device=device,
        local_files_only=True,
        trust_remote_code=remote_code,
        model_kwargs={**given, "use_safetensors": True},
    )
    inner: Any = model.transformers_model
    if inner is None:
        raise ModelError(f"model '{files.name}' is no cross-encoder of the transformers library")
    check_tokenizer(model.tokenizer, files)
    code = {"trust_remote_code": True} if remote_code else {}
    check_complete(inner, files, _inner_folder(files.folder), config=inner.config, **given, **code)
    only_first_token(inner)
    model.eval()
    return model


def _inner_folder(folder: Path) -> Path:
    """Where the transformers model is: the folder itself, or one in it."""
    if (folder / "config.json").is_file():
        return folder
    found = sorted(path.parent for path in folder.glob("*/config.json"))
    return found[0] if found else folder


def _check_activation(files: ModelFiles) -> None:
    """That the function over the scores is torch's own, and no code that comes with the model.

    The library would take another one instead, and all scores would be on another scale.
    """
    for name, key in _ACTIVATIONS:
        path = _inner_folder(files.folder) / name
        value: Any = _read(path) if path.is_file() else {}
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str) and not value.startswith("torch."):
            raise ModelError(
                f"model '{files.name}' needs code of its own ('{value}'), which is not run: set "
                "'remote_code: true' beside 'model' if you trust whoever wrote it"
            )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        raise ModelError(f"'{path}' is not JSON: the model's folder is damaged") from None

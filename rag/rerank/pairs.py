"""Cross-encoders of the sentence-transformers library: a score for each pair of texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.batching import batches_of_tokens
from rag.errors import ModelError, RequestError
from rag.loading import check_weights
from rag.rerank.folders import inner_folder
from rag.rerank.pair_choice import load_pairs
from rag.runtime.choice import Runtime

if TYPE_CHECKING:
    from rag.cores import Device
    from rag.models import ModelFiles
    from rag.protocols import Scores
    from rag.runtime.processor import Declared

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
    """The cross-encoder of `files`, run as `rag.rerank.pair_choice` chooses.

    Raises ModelError where it cannot be loaded, lacks weights, or needs code of its own and may
    not run it.
    """

    def __init__(
        self,
        files: ModelFiles,
        *,
        runtime: Runtime = "auto",
        dtype: Declared = "auto",
        device: Device = "auto",
        max_tokens: int | None = None,
        label: str | None = None,
        remote_code: bool = False,
    ) -> None:
        self._name = files.name
        check_weights(files)
        if not remote_code:
            _check_activation(files)
        self._backend = load_pairs(files, runtime, dtype, device, remote_code=remote_code)
        self.limit = self._limit(max_tokens)
        self._label = self._labelled(label)

    @property
    def precision(self) -> str:
        """What it computes in: float32, bfloat16, float16 or int8."""
        return self._backend.precision

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """The characters of each token of each text, without special tokens."""
        return self._backend.spans(texts)

    def room(self, question: str) -> int:
        """The tokens of a passage that are read beside `question`."""
        asked = self._backend.length((question, ""), self.limit)
        return max(self.limit - asked, self.limit // _LEAST_SHARE)

    @property
    def batch_tokens(self) -> int:
        """Tokens, padding included, that go through the model together."""
        return _BATCH_TOKENS.get(self._backend.device, _BATCH_TOKENS["cuda"])

    def scores(self, question: str, texts: Sequence[str], lengths: Sequence[int]) -> Scores:
        """The score of each text; `lengths` are about their tokens, and tell what goes together.

        Raises ModelError where a score is no number.
        """
        return self.pair_scores([(question, text) for text in texts], lengths)

    def pair_scores(self, pairs: Sequence[tuple[str, str]], lengths: Sequence[int]) -> Scores:
        """The same for pairs of several questions, each with a text and the text's length."""
        scores = np.empty(len(pairs))
        asked = {one: self.limit - self.room(one) for one in {one for one, _ in pairs}}
        known = [
            min(length + asked[one], self.limit)
            for (one, _), length in zip(pairs, lengths, strict=True)
        ]
        for batch in batches_of_tokens(known, self.batch_tokens):
            scores[batch] = self._run([pairs[at] for at in batch])
        if not np.isfinite(scores).all():
            raise ModelError(
                f"model '{self._name}' gives a score that is no number: with 'dtype: float16' "
                "numbers may grow too large, which they do not with bfloat16"
            )
        return scores

    def _run(self, pairs: list[tuple[str, str]]) -> Scores:
        """One batch."""
        found = self._backend.scores(pairs, self.limit)
        if self._label is None:
            return found[:, 0]
        shares = np.exp(found - found.max(axis=1, keepdims=True))
        scores: Scores = shares[:, self._label] / shares.sum(axis=1)
        return scores

    def _limit(self, given: int | None) -> int:
        # Tokenizers that know no limit say a number beyond all texts.
        declared = int(self._backend.declared or _NO_LENGTH)
        longest = declared if declared < _NO_LENGTH else _DEFAULT_LENGTH
        if given is not None and given > longest:
            raise RequestError(
                f"query.rerank.max_tokens: model '{self._name}' reads {longest} tokens, not {given}"
            )
        return given or longest

    def _labelled(self, label: str | None) -> int | None:
        """The column of `label`; None for models that give one score."""
        named = self._backend.labels
        if not named:
            if label is not None:
                raise RequestError(
                    f"query.rerank.label: model '{self._name}' gives one score, and has no labels"
                )
            return None
        if label is None or label not in named:
            said = f"has no label '{label}'" if label else f"gives {len(named)} scores for a pair"
            raise RequestError(
                f"query.rerank.label: model '{self._name}' {said}: name the label whose "
                f"probability is to be the score, one of {', '.join(named)}"
            )
        return named[label]


def _check_activation(files: ModelFiles) -> None:
    """That the function over the scores is torch's own, and no code that comes with the model.

    The library would take another one instead, and all scores would be on another scale.
    """
    for name, key in _ACTIVATIONS:
        path = inner_folder(files.folder) / name
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

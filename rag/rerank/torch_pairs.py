"""Cross-encoders run by the sentence-transformers library itself, on any device of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError
from rag.loading import check_complete, check_tokenizer, loading
from rag.rerank.first_token import only_first_token
from rag.rerank.folders import inner_folder
from rag.rerank.pair_backend import Pair
from rag.rerank.spans import spans_of

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from rag.models import ModelFiles
    from rag.protocols import Scores


class TorchPairs:
    """See `rag.rerank.pair_backend.PairBackend`. The model is loaded at once."""

    def __init__(
        self, files: ModelFiles, device: str, dtype: str = "float32", *, remote_code: bool = False
    ) -> None:
        self._name = files.name
        self.device = device
        self.precision = dtype
        with loading(files.name):
            self.model = _loaded(files, device, dtype, remote_code=remote_code)
        # The library gives the limit back that it is given.
        self.declared = self.model.max_seq_length

    @property
    def labels(self) -> Mapping[str, int]:
        """The columns of the scores."""
        if self.model.num_labels == 1:
            return {}
        return {str(name): int(at) for at, name in self.model.config.id2label.items()}

    @property
    def prompt(self) -> str:
        """What the model says is to be put before a question."""
        name = self.model.default_prompt_name
        return "" if name is None else self.model.prompts.get(name) or ""

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """The characters of each token."""
        return spans_of(self.model.tokenizer, texts, self._name)

    def length(self, pair: Pair, limit: int) -> int:
        """Tokens of a pair."""
        return int(self.features([pair], limit)["input_ids"].shape[-1])

    def scores(self, pairs: Sequence[Pair], limit: int) -> Scores:
        """One batch, through the same parts as the library's own `predict`."""
        import torch

        model: Any = self.model
        with torch.inference_mode():
            given = {
                name: value.to(self.device) if isinstance(value, torch.Tensor) else value
                for name, value in self.features(pairs, limit).items()
            }
            found = model.activation_fn(model(given)["scores"].float())
        scores: Scores = found.double().reshape(len(pairs), -1).cpu().numpy()
        return scores

    def features(self, pairs: Sequence[Pair], limit: int) -> dict[str, Any]:
        """A batch as the model reads it, with the prompt that the model says is its default."""
        model: Any = self.model
        model.max_seq_length = limit
        features: dict[str, Any] = model.preprocess(list(pairs), prompt=self.prompt or None)
        return features


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
    check_complete(inner, files, inner_folder(files.folder), config=inner.config, **given, **code)
    only_first_token(inner)
    model.eval()
    return model

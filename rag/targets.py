"""T5 models that answer a prompt with one of two words: monoT5, QualT5.

The score is the log-probability of the first word, over the two words alone, at the first step
of the decoder, as Nogueira, Jiang, Pradeep and Lin (2020) have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError
from rag.loading import check_complete, check_kind, check_tokenizer, check_weights, loading

if TYPE_CHECKING:
    from rag.models import ModelFiles
    from rag.protocols import Scores


class TargetModel:
    """The T5 model of `files` on a torch `device`. Raises ModelError where it cannot be loaded."""

    def __init__(self, files: ModelFiles, device: str, dtype: str = "float32") -> None:
        check_weights(files)
        self._files = files
        self.name = files.name
        self._device = device
        self.targets: tuple[int, int] | None = None
        with loading(files.name, own_code=False):
            self._load(dtype)

    def _load(self, dtype: str) -> None:
        import torch
        from transformers import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING as CLASSES
        from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

        folder = str(self._files.folder)
        given = {"dtype": getattr(torch, dtype)}
        # Left out, the library asks on standard output whether to run a model's own code.
        safe = {"local_files_only": True, "trust_remote_code": False}
        # Of such a model the tokenizer fails first, for a reason that explains nothing.
        config = AutoConfig.from_pretrained(folder, **safe)
        check_kind(config, self.name, CLASSES, "a sequence-to-sequence model, such as T5")
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, **safe)
        check_tokenizer(self.tokenizer, self._files)
        model: Any = AutoModelForSeq2SeqLM.from_pretrained(
            folder, use_safetensors=True, **safe, **given
        )
        check_complete(model, self._files, self._files.folder, **given)
        self._model: Any = model.to(self._device).eval()

    @property
    def declared(self) -> tuple[str, str] | None:
        """The two words that the model's own configuration names."""
        words = getattr(self._model.config, "targets", None)
        return None if not words else (str(words[0]), str(words[1]))

    def choose(self, first: int, second: int) -> None:
        """Take two tokens as the words. Raises ModelError where they are the same."""
        if first == second:
            raise ModelError(f"the model '{self.name}' does not tell its two target words apart")
        self.targets = first, second

    def log_first(self, prompts: Sequence[Sequence[int]]) -> Scores:
        """For each of `prompts`, token numbers, the logarithm of the first word's probability."""
        import torch

        longest = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[*one, *[pad] * (longest - len(one))] for one in prompts])
        mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in prompts])
        start = torch.full((len(prompts), 1), self._model.config.decoder_start_token_id)
        with torch.inference_mode():
            logits = self._model(
                input_ids=ids.to(self._device),
                attention_mask=mask.to(self._device),
                decoder_input_ids=start.to(self._device),
            ).logits[:, 0, list(self.targets or ())]
        scores: Scores = torch.log_softmax(logits.double(), dim=1)[:, 0].cpu().numpy()
        return scores

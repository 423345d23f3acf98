"""monoT5's prompt, its two words, and where a passage is cut that is too long for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.batching import batches_of_tokens
from rag.errors import ModelError
from rag.models import ModelFiles
from rag.protocols import Scores
from rag.rerank.families import ENGLISH, targets_of
from rag.rerank.spans import spans_of
from rag.rerank.windows import cut
from rag.targets import TargetModel

PROMPT = "Query: {question} Document: {document} Relevant:"
# Tokens, padding included, that go through the model together.
_BATCH_TOKENS = {"cpu": 4_096, "cuda": 65_536}
# How sentencepiece writes the space before a word.
_SPACE = "\u2581"


class PromptedModel(TargetModel):
    """The T5 model of `files`, asked whether a document is relevant to a question."""

    def __init__(
        self,
        files: ModelFiles,
        device: str,
        dtype: str,
        max_tokens: int,
        targets: Sequence[str] | None,
    ) -> None:
        super().__init__(files, device, dtype)
        self._max_tokens = max_tokens
        self._budget = _BATCH_TOKENS.get(device, _BATCH_TOKENS["cuda"])
        given = None if targets is None else (targets[0], targets[1])
        words = given or self.declared or targets_of(files.name) or ENGLISH
        self.choose(self._token(words[0]), self._token(words[1]))

    def prompts(
        self, question: str, documents: Sequence[str], overlap: int | None
    ) -> list[list[list[int]]]:
        """Token numbers of each document's prompts: one, or several where it is too long.

        Windows share `overlap` tokens; without it only the first one is made.
        """
        asked = self._shortened(question)
        whole = self._encoded([_prompt(asked, document) for document in documents])
        return [
            [tokens] if len(tokens) <= self._max_tokens else self._cut(asked, document, overlap)
            for tokens, document in zip(whole, documents, strict=True)
        ]

    def scores(self, prompts: Sequence[Sequence[int]]) -> Scores:
        """The score of each prompt. Raises ModelError where one is no number."""
        scores = np.empty(len(prompts))
        for batch in batches_of_tokens([len(one) for one in prompts], self._budget):
            scores[batch] = self.log_first([prompts[one] for one in batch])
        if not np.isfinite(scores).all():
            raise ModelError(f"model '{self.name}' gives a score that is no number")
        return scores

    def _cut(self, question: str, document: str, overlap: int | None) -> list[list[int]]:
        spans = self._spans(document)
        room = self._max_tokens - len(self._encoded([_prompt(question, "")])[0])
        while True:
            parts = cut(document, spans, room, overlap or 0)
            prompts = self._encoded(
                [_prompt(question, part) for part in (parts if overlap is not None else parts[:1])]
            )
            over = max(map(len, prompts)) - self._max_tokens
            if over <= 0 or room == 1:
                return prompts
            # A part may have more tokens than it had within the whole.
            room = max(room - over, 1)

    def _shortened(self, question: str) -> str:
        """The question, or so much of it that it takes no more than a third of the prompt."""
        spans = self._spans(question)
        third = self._max_tokens // 3
        return question if len(spans) <= third else question[: spans[third - 1][1]]

    def _encoded(self, texts: list[str]) -> list[list[int]]:
        found: list[list[int]] = self.tokenizer(texts, verbose=False).input_ids
        return found

    def _spans(self, text: str) -> list[tuple[int, int]]:
        return spans_of(self.tokenizer, [text], self.name)[0]

    def _token(self, word: str) -> int:
        """The single token that `word` is. Raises ModelError where there is none."""
        vocabulary = self.tokenizer.get_vocab()
        for piece in (_SPACE + word, word):
            if piece in vocabulary:
                return int(vocabulary[piece])
        raise ModelError(
            f"the word '{word}' is no single token of model '{self.name}': set 'targets' to the "
            "two words that it was taught, the one for a relevant passage first"
        )


def _prompt(question: str, document: str) -> str:
    return PROMPT.format(question=question, document=document)

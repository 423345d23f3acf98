"""What each kind of component promises. The laws are tests in `rag.testing`.

A component's keyword-only `__init__` is the schema of its options in a pipeline file;
what it works on is passed to its methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from rag.types import (
    Answer,
    Delta,
    Document,
    Failure,
    Filter,
    Hit,
    Item,
    Message,
    Passage,
    Query,
    Reply,
    Variant,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# As text: numpy takes longer to import than `rag status` takes.
Vectors: TypeAlias = "NDArray[np.float32]"
Ids: TypeAlias = "NDArray[np.int64]"
Scores: TypeAlias = "NDArray[np.float64]"
Ranked: TypeAlias = Sequence[tuple[Passage, float]]
"""Passages with their scores."""
LexicalEntry: TypeAlias = tuple[int, int, Sequence[str]]
"""A passage's row, its document's row, and its index terms."""


@runtime_checkable
class Connector(Protocol):
    """Lists the items of one source. Order is stable, ids are unique; a bad item is a Failure."""

    def items(self) -> Iterator[Item | Failure]:
        """Every item of the source, not yet read."""
        ...

    def covers(self, source: str) -> bool:
        """Whether `source` would be listed here if it existed: unlisted means removed."""
        ...


class Tokenizer(Protocol):
    """Counts text as the encoder will."""

    @property
    def limit(self) -> int:
        """The most tokens of a passage's text that the encoder reads."""
        ...

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token, ascending; special tokens are left out."""
        ...


@runtime_checkable
class CountingTokenizer(Tokenizer, Protocol):
    """A tokenizer that counts at less cost than it finds spans."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """The number of spans of each text."""
        ...


@runtime_checkable
class Chunker(Protocol):
    """Cuts a document. Spans ascend, cover all non-space text, and fit the tokenizer's limit."""

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The passages of `document`, in order."""
        ...


@runtime_checkable
class ContextualChunker(Chunker, Protocol):
    """A chunker whose passages get their vectors from the whole document (late chunking)."""

    def encode(
        self, cut: Sequence[tuple[Document, Sequence[Passage]]], encoder: Encoder
    ) -> Iterator[Vectors]:
        """For each document float32 `(len(passages), dimension)`, rows of length one.

        A document's vectors have the same bits whatever other documents are encoded with it.
        Raises RequestError where `encoder` gives no vectors of tokens.
        """
        ...


class Collection(Protocol):
    """Every passage that could be in the index, in order of document and place.

    It can be gone through many times, and is never held in memory as a whole.
    """

    def __len__(self) -> int: ...

    def passages(self) -> Iterator[Passage]:
        """The passages."""
        ...

    def vectors(self) -> Iterator[Vectors]:
        """Their vectors in blocks `(n, dimension)`, in the same order.

        Only a pruner that says `needs_vectors` may ask for them.
        """
        ...

    def scores(
        self, fingerprint: str, score: Callable[[Sequence[Passage]], Sequence[float]]
    ) -> Scores:
        """`score` of every passage, float64 `(n,)`, asked once for each text and then kept.

        For a model that looks at one passage at a time; `fingerprint` says which model.
        """
        ...


@dataclass(frozen=True, slots=True)
class Quality:
    """What a pruner thinks of a collection's passages.

    `scores` are float64 `(n,)`, finite, higher for what is more worth finding; `why` tells in
    a few words what is wrong with the passage at a position.
    """

    scores: Scores
    why: Callable[[int], str]


@runtime_checkable
class Pruner(Protocol):
    """Judges passages before they are indexed. The indexer drops the worst, and reports each.

    Scores depend on what is in the collection, and not on how it came there. A class attribute
    `threshold` is the `min_quality` of a pipeline that does not say how much to drop.
    """

    @property
    def needs_vectors(self) -> bool:
        """Whether passages have to be encoded before they can be judged."""
        ...

    def judge(self, collection: Collection) -> Quality:
        """The quality of every passage."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Texts to unit vectors; batch size and order do not change a vector."""

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for encoders whose vectors may be compared: weights, pooling, prompts, length."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of passages."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The same for questions, with their prompt."""
        ...


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of a text as an encoder's last layer has them.

    `vectors` is float32 `(n, dimension)`, as they are before pooling; `spans` has the
    characters of each token, and `(0, 0)` for special tokens, which pooling counts too.
    """

    vectors: Vectors
    spans: Sequence[tuple[int, int]]

    def standing(self) -> tuple[Vectors, list[tuple[int, int]]]:
        """The tokens that stand in the text, rows of length one, with their spans.

        All of them where none does.
        """
        import numpy as np

        at = [row for row, (start, end) in enumerate(self.spans) if end > start]
        at = at or list(range(len(self.spans)))
        rows = self.vectors[at]
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        scaled: Vectors = rows / np.maximum(norms, np.finfo(np.float32).tiny)
        return scaled, [self.spans[row] for row in at]


@runtime_checkable
class TokenEncoder(Encoder, Protocol):
    """An encoder whose vector of a text is made of the mean of its tokens' vectors."""

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Tokens of passages; what is beyond the encoder's limit is cut off.

        Batch size and order do not change a vector.
        """
        ...

    def encode_query_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """The same for questions, with their prompt."""
        ...

    def pooled(self, means: Vectors) -> Vectors:
        """What follows the mean: `(n, dimension)` to rows of length one."""
        ...


@runtime_checkable
class LexicalIndex(Protocol):
    """One opened generation of a lexical index; rows are the store's passage numbers."""

    def __len__(self) -> int: ...

    def rows(self) -> Ids:
        """Every passage number in the index, ascending."""
        ...

    def search(
        self, terms: Mapping[str, float], k: int, documents: Ids | None = None
    ) -> list[tuple[int, float]]:
        """The `k` best `(row, score)` for weighted terms, within `documents` where given.

        Scores descend. Rows that tie with the last are all given, so that the caller, who
        knows the passages, can cut among them.
        """
        ...

    def idf(self, term: str) -> float:
        """Inverse document frequency of an analysed term."""
        ...


@runtime_checkable
class LexicalEngine(Protocol):
    """Builds and opens generations of a lexical index, each a folder that never changes again."""

    @property
    def language(self) -> str:
        """Language of all text (ISO 639-1), or "auto" to detect each document's."""
        ...

    def update(
        self,
        old: Path | None,
        new: Path,
        deleted: Ids,
        added: Iterable[LexicalEntry],
    ) -> None:
        """Make folder `new`: the generation in `old`, less `deleted` rows, plus `added`."""
        ...

    def open(self, folder: Path) -> LexicalIndex:
        """Open a generation without rebuilding it."""
        ...


class View(Protocol):
    """One published state of an index, as retrievers and answerers read it.

    The passages that it finds may be read when they are looked at, while the view is open.
    """

    @property
    def encoder(self) -> Encoder | None:
        """The encoder that made the index's vectors; None where it has none."""
        ...

    def document(self, document_id: str) -> Document | None:
        """An indexed document, whole."""
        ...

    def lexical(self, texts: Sequence[Variant], k: int, filters: Sequence[Filter] = ()) -> Ranked:
        """BM25's `k` best passages for weighted texts; filters hold before the cut."""
        ...

    def dense(self, vector: Vectors, k: int, filters: Sequence[Filter] = ()) -> Ranked:
        """The `k` passages nearest to a unit vector `(dimension,)`; filters hold before the cut."""
        ...

    def vectors(self, passages: Sequence[Passage]) -> Vectors:
        """Stored vectors, float32 `(len(passages), dimension)`, rows of length one."""
        ...

    def contributions(
        self, texts: Sequence[Variant], passages: Sequence[Passage]
    ) -> list[Mapping[str, float]]:
        """For each passage what each analysed term of weighted texts adds to its BM25 score.

        Terms that a passage has not are left out.
        """
        ...

    def terms(self, text: str) -> list[str]:
        """`text` as the lexical index analyses it."""
        ...

    def idf(self, term: str) -> float:
        """Inverse document frequency of an analysed term."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """Finds passages: scores descend, ties by passage, at most k, filters before the cut."""

    def retrieve(self, query: Query, view: View) -> Ranked:
        """The best passages for `query` with their scores."""
        ...


@runtime_checkable
class Fuser(Protocol):
    """Makes one list of several: independent of the order within equal scores."""

    def fuse(self, arms: Sequence[Sequence[Hit]]) -> Ranked:
        """Every passage of any arm, once, with its fused score; best first, ties by passage."""
        ...


@runtime_checkable
class Rewriter(Protocol):
    """Adds to a query: variants, hypotheses, examples. The original text is always kept."""

    def rewrite(self, query: Query, view: View) -> Query:
        """`query` with additions. May raise: the pipeline then goes on with the original."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Scores passages against a question. The pipeline moves the hits, so none is lost."""

    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        """One finite score for each passage, in order; higher is better; batches do not matter.

        Unless passages are judged against each other: then a score is for these alone. Raises
        ChatError where a chat model does not answer: the pipeline then leaves hits as they were.
        """
        ...


@runtime_checkable
class Selector(Protocol):
    """Chooses and orders hits among themselves: invents none, and changes no passage."""

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        """Hits out of `hits`, best first; what is left out is left out of the result."""
        ...


@runtime_checkable
class ChatModel(Protocol):
    """A language model that answers messages. Threads may share one."""

    @property
    def fingerprint(self) -> str:
        """Equal for models that may be taken to answer alike: provider, model, settings."""
        ...

    def reply(self, messages: Sequence[Message], seconds: float | None = None) -> Reply:
        """The answer, asked for once, within so many `seconds`.

        Raises ChatError, which says whether it is worth asking again.
        """
        ...


@runtime_checkable
class StreamingModel(ChatModel, Protocol):
    """A chat model that tells its reply while it is made."""

    def stream(self, messages: Sequence[Message], seconds: float | None = None) -> Iterator[str]:
        """The pieces of the reply, none of them empty, the last one within so many `seconds`.

        Raises ChatError, also after some pieces, where the reply is not whole.
        """
        ...


@runtime_checkable
class ChoiceModel(ChatModel, Protocol):
    """A chat model that gives `Reply.choices` only where it is asked for them."""

    def reply_with_choices(
        self, messages: Sequence[Message], seconds: float | None = None
    ) -> Reply:
        """The same as `reply`, with the choices where the server tells them."""
        ...


@runtime_checkable
class Expander(Protocol):
    """Grows a passage that was found, for whoever reads it; the pipeline merges what then overlaps.

    What is found stays as it was: an expander chooses no passages and gives no scores.
    """

    def expand(self, passage: Passage, document: Document) -> tuple[int, int]:
        """A span of `document` that holds the passage's own: `(start, end)` in characters."""
        ...


@runtime_checkable
class Answerer(Protocol):
    """Answers from hits: every citation quotes its document; abstains rather than invents."""

    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        """The answer, or an abstention."""
        ...


@runtime_checkable
class StreamingAnswerer(Answerer, Protocol):
    """An answerer that tells its answer while it is made."""

    def stream(self, query: Query, hits: Sequence[Hit], view: View) -> Iterator[Delta | Answer]:
        """The answer's text in pieces, and then the answer, whose text they make together."""
        ...


Outcome: TypeAlias = Literal["hit", "explored", "miss"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question without history, as a cache of answers takes it.

    Answers are good for the same `filters` (as text), the same `space`, which stands for the
    pipeline and its models, and the same `scope`, which stands for one published state of the
    index. `encode` gives the unit vector `(dimension,)` of a question.
    """

    text: str
    filters: str
    space: str
    scope: str
    encode: Callable[[str], Vectors]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a cache found: a hit has the `answer`; what is explored is answered for real as well.

    `told` says so in a few words. `entry` is the cache's own number of the question that was
    nearest, `risk` the probability that its answer is wrong for this one.
    """

    outcome: Outcome
    told: str
    answer: Answer | None = None
    vector: Vectors | None = None
    entry: int | None = None
    similarity: float = 1.0
    risk: float = 0.0


@runtime_checkable
class AnswerCache(Protocol):
    """Keeps answers and gives them again. Threads and processes may share one.

    Nothing kept for one `space`, `scope` or `filters` is ever given for another.
    """

    def look(self, asked: Asked) -> Looked:
        """Whether there is an answer to give."""
        ...

    def keep(self, asked: Asked, looked: Looked, answer: Answer) -> str:
        """Keep an answer that was given for real, after `looked`; what was done, in a few words."""
        ...

    def judge(self, asked: Asked, right: bool) -> bool:
        """Learn whether what was said to a question is right; False where it is not known.

        Raises StoreError where it cannot be written.
        """
        ...

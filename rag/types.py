"""The vocabulary: every noun that crosses a protocol, frozen and slotted.

`docs/architecture.md` shows the same model as a table. Offsets are always positions of
Python characters (code points) in `Document.text`, end exclusive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

BlockKind: TypeAlias = Literal["heading", "paragraph", "list", "table", "code"]
Scalar: TypeAlias = str | int | float | bool
Metadata: TypeAlias = Mapping[str, Scalar]
Arms: TypeAlias = Literal["all", "lexical", "dense"]
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "~"]

NO_METADATA: Metadata = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Block:
    """A span of a document with its kind and its place.

    `page` counts from 1, as people do; `headings` is the path of headings above the block,
    outermost first. A heading block's own text is the last element of its path. `place` is
    where a person would look when it is no page: `slide 3`, `sheet Budget`, `class Walk`,
    `00:01:23`. `row` is the number of a table's row, as its program shows it, where the block
    is one row. `header` is the names of a table's columns as one line, said again where the
    table is cut.
    """

    start: int
    end: int
    kind: BlockKind = "paragraph"
    page: int | None = None
    headings: tuple[str, ...] = ()
    place: str = ""
    row: int | None = None
    header: str = ""

    @property
    def record(self) -> tuple[object, ...]:
        """Its fields in order, as plain data."""
        return (
            self.start, self.end, self.kind, self.page, self.headings, self.place, self.row,
            self.header,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """One item of a source: its readable text and what is known about it.

    `id` is stable for its source; `source` is what a person would open.
    Blocks ascend and do not overlap.
    """

    id: str
    source: str
    text: str
    title: str = ""
    blocks: tuple[Block, ...] = ()
    metadata: Metadata = field(default_factory=lambda: NO_METADATA)

    @property
    def content_hash(self) -> str:
        """A digest (BLAKE2b) of all that indexing reads but the source, so that a move keeps it."""
        places = [block.record for block in self.blocks]
        record = [self.title, self.text, places, sorted(self.metadata.items())]
        encoded = json.dumps(record, ensure_ascii=True, separators=(",", ":"))
        return hashlib.blake2b(encoded.encode("ascii"), digest_size=32).hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """A document not yet read. `version` changes whenever its bytes may have changed.

    An empty version says that this cannot be told yet: the document is read each time.
    `load` may be called from any thread; it raises DocumentError. `size` is in bytes, where it
    is known before reading.
    """

    id: str
    source: str
    version: str
    load: Callable[[], Document]
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be read: where, and one line that says why and what to do."""

    source: str
    error: str


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit that is indexed, retrieved and cited: `document.text[start:end] == text`.

    `context` is what the encoder and BM25 read before the text, such as its headings.
    """

    document_id: str
    start: int
    end: int
    text: str
    source: str = ""
    title: str = ""
    page: int | None = None
    headings: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=lambda: NO_METADATA)
    context: str = ""
    place: str = ""

    @property
    def indexed(self) -> str:
        """The text with its context: what is encoded and counted."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def id(self) -> str:
        """Made of the document's id and the span: the same wherever and whenever it is built."""
        return f"{self.document_id}#{self.start}-{self.end}"

    @property
    def order(self) -> tuple[str, int, int]:
        """How passages with equal scores are ordered."""
        return (self.document_id, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Condition:
    """One test on a document's metadata, or on its `id`, `source`, `title` or `language`."""

    key: str
    operator: Operator
    value: Scalar


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every part holds; without parts it always does."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one part holds; without parts it never does."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not."""

    part: Filter


Filter: TypeAlias = Condition | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Variant:
    """A rewrite of the question, with its weight beside the original's 1.0.

    `arms` says which retrievers read it: a list of terms is nothing for an encoder. `by` is the
    rewriter that made it.
    """

    text: str
    weight: float = 1.0
    by: str = ""
    arms: Arms = "all"

    @property
    def is_term(self) -> bool:
        """Whether it is one word for the lexical arm, as feedback gives them."""
        return self.arms == "lexical" and len(self.text.split()) == 1


@dataclass(frozen=True, slots=True)
class Example:
    """A passage of the index that is taken to answer the question, with its weight."""

    passage: Passage
    weight: float = 1.0
    by: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


# Characters of a question that are taken: more is a document, and somebody waits for the answer.
MAX_QUESTION = 20_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a chat model."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a chat model answered.

    `choices` has, for each token of the text where the model tells it, the probabilities of the
    tokens that could have stood there, natural logarithms.
    """

    text: str
    choices: tuple[Mapping[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: the text, and what rewriters and the caller add to it.

    `filters` must all hold. `variants` are rewrites of the text. `hypotheses` are passages that
    might answer it (HyDE) and `examples` passages of the index that seem to; both are used by
    the dense arm alone, where the text itself has `dense_weight`. `standalone` is the question
    with what it left to the history put into words.
    """

    text: str
    filters: tuple[Filter, ...] = ()
    history: tuple[Turn, ...] = ()
    variants: tuple[Variant, ...] = ()
    hypotheses: tuple[Variant, ...] = ()
    examples: tuple[Example, ...] = ()
    standalone: str = ""
    dense_weight: float = 1.0

    @property
    def asked(self) -> str:
        """The question as somebody understands it who has not seen the history."""
        return self.standalone or self.text


@dataclass(frozen=True, slots=True)
class StageScore:
    """Where a stage placed a hit: rank from 1, and the stage's own score."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found, with what every stage so far said of it.

    `found` are the passages as they were retrieved, best first, where a stage made a longer one
    of them; otherwise it is empty.
    """

    passage: Passage
    score: float
    stages: Mapping[str, StageScore] = field(default_factory=lambda: MappingProxyType({}))
    found: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What a stage of the pipeline did: `hits` is how many it left, `notes` what is to be told.

    `stage` is the key of the pipeline file, `uses` the names of the stage's components;
    `started` is when it began, in seconds since 1970 (UTC). A stage that `failed` left
    everything as it was.
    """

    stage: str
    uses: tuple[str, ...]
    seconds: float
    hits: int
    notes: tuple[str, ...] = ()
    started: float = 0.0
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """Hits, best first. What a stage left alone keeps an earlier stage's score.

    `steps` are the stages that it went through.
    """

    query: Query
    hits: tuple[Hit, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and where it stands: `document.text[start:end] == quote`.

    `stale` says in a few words why the source may say something else by now: it changed since it
    was indexed, is gone, or could not be read again. It is empty where nothing tells so.
    """

    document_id: str
    source: str
    start: int
    end: int
    quote: str
    title: str = ""
    page: int | None = None
    headings: tuple[str, ...] = ()
    place: str = ""
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, `answer.text[start:end]`, and how well it is supported.

    `citations` are positions in `answer.citations`, from 0. `support` is from 0 to 1, and what is
    not `supported` is under the answerer's threshold; `why` says in a few words what is wrong.
    """

    start: int
    end: int
    citations: tuple[int, ...] = ()
    support: float = 1.0
    supported: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question, with its evidence; `abstained` means there was none.

    `statements` are its sentences, in order, each with its citations. `[1]` in the text of a chat
    model's answer is the first citation.
    `score` is the answerer's own confidence, in the unit that its threshold uses; `hits` is
    what was looked at. `query` is the question as rewriters left it, and `steps` are the stages
    that led here, answering included; two answers are equal whatever led to them.
    """

    question: str
    text: str
    abstained: bool
    citations: tuple[Citation, ...] = ()
    statements: tuple[Statement, ...] = ()
    score: float = 0.0
    seconds: float = 0.0
    hits: tuple[Hit, ...] = ()
    query: Query | None = field(default=None, compare=False)
    steps: tuple[Step, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of an answer's text, while it is made."""

    text: str


Event: TypeAlias = Ranking | Delta | Answer
"""What a streamed answer is told in: what was found, its text piece by piece, and then all of it.

The pieces together are the answer's text.
"""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question of a batch that could not be answered, and one line that says why."""

    question: str
    error: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A passage that a pruner keeps out of the index, and why."""

    passage: Passage
    score: float
    reason: str

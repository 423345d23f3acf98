"""The peers there are."""

from __future__ import annotations

from benchmarks.peers.peer import HERE, Peer
from benchmarks.timing import COMMAND

OURS = Peer(
    "ragline",
    "ragline",
    HERE / "with_ragline.py",
    vectors="cache",
    cold=(COMMAND, "search"),
    options={"preset": "hybrid"},
)
# Makes the vectors that the others are given where theirs are not timed.
ENCODER = Peer("encoder", "sentence-transformers", HERE / "with_sentence_transformers.py")


def _other(name: str, title: str) -> Peer:
    return Peer(name, title, HERE / f"with_{name}.py", HERE / f"requirements-{name}.txt")


PEERS = (
    OURS,
    _other("langchain", "LangChain"),
    _other("llamaindex", "LlamaIndex"),
    _other("haystack", "Haystack"),
    Peer(
        "txtai",
        "txtai",
        HERE / "with_txtai.py",
        HERE / "requirements-txtai.txt",
        # It reads twice as much of a text.
        vectors="own",
    ),
    _other("assembly", "by hand"),
)

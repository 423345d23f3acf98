"""What a peer is told to do, and how it answers: every `with_*.py` beside this file is run so.

The one argument is a JSON file that names the phase. What is found goes to the JSON file named
there; standard output carries the first result of a cold start, and nothing else. Nothing here
needs more than the standard library before a phase needs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

Search = Callable[[str], Sequence[str]]
"""From a question to ids of documents, best first."""
Encode = Callable[[list[str]], Any]

_WARM_UP = "The model is loaded before the clock starts."
_ASIDE = "In other words:"


class Embedding:
    """Counts the seconds spent in a model, and gives vectors that are known already.

    `known` is a file written by the phase `vectors`; None means that all are made.
    """

    def __init__(self, known: str | None) -> None:
        self.seconds = 0.0
        self.made = 0
        self.questions: list[float] = []
        self._rows: dict[str, int] = {}
        self._vectors: Any = None
        if known is not None:
            import numpy as np

            with np.load(known) as file:
                self._rows = {key: row for row, key in enumerate(file["keys"].tolist())}
                self._vectors = file["vectors"]

    def passages(self, texts: Sequence[str], encode: Encode) -> Any:
        """float32 `(len(texts), dimension)`; `encode` is called for what is not known."""
        import numpy as np

        keys = [key(text) for text in texts]
        missing = [i for i, one in enumerate(keys) if one not in self._rows]
        start = time.perf_counter()
        made = np.asarray(encode([texts[i] for i in missing]), np.float32) if missing else None
        self.seconds += time.perf_counter() - start
        self.made += len(missing)
        if made is not None and len(missing) == len(texts):
            return made
        rows = [self._rows.get(one, 0) for one in keys]
        vectors = self._vectors[rows]
        if made is not None:
            vectors[missing] = made
        return vectors

    def question(self, encode: Callable[[], Any]) -> Any:
        """What `encode` gives, timed as a question."""
        start = time.perf_counter()
        vector = encode()
        self.questions.append(time.perf_counter() - start)
        return vector


def key(text: str) -> str:
    """What a text's vector is found by."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


class Library(Protocol):
    """A peer, as its script makes it."""

    def __init__(self, given: Mapping[str, Any], embedding: Embedding) -> None: ...

    def load(self) -> None:
        """Import what indexing needs, and load the model."""

    def encode(self, texts: list[str]) -> Any:
        """The vectors of texts as the library's defaults make them."""

    def build(self, documents: Path, index: Path) -> None:
        """Index a folder of text files, and save all that a later process needs."""

    def again(self, documents: Path, index: Path) -> int:
        """Index the same folder again in a new process; how many documents needed work."""

    def open(self, index: Path) -> Mapping[str, Search]:
        """Searches by mode: `hybrid`, `dense`, `bm25`. The model may load when it is needed."""


def read_texts(documents: Path) -> dict[str, str]:
    """Text by document id, which is the file's stem, in the order of names."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(documents.iterdir())}


def main(library: Callable[..., Any]) -> None:
    """Do what the argument file says with a `Library`, or the part of one that it needs."""
    results = os.dup(1)
    os.dup2(2, 1)
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    embedding = Embedding(given.get("vectors"))
    found = _PHASES[given["phase"]](library(given, embedding), embedding, given, results)
    found["peak_bytes"] = _peak()
    Path(given["result"]).write_text(json.dumps(found), encoding="utf-8")


def _index(
    library: Library, embedding: Embedding, given: Mapping[str, Any], _: int
) -> dict[str, Any]:
    library.load()
    library.encode([_WARM_UP])
    embedding.seconds, embedding.made = 0.0, 0
    start = time.perf_counter()
    library.build(Path(given["documents"]), Path(given["index"]))
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "embedding_seconds": embedding.seconds,
        "embedded": embedding.made,
    }


def _again(
    library: Library, embedding: Embedding, given: Mapping[str, Any], _: int
) -> dict[str, Any]:
    worked_on = library.again(Path(given["documents"]), Path(given["index"]))
    return {"worked_on": worked_on, "embedded": embedding.made}


def _query(
    library: Library, embedding: Embedding, given: Mapping[str, Any], _: int
) -> dict[str, Any]:
    """Time and find: every question in every mode, after some that are not counted."""
    questions: Mapping[str, str] = given["questions"]
    searches = library.open(Path(given["index"]))
    found: dict[str, Any] = {}
    for mode in given["modes"]:
        if mode not in searches:
            continue
        for text in list(questions.values())[: given["warm_up"]]:
            # Not what is timed after it: a library may keep what it was asked.
            searches[mode](f"{_ASIDE} {text}")
        embedding.questions.clear()
        seconds, run = [], {}
        for question, text in questions.items():
            start = time.perf_counter()
            documents = searches[mode](text)
            seconds.append(time.perf_counter() - start)
            run[question] = list(dict.fromkeys(documents))[: given["depth"]]
        found[mode] = {"seconds": seconds, "run": run, "embedding": list(embedding.questions)}
    return {"modes": found}


def _cold(
    library: Library, embedding: Embedding, given: Mapping[str, Any], results: int
) -> dict[str, Any]:
    documents = library.open(Path(given["index"]))["hybrid"](given["question"])
    os.write(results, f"{documents[0]}\n".encode())
    return {"first": documents[0]}


def _vectors(
    library: Library, embedding: Embedding, given: Mapping[str, Any], _: int
) -> dict[str, Any]:
    """Make the file of vectors that `Embedding` reads."""
    import numpy as np

    texts = list(read_texts(Path(given["documents"])).values())
    library.load()
    start = time.perf_counter()
    vectors = np.asarray(library.encode(texts), np.float32)
    with Path(given["file"]).open("wb") as file:
        np.savez(file, keys=np.array([key(text) for text in texts]), vectors=vectors)
    return {"seconds": time.perf_counter() - start, "embedded": len(texts)}


def _peak() -> int:
    """Most memory this process has held, in bytes, without what its parent held before it."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


_PHASES: Mapping[str, Callable[..., dict[str, Any]]] = {
    "index": _index,
    "again": _again,
    "query": _query,
    "cold": _cold,
    "vectors": _vectors,
}

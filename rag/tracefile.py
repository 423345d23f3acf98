"""What a question went through, as JSON.

One object:

- `version`: 1; fields may be added without a new one
- `kind`: `search`, `ask` or `explain`
- `question`, and `standalone`: the question made to be understood alone, or null
- `pipeline`: its name
- `filters`: each as the expression that states it
- `history`: earlier turns, `{role, text}`
- `variants` and `hypotheses`: `{text, weight, by, arms}`, where `by` is the rewriter and `arms`
  one of `all`, `lexical` and `dense`; `examples`: `{passage, weight, by}`
- `dense_weight`: what the question itself weighs in the dense arm
- `seconds`: of all stages together
- `steps`: `{stage, uses, started, seconds, hits, notes, failed}`; `started` is a time in ISO 8601
  (UTC), `hits` how many the stage left, `notes` what was worth telling; a stage that `failed` left
  everything as it was
- `hits`: `{rank, score, document, source, start, end, page, place, headings, text, stages}`;
  `stages` has `{rank, score}` by component. Passages are named `DOCUMENT#START-END`.

With `ask` it has `answer`: `{text, abstained, score, citations}`, where a citation is
`{document, source, start, end, quote}`. With `explain` each step has its `ranking`,
`{rank, passage, score}`; each hit has `moves` `{stage, name, rank, moved, score}`, `terms`
`{term, word, score}` and `found_by` `{arm, kind, text, by, rank, score}`; and `expected` has what
became of documents: `{source, document, error, near, filtered, passages}`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal, TypeAlias

from rag.errors import RequestError
from rag.stating import stated
from rag.types import Answer, Hit, Query, Ranking, Step

VERSION = 1
Kind: TypeAlias = Literal["search", "ask", "explain"]


def trace(
    kind: Kind, query: Query, steps: Sequence[Step], hits: Sequence[Hit], pipeline: str
) -> dict[str, Any]:
    """The trace of a question as plain data."""
    return {
        "version": VERSION,
        "kind": kind,
        "question": query.text,
        "pipeline": pipeline,
        **additions(query),
        "seconds": sum(step.seconds for step in steps),
        "steps": [step_dict(step) for step in steps],
        "hits": [hit_dict(rank, hit) for rank, hit in enumerate(hits, 1)],
    }


def search_trace(ranking: Ranking, pipeline: str) -> dict[str, Any]:
    """The trace of a search."""
    return trace("search", ranking.query, ranking.steps, ranking.hits, pipeline)


def answer_trace(answer: Answer, pipeline: str) -> dict[str, Any]:
    """The trace of an answer as `Rag.ask` gives it."""
    query = answer.query or Query(answer.question)
    return {
        **trace("ask", query, answer.steps, answer.hits, pipeline),
        "answer": {
            "text": answer.text,
            "abstained": answer.abstained,
            "score": answer.score,
            "citations": [
                {
                    "document": one.document_id,
                    "source": one.source,
                    "start": one.start,
                    "end": one.end,
                    "quote": one.quote,
                }
                for one in answer.citations
            ],
        },
    }


def additions(query: Query) -> dict[str, Any]:
    """What the caller and rewriters added to a question."""
    return {
        "standalone": query.standalone or None,
        "filters": [stated(one) for one in query.filters],
        "history": [asdict(turn) for turn in query.history],
        "variants": [asdict(one) for one in query.variants],
        "hypotheses": [asdict(one) for one in query.hypotheses],
        "examples": [
            {"passage": one.passage.id, "weight": one.weight, "by": one.by}
            for one in query.examples
        ],
        "dense_weight": query.dense_weight,
    }


def step_dict(step: Step) -> dict[str, Any]:
    """A step as a trace has it."""
    return {
        "stage": step.stage,
        "uses": list(step.uses),
        "started": datetime.fromtimestamp(step.started, UTC).isoformat(timespec="milliseconds"),
        "seconds": step.seconds,
        "hits": step.hits,
        "notes": list(step.notes),
        "failed": step.failed,
    }


def hit_dict(rank: int, hit: Hit) -> dict[str, Any]:
    """A hit as a trace has it."""
    passage = hit.passage
    found = [{"start": one.start, "end": one.end} for one in hit.found]
    return {
        "rank": rank,
        "score": hit.score,
        "document": passage.document_id,
        "source": passage.source,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "place": passage.place,
        "headings": list(passage.headings),
        "text": passage.text,
        "stages": {name: asdict(score) for name, score in hit.stages.items()},
        **({"found": found} if found else {}),
    }


def check_target(path: Path, what: str = "the trace") -> None:
    """Raise RequestError where `what` cannot be written to `path`, before anything is asked."""
    if path.is_dir():
        raise RequestError(f"{path}: it is a folder: name a file for {what}")
    special = path.absolute().parts[1:2] in {("dev",), ("proc",)}
    if special or (path.exists() and not path.is_file()):
        raise RequestError(f"{path}: it is no ordinary file: name one for {what}")
    if not path.absolute().parent.is_dir():
        raise RequestError(f"{path}: there is no folder '{path.parent}': make it first")


def write_trace(path: Path, shape: Mapping[str, Any]) -> None:
    """Write a trace whole, or leave what was there. Raises RequestError where that fails."""
    check_target(path)
    # ASCII, so that half a surrogate pair in a document does no harm.
    content = json.dumps(_finite(shape), indent=2, allow_nan=False) + "\n"
    try:
        write_whole(path, content.encode("ascii"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"{path}: the trace cannot be written: {reason}") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there. Raises OSError."""
    whole = path.resolve()
    draft = whole.with_name(f".draft-{token_hex(8)}")
    try:
        # A link that somebody put there is not followed.
        with draft.open("xb") as file:
            file.write(content)
        draft.replace(whole)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _finite(data: Any) -> Any:
    """`data` with null for the numbers that JSON has not, such as a score of a plug-in."""
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data

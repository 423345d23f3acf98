"""Follow-ups of the sample corpus: the right document first, with the conversation rewriter.

A server on loopback answers the rewriter's prompt with the standalone question that stands in
`sample_corpus/followups.jsonl`, as a chat model that understands it would. So what is measured is
what the pipeline makes of a good rewrite: `raw` asks the follow-up alone, `rewritten` the follow-up
with its rewrite beside it, and `standalone` the rewrite alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.loopback import served
from benchmarks.record import Record
from rag import Query, Rag, Turn
from rag.config import load_pipeline, parse_pipeline
from rag.evaluate.aggregate import documents
from rag.evaluate.intervals import Values, bootstrap_mean, paired_difference
from rag.evaluate.jsonl import records
from rag.registry import load

_CORPUS = CHECKOUT / "sample_corpus"
_PRESETS = ("bm25", "hybrid")
_BAR = 0.9
_QUICK = 8


@dataclass(frozen=True, slots=True)
class Followup:
    """The last question of a conversation; each of `documents` answers it."""

    id: str
    history: tuple[Turn, ...]
    text: str
    standalone: str
    documents: frozenset[str]

    def is_asked(self, prompt: str) -> bool:
        """Whether a prompt shows this question and every turn before it."""
        shown = " ".join(prompt.split())
        texts = [self.text, *(turn.text for turn in self.history)]
        return f"<question>{self.text}</question>" in shown and all(one in shown for one in texts)


def measure(given: Arguments) -> None:
    record = Record("conversation", "Follow-ups: the sample corpus", given.quick)
    asked = followups()[: _QUICK if given.quick else None]
    with served(_rewriter(asked)) as address:
        for preset in _PRESETS[: 1 if given.quick else None]:
            _report(record, preset, asked, _measured(preset, asked, f"{address}/v1"))
    record.write()


def followups() -> list[Followup]:
    """All of them, in the order of the file."""
    return [
        Followup(
            id=fields["_id"],
            history=tuple(Turn(turn["role"], turn["text"]) for turn in fields["history"]),
            text=fields["text"],
            standalone=fields["standalone"],
            documents=frozenset(fields["documents"]),
        )
        for _, fields in records(_CORPUS / "followups.jsonl")
    ]


def _measured(preset: str, asked: Sequence[Followup], address: str) -> Mapping[str, Sequence[bool]]:
    """Whether the document that each way finds first is a right one."""
    with TemporaryDirectory(prefix="ragline-") as place:
        folder = Path(place) / "index"
        with closing(Rag.open(folder, pipeline=preset)) as rag:
            rag.index(load("connector", "files")(paths=[_CORPUS], base=_CORPUS))
            raw = [_is_first(rag, one, Query(one.text)) for one in asked]
            alone = [_is_first(rag, one, Query(one.standalone)) for one in asked]
            pipeline = parse_pipeline(_rewriting(preset, address), "conversation")
            with closing(Rag.open(folder, pipeline=pipeline, sharing=rag)) as rewriting:
                queries = [Query(one.text, history=one.history) for one in asked]
                rewritten = [
                    _is_first(rewriting, one, query)
                    for one, query in zip(asked, queries, strict=True)
                ]
    return {"raw": raw, "rewritten": rewritten, "standalone": alone}


def _rewriting(preset: str, address: str) -> str:
    """The preset with a rewriter before its stages, as a pipeline file."""
    shape = load_pipeline(preset).as_dict()
    model = {"use": "openai", "model": "scripted", "base_url": address}
    rewrite = {"rewrite": {"use": "conversation", "model": model, "cache": False}}
    stages: Any = shape["query"]
    return json.dumps({**shape, "query": [rewrite, *stages]})


def _is_first(rag: Rag, followup: Followup, query: Query) -> bool:
    ranking = rag.search(query)
    if query.history and ranking.query.standalone != followup.standalone:
        raise SystemExit(f"{followup.id}: rewritten as {ranking.query.standalone!r}")
    return not followup.documents.isdisjoint(documents(ranking.hits)[:1])


def _report(
    record: Record,
    preset: str,
    asked: Sequence[Followup],
    found: Mapping[str, Sequence[bool]],
) -> None:
    values = {way: np.array(first, np.float64) for way, first in found.items()}
    for way, one in values.items():
        interval = bootstrap_mean(one)
        shown = f"{interval.value:.3f} [{interval.low:.2f}, {interval.high:.2f}] of {len(one)}"
        bar = f">= {_BAR:.2f}" if way == "rewritten" else ""
        record.add(
            f"{preset}, {way}: right document first",
            shown,
            bar,
            interval.value >= _BAR if bar else None,
        )
        record.figures[f"{preset}, {way}"] = {
            **asdict(interval),
            "of": len(one),
            "missed": [one.id for one, right in zip(asked, found[way], strict=True) if not right],
        }
    _compare(record, preset, values)


def _compare(record: Record, preset: str, values: Mapping[str, Values]) -> None:
    """What the rewriter gains over the follow-up as it was typed."""
    gained = paired_difference(values["rewritten"], values["raw"])
    shown = f"{gained.difference:+.3f} [{gained.low:+.2f}, {gained.high:+.2f}], p = {gained.p:.3f}"
    record.add(f"{preset}: rewritten against raw", shown)
    record.figures[f"{preset}, gained"] = asdict(gained)


def _rewriter(asked: Sequence[Followup]) -> type[BaseHTTPRequestHandler]:
    """What answers as the chat completions of OpenAI do."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = _reply(asked, body["messages"][-1]["content"])
            message = {"role": "assistant", "content": reply}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            content = json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _reply(asked: Sequence[Followup], prompt: str) -> str:
    """The rewrite of the one follow-up that a prompt asks for; empty where that is not clear."""
    meant = [one.standalone for one in asked if one.is_asked(prompt)]
    return meant[0] if len(meant) == 1 else ""


if __name__ == "__main__":
    measure(arguments(__doc__))

"""How soon the first piece of a streamed answer is there, after the model server's first byte.

A server on loopback replies word by word and notes when it sent the first. So what is measured is
what stands between the server and whoever reads the answer: reading, parsing, threads, and what
an answerer holds back until it is sure of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.arguments import Arguments, arguments
from benchmarks.loopback import served
from benchmarks.record import Record
from rag import Delta, Rag
from rag.chat.asking import Asker, Settings
from rag.config import load_pipeline
from rag.protocols import ChatModel
from rag.registry import load
from rag.types import Message

_QUESTIONS = 50
_QUICK = 5
_MOST_MS = 50.0
# Seconds between two words, as a model of middling speed has them.
_PAUSE = 0.02
_FRESH = Settings(cache=False)


class _Server:
    """Streams the same few words, as OpenAI and Ollama do; `began` is when it sent the first."""

    def __init__(self) -> None:
        self.began = 0.0

    def chunks(self, path: str) -> Iterator[bytes]:
        """What is sent to a client of `path`, one after another."""
        words = ["The", "lamp", "is", "lit", "by", "its", "keeper", "at", "dusk", "[1]."]
        for number, word in enumerate(words):
            text = word if number == 0 else f" {word}"
            if path.endswith("/api/chat"):
                yield _line({"message": {"content": text}, "done": number == len(words) - 1})
            else:
                yield _event({"choices": [{"delta": {"content": text}}]})
        if not path.endswith("/api/chat"):
            yield b"data: [DONE]\n\n"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers requests."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                first = True
                for chunk in server.chunks(self.path):
                    if first:
                        server.began = time.perf_counter()
                        self.end_headers()
                    first = False
                    self._send(chunk)
                    time.sleep(_PAUSE)
                self._send(b"")

            def _send(self, chunk: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def measure(given: Arguments) -> None:
    record = Record("streaming", "Streamed answers: the first piece", given.quick)
    times = _QUICK if given.quick else _QUESTIONS
    server = _Server()
    with served(server.handler()) as address:
        for provider in ("openai", "ollama"):
            model = load("chat", provider)(model="scripted", base_url=address)
            _report(record, f"{provider}, asked alone", _waited(server, times, _asked(model)))
            with _answered(model) as ask:
                _report(record, f"{provider}, Rag.stream", _waited(server, times, ask))
    record.write()


def _asked(model: ChatModel) -> Callable[[int], Iterator[str]]:
    """The pieces of the model's reply to a question."""
    asker = Asker(model, _FRESH)
    return lambda number: asker.stream([Message("user", _question(number))])


@contextmanager
def _answered(model: ChatModel) -> Iterator[Callable[[int], Iterator[str]]]:
    """The pieces of the answer to a question about a few texts."""
    with TemporaryDirectory(prefix="ragline-") as place:
        sources = Path(place) / "sources"
        sources.mkdir()
        for number in range(_QUESTIONS):
            text = f"Harbour {number}\n\nThe lamp is lit by its keeper at dusk.\n"
            (sources / f"harbour-{number}.txt").write_text(text)
        pipeline = load_pipeline("bm25", ["answer={use: chat, cache: false}"])
        with closing(Rag.open(Path(place) / "index", pipeline=pipeline, chat=model)) as rag:
            rag.index(load("connector", "files")(paths=[sources], base=sources))

            def ask(number: int) -> Iterator[str]:
                events = rag.stream(_question(number))
                return (event.text for event in events if isinstance(event, Delta) and event.text)

            yield ask


def _question(number: int) -> str:
    return f"Who lights the lamp of harbour {number}?"


def _waited(
    server: _Server, times: int, pieces_of: Callable[[int], Iterator[str]]
) -> Sequence[float]:
    """Milliseconds from the server's first byte to the first piece, for each question."""
    found = []
    for number in range(-1, times):
        pieces = pieces_of(max(number, 0))
        next(pieces)
        shown = time.perf_counter()
        for _ in pieces:
            pass
        # The first question makes connections and loads what is needed.
        if number >= 0:
            found.append((shown - server.began) * 1e3)
    return found


def _report(record: Record, label: str, waited: Sequence[float]) -> None:
    p95 = quantiles(waited, n=20, method="inclusive")[-1]
    shown = f"p50 {median(waited):.1f} ms, p95 {p95:.1f} ms, most {max(waited):.1f} ms"
    bar = f"most <= {_MOST_MS:g} ms"
    record.add(f"{label} ({len(waited)} questions)", shown, bar, max(waited) <= _MOST_MS)
    record.figures[label] = {
        "p50": round(median(waited), 2),
        "p95": round(p95, 2),
        "most": round(max(waited), 2),
        "of": len(waited),
    }


def _line(record: Any) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _event(record: Any) -> bytes:
    return b"data: " + json.dumps(record).encode() + b"\n\n"


if __name__ == "__main__":
    measure(arguments(__doc__))

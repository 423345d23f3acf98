"""The loop of a parsing process: `python -m rag.connectors.parsing.worker MEMORY`.

Started by `ParserPool`; reads requests from standard input and ends with it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from functools import cache
from typing import IO, NoReturn

from rag import registry
from rag.connectors.formats.format import Format
from rag.connectors.parsing.confine import confine, held
from rag.connectors.parsing.here import parse_here
from rag.connectors.parsing.messages import Header, Message, packed, receive, send
from rag.errors import DocumentError

_GRACE = 5
"""Seconds after which it ends itself where the parent, which ends it on time, is no more."""


def main() -> None:
    """Serve requests until standard input ends."""
    requests, replies = _streams()
    confine(int(sys.argv[1]))
    start = held()
    send(replies, {"ready": True})
    while (request := receive(requests, sys.maxsize)) is not None:
        header, data = request
        signal.alarm(int(header["seconds"]) + _GRACE)
        said, body = _answer(header, data)
        # Not the file, while the next is awaited.
        del request, data
        signal.alarm(0)
        _reply(replies, {**said, "grown": held() - start}, body)


def _run() -> NoReturn:
    """Serve, and end before the pipes close: the parent sees both at once, and the exit code."""
    try:
        main()
    except SystemExit as error:
        _end(error.code if isinstance(error.code, int) else 1)
    except BaseException:  # noqa: BLE001 - the parent shows its last line
        traceback.print_exc()
        _end(1)
    _end(0)


def _end(status: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(status)


def _reply(replies: IO[bytes], header: Header, body: bytes) -> None:
    try:
        send(replies, header, body)
    except (TypeError, ValueError) as error:  # before a byte of it was sent
        send(replies, {"error": f"cannot be handed over: {error}", "grown": header["grown"]})


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes, moved out of reach of libraries that write to standard output."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return requests, replies


def _answer(header: Header, data: bytes) -> Message:
    try:
        return _parsed(header, data)
    except MemoryError:
        return {"memory": True}, b""
    except DocumentError as error:
        if _for_lack_of_memory(error):
            return {"memory": True}, b""
        return {"error": str(error)}, b""


def _parsed(header: Header, data: bytes) -> Message:
    reader = _reader(header["format"])
    parsed = parse_here(reader, data, header["name"])
    most = int(header["characters"])
    if len(parsed.text) > most:
        raise DocumentError(f"holds more than {most:,} characters of text; split it")
    return packed(parsed)


def _for_lack_of_memory(error: BaseException | None) -> bool:
    """Whether a MemoryError is what led to `error`."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


@cache
def _reader(name: str) -> Format:
    reader: Format = registry.load("format", name)()
    return reader


if __name__ == "__main__":
    _run()

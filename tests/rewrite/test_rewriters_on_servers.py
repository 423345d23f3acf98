"""Rewriters of a pipeline file with a chat server that does what servers do."""

from __future__ import annotations

import time
import warnings

import pytest
from chat_server import (
    Behaviour,
    ChatServer,
    broken,
    closed_port,
    drip,
    empty,
    half_json,
    megabyte,
    ok,
    refusal,
    slow,
    status,
)

from rag.assembly import build_stages
from rag.config import parse_pipeline
from rag.pipeline import run
from rag.testing import MemoryView
from rag.types import Query, Ranking, Turn

HISTORY = (Turn("user", "Where is the ferry?"), Turn("assistant", "At the pier."))
QUERY = Query("when does it leave", history=HISTORY)
NAMES = ("hyde", "multi-query", "conversation")
BAD = {
    "slow": slow(30),
    "drip": drip(),
    "429": status(429, "0"),
    "500": status(500),
    "401": status(401),
    "half": half_json(),
    "broken": broken(),
    "refusal": refusal(),
    "empty": empty(),
    "megabyte": megabyte(),
}


def ranking(url: str, name: str, seconds: float = 0.3) -> Ranking:
    """What the whole of a pipeline makes of the question."""
    text = f"""
name: x
index:
  chunk: {{use: sentence}}
  encode: {{use: sentence-transformers}}
query:
  - rewrite:
      use: {name}
      model: {{use: openai, model: tiny, base_url: '{url}'}}
      timeout: {seconds}
      deadline: {max(seconds, 1.0)}
      retries: 1
      cache: false
  - retrieve: {{of: [{{use: dense, k: 5}}]}}
"""
    return run(build_stages(parse_pipeline(text, "x.yaml")), QUERY, MemoryView())


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_answers(name: str) -> None:
    with ChatServer(ok("When does the ferry at the pier leave?")) as server:
        # A busy machine may be slow to answer too.
        made = ranking(server.url, name, seconds=20)
        assert len(server.requests) == 1
        assert "<question>when does it leave</question>" in server.requests[0].prompt
    assert made.query.variants or made.query.hypotheses
    assert made.steps[0].notes == () and made.hits


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", BAD)
def test_every_question_still_answers(name: str, bad: str) -> None:
    answers = _patiently(BAD[bad], name)
    if (name, bad) == ("hyde", "megabyte") and answers.query.hypotheses:
        assert len(answers.query.hypotheses[0].text) <= 1_200
        return
    assert answers.query == QUERY


@pytest.mark.parametrize("name", NAMES)
def test_no_server_at_all(name: str) -> None:
    with pytest.warns(UserWarning, match=f"rewriter '{name}' failed"):
        made = ranking(closed_port(), name)
    assert made.query == QUERY and made.hits and made.steps[0].notes


def _patiently(behaviour: Behaviour, name: str) -> Ranking:
    with ChatServer(behaviour) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        started = time.monotonic()
        made = ranking(server.url, name)
        # The deadline is one second: the rest is for a machine that is busy.
        assert time.monotonic() - started < 10
    assert made.hits
    assert made.steps[0].notes and all("\n" not in told for told in made.steps[0].notes)
    return made

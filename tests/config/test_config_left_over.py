"""An override that names another component than the options of a file were written for."""

from __future__ import annotations

import pytest

from rag.config import parse_pipeline
from rag.errors import PipelineError

WRITTEN = """\
name: written
index: {chunk: {use: fixed}, lexical: {use: bm25}}
query: [retrieve: {use: bm25}]
answer: {use: extractive, min_score: 0.5}
"""


def messages(*overrides: str, text: str = WRITTEN) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text, "written.yaml", overrides)
    return [f"{fault.key}: {fault.message}" for fault in caught.value.faults]


def test_options_of_the_former_component_say_how_to_replace_it() -> None:
    (told,) = messages("answer.use=chat")
    assert "answer.min_score: 'chat' has no such option, and the pipeline has it" in told
    assert told.endswith("replace all, as in --set 'answer={use: chat}'")
    assert parse_pipeline(WRITTEN, "written.yaml", ["answer={use: chat}"]).answer.use == "chat"


def test_options_of_the_override_itself_are_simply_wrong() -> None:
    told = messages("answer.use=chat", "answer.min_score=null", "answer.modle=3")
    assert [one for one in told if "did you mean 'model'" in one]
    assert not [one for one in told if "replace all" in one]


def test_kinds_have_their_article() -> None:
    (told,) = messages(text=WRITTEN.replace("{use: extractive, min_score: 0.5}", "chat"))
    assert "takes an answerer like {use: NAME}" in told
    fallback = "{use: chat, fallback: extractive}"
    (told,) = messages(text=WRITTEN.replace("{use: extractive, min_score: 0.5}", fallback))
    assert "'fallback' takes an answerer like {use: NAME}" in told

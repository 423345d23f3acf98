"""Chains of LangChain over an index: batch, asynchronous, streamed, and nothing sent elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import harbour
import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough

from rag import Answer, Rag
from rag.interop.langchain import RagCompressor, RagEmbeddings, RagRetriever, RagTool

ROOT = Path(__file__).parents[2]
TRACING = ("LANGSMITH_", "LANGCHAIN_")
PROMPT = ChatPromptTemplate.from_template("{passages}\n\n{question}")


class Scripted(BaseChatModel):
    """Says the first sentence of what it is shown, a word at a time."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = "".join(str(one.text) for one in self._stream(messages))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in str(messages[-1].text).split(".")[0].split():
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    with harbour.indexed(tmp_path_factory.mktemp("harbour")) as made:
        yield made


@pytest.fixture(scope="module")
def chain(rag: Rag) -> Runnable[str, str]:
    compressor = RagCompressor(reranker="sentences", encoder=rag.encoder, top_n=2)
    return (
        {"question": RunnablePassthrough(), "documents": RagRetriever(rag=rag)}
        | RunnablePassthrough.assign(documents=compressor.as_runnable())
        | RunnablePassthrough.assign(passages=lambda found: joined(found["documents"]))
        | PROMPT
        | Scripted()
        | StrOutputParser()
    )


def joined(documents: list[Document]) -> str:
    return "\n".join(one.page_content.rpartition("\n")[2] for one in documents)


QUESTIONS = ["Who lights the lamp at dusk?", "Do dogs travel free on the ferry?"]
ANSWERS = ["The keeper lights the lamp at dusk ", "Dogs travel free on the ferry "]


async def test_one_chain_in_every_way(chain: Runnable[str, str]) -> None:
    assert [chain.invoke(question) for question in QUESTIONS] == ANSWERS
    assert [await chain.ainvoke(question) for question in QUESTIONS] == ANSWERS
    assert chain.batch(QUESTIONS * 8, {"max_concurrency": 8}) == ANSWERS * 8
    assert await chain.abatch(QUESTIONS * 8) == ANSWERS * 8
    pieces = [piece for piece in chain.stream(QUESTIONS[1]) if piece]
    assert pieces == [f"{word} " for word in ANSWERS[1].split()]
    assert [piece async for piece in chain.astream(QUESTIONS[1]) if piece] == pieces


async def test_scores_and_places_reach_whoever_listens(chain: Runnable[str, str]) -> None:
    found = [
        event["data"]["output"]
        async for event in chain.astream_events(QUESTIONS[1])
        if event["event"] == "on_retriever_end"
    ]
    (best, *_) = found[0]
    assert best.metadata["source"].endswith("dogs.md") and best.metadata["score"] > 0
    assert best.metadata["headings"] == ["Ferry"]


def test_a_model_calls_the_tool(rag: Rag) -> None:
    tool = RagTool(rag=rag)
    call = ToolCall(name=tool.name, args={"question": QUESTIONS[0]}, id="7", type="tool_call")
    asked = AIMessage("", tool_calls=[call])
    chain: Runnable[AIMessage, Any] = (lambda message: message.tool_calls[0]) | tool
    told = chain.invoke(asked)
    assert told.tool_call_id == "7" and isinstance(told.artifact, Answer)
    assert "keeper lights the lamp" in told.content


def test_embeddings_are_those_of_the_index(rag: Rag) -> None:
    assert rag.encoder is not None
    embeddings = RagEmbeddings(rag.encoder)
    texts = ["The keeper lights the lamp.", "Gulls."]
    assert embeddings.embed_documents(texts) == rag.encoder.encode_passages(texts).tolist()
    assert embeddings.embed_query("Gulls.") == rag.encoder.encode_queries(["Gulls."])[0].tolist()
    assert embeddings.embed_documents([]) == []


class Listener(ThreadingHTTPServer):
    """Counts what is sent to it."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), self._handler())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        paths = self.paths

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                paths.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


CHAIN = """
import os, socket, sys
from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith.utils import get_env_var
real, reached = socket.socket.connect, []
def connect(self, address):
    reached.append(address)
    return real(self, address)
socket.socket.connect = connect
import harbour
from rag.interop.langchain import RagRetriever, RagRunnable
from pathlib import Path
rag = harbour.opened(Path(sys.argv[1]))
def asked():
    (RagRetriever(rag=rag) | len).invoke("ferry")
    RagRunnable(rag).invoke("ferry")
    wait_for_all_tracers()
    print(len(reached))
asked()
os.environ["LANGSMITH_TRACING"] = "true"
get_env_var.cache_clear()
asked()
rag.close()
"""


def test_nothing_is_sent_unless_the_environment_asks_for_it(rag: Rag) -> None:
    with Listener() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(TRACING)
        }
        address = f"http://127.0.0.1:{server.server_address[1]}"
        environment |= {"LANGSMITH_ENDPOINT": address, "LANGSMITH_API_KEY": "none"}
        environment |= {"PYTHONPATH": f"{Path(__file__).parent}:{ROOT}"}
        done = subprocess.run(
            [sys.executable, "-c", CHAIN, str(rag.folder.parent)],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        server.shutdown()
    assert done.returncode == 0, done.stderr
    without, with_tracing = map(int, done.stdout.split())
    assert without == 0
    assert with_tracing > 0 and server.paths, "this would not have seen it"

"""ragline as parts of LangChain.

    from rag.interop.langchain import RagRetriever

    chain = {"context": RagRetriever(rag=rag), "question": RunnablePassthrough()} | prompt | model

Importing this package imports langchain-core, which nothing else in `rag` does by itself.
"""

from rag.interop.langchain.chat import RagChatModel
from rag.interop.langchain.chunk import AnswerChunk
from rag.interop.langchain.compressor import RagCompressor
from rag.interop.langchain.embeddings import RagEmbeddings
from rag.interop.langchain.retriever import RagRetriever
from rag.interop.langchain.runnable import RagRunnable
from rag.interop.langchain.tool import RagTool

__all__ = [
    "AnswerChunk",
    "RagChatModel",
    "RagCompressor",
    "RagEmbeddings",
    "RagRetriever",
    "RagRunnable",
    "RagTool",
]

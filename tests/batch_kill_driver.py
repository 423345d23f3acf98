"""Runs `rag batch` in processes that start at once, to be killed.

    python batch_kill_driver.py FOLDER QUESTIONS ANSWERS

For each line on standard input there is a process, forked from this one, which has imported
everything already. Its number is printed, and how it ended.
"""

from __future__ import annotations

import os
import sys

import rag.answer.extractive
import rag.evaluate.references
import rag.rag
import rag.retrieve.bm25
import rag.store.tantivy  # noqa: F401
from rag.cli.main import main
from rag.languages import detect


def run(questions: str, answers: str) -> None:
    """One batch in a process of its own."""
    child = os.fork()
    if not child:
        code = 70
        try:
            code = main(["batch", questions, "-o", answers, "--workers", "4"])
        finally:
            os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    detect("The model that tells languages apart is read here, and not by every child.")
    print("ready", flush=True)
    for _ in sys.stdin:
        run(*sys.argv[2:4])

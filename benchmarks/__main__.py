"""Run all benchmarks, each in a process of its own, and write the page of results."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.arguments import CHECKOUT, arguments
from benchmarks.record import RESULTS, summary

NAMES = (
    "scifact",
    "financebench",
    "spans",
    "xquad",
    "fusion",
    "offline",
    "rewriting",
    "pruning",
    "context",
    "late",
    "answers",
    "batch",
    "citations",
    "conversation",
    "streaming",
    "semantic_cache",
    "html",
    "indexing",
    "pdf",
    "parsing",
    "chunking_speed",
    "mutations",
    "cold",
    "imports",
    "sharing",
    "query",
    "stages",
    "reranking",
    "memory",
    "kill",
    "sync",
)


def main() -> int:
    given = arguments(__doc__)
    failed = []
    for name in NAMES:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *given.as_options()]
        if subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0:
            failed.append(name)
    if not given.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "README.md").write_text(summary(NAMES), encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run benchmarks, each in a process of its own, and write the page of results and its plots.

All are run, or those that are named; `performance` names those of speed, size and memory.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from benchmarks.arguments import CHECKOUT, Arguments, parser
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
    "many",
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
    "dense_frontier",
    "warm",
    "stages",
    "reranking",
    "runtime",
    "memory",
    "kill",
    "sync",
    "scale",
    "gpu",
    "peers",
)
# What "close to the limit on one machine" is judged by.
PERFORMANCE = ("peers", "scale", "stages", "cold", "memory", "gpu")
_GROUPS = {"performance": PERFORMANCE}


def main() -> int:
    taken = parser(__doc__)
    taken.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    options = taken.parse_args()
    if unknown := [name for name in options.names if name not in (*NAMES, *_GROUPS)]:
        taken.error(f"no benchmark '{unknown[0]}': there are {', '.join((*NAMES, *_GROUPS))}")
    given = Arguments(options.quick, options.data)
    failed = [name for name in _chosen(options.names) if not _ran(name, given)]
    if not given.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "README.md").write_text(summary(NAMES), encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _chosen(names: Sequence[str]) -> Sequence[str]:
    """The benchmarks of names and groups, each once, as they were named."""
    found = (one for name in names for one in _GROUPS.get(name, (name,)))
    return tuple(dict.fromkeys(found)) or NAMES


def _ran(name: str, given: Arguments) -> bool:
    print(f"== {name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *given.as_options()]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())

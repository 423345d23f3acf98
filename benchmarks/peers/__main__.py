"""Index time, query time, memory, disk and quality beside other libraries for the same work.

Each library runs in an environment of its own, made once of pinned packages, with the same model
on the same documents and at its own defaults; all are asked for 100 candidates by each arm. Index
time is measured with real encoding on a part of SciFact, and all else in an index of the whole,
for which vectors are made once and kept. Peers take turns in every round, and each is compared by
its best one: what else a machine has to do only adds to a time, for minutes on end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks.arguments import Arguments, parser
from benchmarks.peers import findings
from benchmarks.peers.known import ENCODER, PEERS
from benchmarks.peers.peer import Peer
from benchmarks.peers.rounds import DEPTH, Rounds
from benchmarks.peers.workload import workload
from benchmarks.plots import plot
from benchmarks.record import Record

_DOCUMENTS, _QUICK_DOCUMENTS = 1_500, 100
_ROUNDS = 5
_LESS = 0.003
_WHOLE = 10**9


def measure(given: Arguments, more: argparse.Namespace) -> int:
    source = given.scifact()
    if source is None:
        return 0
    chosen = [peer for peer in PEERS if not more.only or peer.name in more.only]
    record = Record("peers", "Beside other libraries: SciFact", given.quick)
    with workload(source, _documents(given, more), quick=given.quick) as work:
        rounds = 1 if given.quick else more.rounds
        measured = Rounds(chosen, work, more.environments, rounds, ENCODER)
        measured.measure()
        report(record, measured, record.folder)
    record.write()
    return 1 if measured.failures else 0


def report(record: Record, measured: Rounds, folder: Path) -> None:
    """Put what was measured into the record, and draw it into a file in `folder`."""
    found = findings.summarise(measured)
    counts = measured.work.counts
    record.add("documents: index time", f"{counts['part']:,}, encoded")
    record.add("documents: all else", f"{counts['whole']:,}, vectors known")
    record.add("candidates asked of each arm", str(DEPTH))
    record.add("rounds, the best of which counts", str(measured.rounds))
    for title, ratio, best, least in findings.comparisons(found):
        what = f"{title}: the best other ({best}) over ragline"
        record.add(what, f"{ratio:.2f}", f">= {least:g}", ratio >= least)
    if (gain := findings.quality_gain(found)) is not None:
        what = f"nDCG@10: ragline less the best other ({gain[1]})"
        record.add(what, f"{gain[0]:+.4f}", f">= -{_LESS}", gain[0] >= -_LESS)
    for name, failure in measured.failures.items():
        record.add(f"{name}: failed", failure, "runs", False)
    record.tables.append(findings.table(measured, found))
    record.figures = {
        "summary": found,
        "measured": findings.kept(measured),
        "failures": measured.failures,
        "versions": {peer.name: _pins(peer) for peer in measured.peers},
    }
    if found:
        drawn = plot(folder / "peers.svg", findings.panels(measured, found))
        record.plots += [drawn.name] if drawn else []


def _pins(peer: Peer) -> Sequence[str]:
    """The packages that were asked for; what they bring along is in the file as well."""
    if peer.requirements is None:
        return [f"ragline=={version('ragline')}"]
    lines = peer.requirements.read_text().splitlines()
    return [line for line in lines[: lines.index("")] if not line.startswith("#")]


def _documents(given: Arguments, more: argparse.Namespace) -> int:
    if more.full:
        return _WHOLE
    documents: int = more.documents or (_QUICK_DOCUMENTS if given.quick else _DOCUMENTS)
    return documents


def _more() -> argparse.ArgumentParser:
    taken = parser(__doc__)
    taken.add_argument("--documents", type=int, metavar="N", help="documents of the index time")
    taken.add_argument("--full", action="store_true", help="index time on all documents")
    taken.add_argument("--rounds", type=int, default=_ROUNDS, metavar="N")
    taken.add_argument(
        "--only", nargs="+", choices=[peer.name for peer in PEERS], help="no other peers"
    )
    taken.add_argument(
        "--environments",
        type=Path,
        default=user_cache_path("ragline", appauthor=False) / "benchmarks" / "peers",
        metavar="DIR",
        help="where the peers are installed, and vectors kept (default: in the user's cache)",
    )
    return taken


if __name__ == "__main__":
    options = _more().parse_args()
    sys.exit(measure(Arguments(options.quick, options.data), options))

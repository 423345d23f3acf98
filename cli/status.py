"""`rag status`: what the index holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from rag.cli.options import IndexOption, JsonOption
from rag.cli.output import count, one_line, say, say_json, size


def status(
    index_folder: IndexOption = None,
    failures: Annotated[
        bool, typer.Option("--failures", help="Only what could not be read, and why.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what the index holds.

    Also how it was made, its last runs, and what could not be read.
    """
    # The facade would load engines that counting does not need.
    from rag.status import index_folder as found
    from rag.status import index_status

    held = index_status(found(index_folder))
    if as_json:
        say_json(held["failed"] if failures else held)
    elif failures:
        _say_failures(held["failed"])
    else:
        _say_status(held)


def _say_status(held: Mapping[str, Any]) -> None:
    pruned = f", {held['pruned']:,} pruned" if held["pruned"] else ""
    passages = count(held["passages"], "passage") + pruned
    lines = {
        "index": f"{held['folder']} ({size(held['bytes'])})",
        "holds": f"{count(held['documents'], 'document')}, {passages}",
        "languages": ", ".join(held["languages"]) or "none",
        "pipeline": held["pipeline"] or "not recorded",
        "encoder": _encoder(held["encoder"], held["precision"]),
    }
    if held["searched"]:
        uses = (f"{one:,} by {use}" for use, one in held["searched"].items())
        lines["vectors"] = f"searched: {', '.join(uses)}"
    if "answers" in held:
        kept = held["answers"]
        told = "cannot be read: remove answers.db" if kept is None else f"{kept:,} kept"
        lines["answers"] = told
    for name, value in lines.items():
        say(f"{name + ':':<11}{one_line(value)}")
    for run in held["runs"]:
        say(f"{'run:':<11}{_run(run)}")
    for failure in held["failed"]:
        say(f"{'failed:':<11}{_failure(failure)}")


def _say_failures(failed: Sequence[Mapping[str, Any]]) -> None:
    for failure in failed:
        say(f"{_failure(failure)} [since {failure['since']}]")
    stale = sum(failure["stale"] for failure in failed)
    kept = f"; of {stale} the last version that could be read is kept" if stale else ""
    again = "; each is tried again when its source is indexed again" if failed else ""
    say(f"{count(len(failed), 'source')} could not be read{kept}{again}")


def _failure(failure: Mapping[str, Any]) -> str:
    stale = " (stale: an earlier version stays in the index)" if failure["stale"] else ""
    return f"{one_line(failure['source'])}: {one_line(failure['error'])}{stale}"


def _encoder(encoder: Mapping[str, Any] | None, precision: Sequence[str]) -> str:
    if encoder is None:
        return "none (lexical only)"
    computed = f", computed in {' and '.join(precision)}" if precision else ""
    return f"{encoder.get('model', '')} ({encoder['use']}{computed})".strip()


def _run(run: Mapping[str, Any]) -> str:
    did = ", ".join(f"{run[what]} {what}" for what in ("added", "changed", "removed", "unchanged"))
    failed = f", {len(run['failed'])} failed" if run["failed"] else ""
    return f"{run['started']}: {did}{failed} in {run['seconds']:.1f} s"

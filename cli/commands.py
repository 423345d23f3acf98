"""The commands by name. Each is loaded when it is asked for: one does not wait for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is: its module in `rag.cli`, its function there, and how it is used.

    An app has commands of its own, and no example. `made_as` is the class of a command that
    parses its arguments in its own way.
    """

    module: str
    function: str
    example: str = ""
    made_as: str | None = None


ENTRIES: Mapping[str, Entry] = {
    "index": Entry("index", "index", "rag index docs"),
    "search": Entry("search", "search", "rag search 'notice period' -k 5 --where 'year>=2024'"),
    "ask": Entry("ask", "ask", "rag ask 'How long is the notice period?'", "AskCommand"),
    "chat": Entry("chat", "chat", "rag chat --index .rag"),
    "batch": Entry("batch", "batch", "rag batch questions.jsonl -o answers.jsonl"),
    "remove": Entry("remove", "remove", "rag remove docs/old 'drafts/*.md'"),
    "status": Entry("status", "status", "rag status --index .rag"),
    "inspect": Entry("inspect", "inspect", "rag inspect docs/handbook.md --chunks"),
    "explain": Entry(
        "explain",
        "explain",
        "rag explain 'How long is the notice period?' --expect docs/handbook.md",
    ),
    "verify": Entry("verify", "verify", "rag verify"),
    "repair": Entry("verify", "repair", "rag repair"),
    "eval": Entry(
        "evaluate", "evaluate", "rag eval beir/nfcorpus --pipeline bm25 --pipeline hybrid"
    ),
    "calibrate": Entry(
        "calibrate", "calibrate", "rag calibrate beir/scifact --pipeline reranked.yaml"
    ),
    "prune": Entry("prune", "prune", "rag prune --curve beir/nfcorpus --pipeline hybrid"),
    "doctor": Entry("doctor", "doctor", "rag doctor"),
    "pipeline": Entry("pipeline", "app"),
}


class Commands(Mapping[str, Any]):
    """Every command by its name, made when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(ENTRIES)

    def __len__(self) -> int:
        return len(ENTRIES)

    def __contains__(self, name: object) -> bool:
        return name in ENTRIES


class CommandGroup(TyperGroup):
    """The `rag` command: it knows the names of its commands, and loads the one that is run."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Mapping[str, Any] = Commands()  # type: ignore[assignment]  # is only read


@cache
def _command(name: str) -> Any:
    entry = ENTRIES[name]
    module = import_module(f"rag.cli.{entry.module}")
    found = getattr(module, entry.function)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    # Without rich, help is printed in half the time.
    alone = typer.Typer(rich_markup_mode=None, add_completion=False)
    made_as = getattr(module, entry.made_as) if entry.made_as else None
    alone.command(name, cls=made_as, epilog=f"Example: {entry.example}")(found)
    return typer.main.get_command(alone)

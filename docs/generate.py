"""Write the parts of the documentation that the program itself knows.

`python docs/generate.py` writes them between their markers; with `--check` it writes nothing
and fails where a file differs from what would be written.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rag import registry, types
from rag.cli.main import app
from rag.config.component import option_model
from rag.config.wording import taken

if TYPE_CHECKING:
    from pydantic import BaseModel

_FOLDER = Path(__file__).resolve().parent
_MARKED = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WIDTH = 92

# Where a kind stands in a pipeline file, in the order of the file.
_PLACES: Mapping[str, str] = {
    "chunker": "index: chunk",
    "pruner": "index: prune",
    "encoder": "index: encode",
    "lexical": "index: lexical",
    "dense": "index: dense",
    "rewriter": "query: rewrite",
    "retriever": "query: retrieve",
    "fuser": "query: retrieve: fuse",
    "reranker": "query: rerank",
    "selector": "query: select",
    "expander": "query: expand",
    "answerer": "answer",
    "cache": "cache",
    "chat": "model of a stage that asks a language model",
}


def data_model() -> Iterator[str]:
    """The nouns of `rag.types` as a table."""
    yield from _row("noun", "what it is", "fields")
    yield from _row("---", "---", "---")
    for name, noun in vars(types).items():
        if dataclasses.is_dataclass(noun):
            fields = ", ".join(f"`{field.name}`" for field in dataclasses.fields(noun))
            yield from _row(f"`{name}`", _paragraphs(noun)[0], fields)


def formats() -> Iterator[str]:
    """The file formats that are read."""
    yield from _row("name", "extensions", "what is read")
    yield from _row("---", "---", "---")
    for name in registry.names("format"):
        found = registry.load("format", name)
        extensions = " ".join(f"`{extension}`" for extension in found.extensions)
        yield from _row(f"`{name}`", extensions, _paragraphs(found)[0])


def components() -> Iterator[str]:
    """Every registered component of a pipeline with its options."""
    for kind, place in _PLACES.items():
        yield f"### `{place}`"
        yield ""
        names = registry.names(kind)
        if not names:
            yield (
                f"No {kind} comes with this version; a plug-in registers its own under the "
                f"entry-point group `{registry.GROUPS[kind]}`."
            )
            yield ""
        for name in names:
            yield from _component(name, registry.load(kind, name))


def connectors() -> Iterator[str]:
    """Every registered connector with its options."""
    for name in registry.names("connector"):
        yield from _component(name, registry.load("connector", name), level=3)


def _component(name: str, component: type, level: int = 4) -> Iterator[str]:
    yield f"{'#' * level} `{name}`"
    yield ""
    for paragraph in _paragraphs(component):
        yield paragraph
        yield ""
    model = option_model(component)
    if model.model_fields:
        yield from _options(model)
        yield ""


def _options(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    yield from _row("option", "takes", "default")
    yield from _row("---", "---", "---")
    for name, option in schema["properties"].items():
        default = f"`{json.dumps(option['default'])}`" if "default" in option else "must be given"
        yield from _row(f"`{name}`", taken(option, schema.get("$defs")), default)


def commands() -> Iterator[str]:
    """The help of every command, as the program prints it."""
    yield from _help(typer.main.get_command(app), "rag")


def _help(command: Any, path: str) -> Iterator[str]:
    context = typer.Context(command, info_name=path, terminal_width=_WIDTH)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield from (f"## `{path}`", "", "```text", text, "```", "")
    for name, inner in getattr(command, "commands", {}).items():
        yield from _help(inner, f"{path} {name}")


def _row(*cells: str) -> Iterator[str]:
    yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _paragraphs(documented: object) -> list[str]:
    """A docstring as paragraphs, of one line each or for each item of a list."""
    text = inspect.getdoc(documented) or ""
    items = (re.split(r"\n(?=- )", paragraph) for paragraph in text.split("\n\n"))
    return ["\n".join(" ".join(item.split()) for item in found) for found in items]


PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "data-model": data_model,
    "formats": formats,
    "components": components,
    "commands": commands,
    "connectors": connectors,
}


def renewed(text: str) -> str:
    """`text` with all that stands between its markers made anew."""

    def part(match: re.Match[str]) -> str:
        lines = "\n".join(PARTS[match[2]]()).strip("\n")
        return f"{match[1]}\n{lines}\n\n{match[3]}"

    return _MARKED.sub(part, text)


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` name those that differ."""
    stale = []
    for path in sorted(_FOLDER.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (fresh := renewed(text)) != text:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(fresh, encoding="utf-8")
    if "--check" in arguments and stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run 'make docs' and commit\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

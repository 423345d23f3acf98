"""`rag pipeline`: the presets, and what a pipeline file says."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from rag.cli.options import JsonOption, OverridesOption
from rag.cli.output import say, say_json

NameArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A preset or a pipeline file.")
]

app = typer.Typer(name="pipeline", help="List, show and check pipelines.", rich_markup_mode=None)


@app.command("list", epilog="Example: rag pipeline list")
def list_presets(as_json: JsonOption = False) -> None:
    """List the presets."""
    from rag.config import load_pipeline, presets

    found = {name: load_pipeline(name).description for name in presets()}
    if as_json:
        say_json([{"name": name, "description": text} for name, text in found.items()])
        return
    width = max(map(len, found))
    for name, text in found.items():
        say(f"{name:<{width}}  {text}")


@app.command(epilog="Example: rag pipeline show hybrid --set query.cut.k=5")
def show(*, name: NameArgument, overrides: OverridesOption, as_json: JsonOption = False) -> None:
    """Print a pipeline as it was understood, every default filled in."""
    import yaml

    from rag.config import load_pipeline

    shape = load_pipeline(name, overrides).as_dict()
    if as_json:
        say_json(shape)
    else:
        say(yaml.safe_dump(shape, sort_keys=False, allow_unicode=True).rstrip())


@app.command(epilog="Example: rag pipeline check my-pipeline.yaml")
def check(*, name: NameArgument, overrides: OverridesOption, as_json: JsonOption = False) -> None:
    """Find every fault of a pipeline without running it."""
    from rag.config import load_pipeline

    load_pipeline(name, overrides)
    if as_json:
        say_json({"ok": True})
    else:
        say("ok")


@app.command(epilog="Example: rag pipeline schema > pipeline.schema.json")
def schema() -> None:
    """Print the JSON Schema of pipeline files, for editors."""
    from rag.config import schema as json_schema

    say_json(json_schema())

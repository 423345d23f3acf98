"""`rag pipeline`: the presets, and what a pipeline file says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from rag.cli.cut import spread
from rag.cli.options import JsonOption, OverridesOption
from rag.cli.output import clean, complain, count, one_line, say, say_json
from rag.errors import RequestError

if TYPE_CHECKING:
    from rag.config import Caution, Pipeline
    from rag.survey import Survey

SOME_LOST = 1

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
def show(
    *,
    name: NameArgument,
    overrides: OverridesOption,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print a flowchart for Mermaid instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw a pipeline, and print it as it was understood, every default filled in.

    The drawing has the options that differ from their defaults. It stands in comments, so that
    the whole is a pipeline file again.
    """
    from rag import drawing
    from rag.config import load_pipeline

    if mermaid and as_json:
        raise RequestError("--mermaid and --json are two forms of the same: take one")
    pipeline = load_pipeline(name, overrides)
    if as_json:
        say_json(pipeline.as_dict())
    elif mermaid:
        say(drawing.mermaid(pipeline))
    else:
        _say_pipeline(pipeline, drawing.drawn(pipeline))


def _say_pipeline(pipeline: Pipeline, drawn: str) -> None:
    import yaml

    for line in drawn.splitlines():
        say(f"# {clean(line)}".rstrip())
    say()
    say(yaml.safe_dump(pipeline.as_dict(), sort_keys=False, allow_unicode=True).rstrip())


@app.command(epilog="Example: rag pipeline check my-pipeline.yaml --on docs")
def check(
    *,
    name: NameArgument,
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="SOURCE",
            help="Cut these documents by the pipeline, and report text that would be lost. "
            "May be repeated.",
            show_default=False,
        ),
    ] = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Find every fault of a pipeline without running it, and warn of cuts that lose text.

    With --on the exit code is 1 where text of these documents could not be found.
    """
    from rag.config import cautions, load_pipeline

    pipeline = load_pipeline(name, overrides)
    warned = cautions(pipeline)
    found = _surveyed(pipeline, on) if on else None
    sound = found is None or not (found.loses or found.failed)
    if as_json:
        warnings = [{"key": one.key, "message": one.message} for one in warned]
        measured = {} if found is None else {"measured": found.as_dict()}
        say_json({"ok": sound, "warnings": warnings, **measured})
    else:
        _say_checked(warned, found)
    if not sound:
        raise typer.Exit(SOME_LOST)


def _surveyed(pipeline: Pipeline, sources: Sequence[str]) -> Survey:
    from rag.rag import Rag
    from rag.survey import survey

    with closing(Rag.open(pipeline=pipeline)) as rag:
        found = survey(rag.preview(*sources))
    if not found.documents and not found.failed:
        raise RequestError(f"there is no document in {', '.join(sources)}")
    return found


def _say_checked(warned: Sequence[Caution], found: Survey | None) -> None:
    for one in warned:
        complain(f"warning: {one}")
    if found is None:
        say("ok")
        return
    for name, value in _measures(found):
        say(f"{name + ':':<10} {one_line(value)}")
    for failure in found.failed:
        complain(f"{failure.source}: {failure.error}")
    if not found.failed and not found.loses:
        say("ok")


def _measures(found: Survey) -> Iterator[tuple[str, str]]:
    """Names and values of what was measured."""
    from rag.cutting import sizes

    unread = f" ({len(found.failed):,} more could not be read)" if found.failed else ""
    yield "documents", f"{found.documents:,}{unread}"
    yield "passages", f"{len(found.sizes):,}"
    if shape := sizes(found.sizes):
        yield "sizes", spread(shape, found.unit)
    if found.limit is not None:
        yield "read", f"up to {found.limit:,} tokens of a passage and its context"
    if found.repeated:
        share = found.repeated / found.characters
        yield "overlaps", f"{count(found.repeated, 'character')}, {share:.1%} of the text"
    for name, spans in (("in no passage", found.lost), ("longer than read", found.too_long)):
        for source, held in spans.items():
            shown = ", ".join(f"{start}-{end}" for start, end in held[:5])
            yield name, f"{source} {shown}{', …' if len(held) > 5 else ''}"


@app.command(epilog="Example: rag pipeline schema > pipeline.schema.json")
def schema() -> None:
    """Print the JSON Schema of pipeline files, for editors."""
    from rag.config import schema as json_schema

    say_json(json_schema())

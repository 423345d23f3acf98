"""The options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

IndexOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="DIR",
        help="The index's folder; without it, the nearest .rag from here upward.",
        show_default=False,
    ),
]
PipelineOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--pipeline",
        metavar="NAME|FILE",
        help="A preset or a pipeline file; without it, the one that the index was made with.",
        show_default=False,
    ),
]
OverridesOption: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one option of the pipeline, such as query.cut.k=5. May be repeated.",
        default_factory=list,
        show_default=False,
    ),
]
WhereOption: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--where",
        metavar="FILTER",
        help="Only documents whose id, source, title, language or metadata fit, such as "
        "'year>=2023 and source~\"handbook\"': = != < <= > >= ~ (contains), in (A, B), has FIELD, "
        "and, or, not. May be repeated: all must hold.",
        default_factory=list,
        show_default=False,
    ),
]
SplitOption: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME", help="The judgements to use: qrels/NAME.tsv.")
]
PassagesOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--passages",
        help="Cut a BEIR corpus with the pipeline's chunker; else each text is one passage.",
    ),
]
TraceOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Write what the question went through to a file, as JSON (docs/traces.md).",
        show_default=False,
    ),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

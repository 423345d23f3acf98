"""`rag verify` and `rag repair`: whether the index agrees with itself, and making it so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from rag.cli.options import IndexOption, JsonOption, OverridesOption, PipelineOption
from rag.cli.output import say, say_json
from rag.errors import IndexDamagedError

UNSOUND = 1


def verify(index_folder: IndexOption = None, as_json: JsonOption = False) -> None:
    """Check the whole index against itself.

    The exit code is 1 where something is wrong.
    """
    problems = _problems(index_folder)
    if as_json:
        say_json({"sound": not problems, "problems": problems})
    else:
        say("\n".join(problems) or "sound")
    if problems:
        raise typer.Exit(UNSOUND)


def repair(
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    as_json: JsonOption = False,
    *,
    overrides: OverridesOption,
) -> None:
    """Build the search structures anew from the documents.

    With `--set index.dense.use=NAME` vectors are searched in another way from now on.
    """
    from rag.rag import Rag

    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        done = rag.repair()
    if as_json:
        say_json({"done": done})
    else:
        say("\n".join(done))


def _problems(folder: Path | None) -> list[str]:
    from rag.rag import Rag

    try:
        with closing(Rag.open(folder)) as rag:
            return rag.verify()
    except IndexDamagedError as error:
        return [str(error)]

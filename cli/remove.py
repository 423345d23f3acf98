"""`rag remove`: take documents out of the index."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from rag.cli.options import IndexOption, JsonOption
from rag.cli.output import count, one_line, say, say_json


def remove(
    *,
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Documents by id or source, folders, or quoted globs."),
    ],
    index_folder: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take documents out of the index, and forget what could not be read there.

    Their files stay as they are; indexing them again brings the documents back.
    """
    from rag.rag import Rag

    with closing(Rag.open(index_folder)) as rag:
        gone = rag.remove(*names)
        if as_json:
            say_json({"removed": gone})
            return
        for source in gone:
            say(f"removed {one_line(source)}")
        say(f"{count(len(gone), 'source')} removed from {rag.folder}")

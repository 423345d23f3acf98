"""Finding mailboxes: mbox files, Maildirs, and folders with .eml files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rag.connectors.mailboxes.letter import BadLetter, Letter
from rag.connectors.mailboxes.mbox import mbox
from rag.connectors.mailboxes.message_file import eml_file, eml_folder, is_maildir, maildir

Letters: TypeAlias = Callable[[Path, int], Iterator[Letter | BadLetter]]

_OF_MAILDIR = frozenset({"cur", "new", "tmp"})


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One place that holds messages, and how they are read out of it."""

    path: Path
    letters: Letters


def mailboxes(path: Path) -> Iterator[Mailbox | OSError]:
    """The mailboxes that `path` is or holds at any depth, in a stable order.

    A file is an mbox unless it is called .eml. In folders, files called .mbox are taken, .eml
    files, and Maildirs, whose subfolders are hidden; other hidden folders and links are not
    followed. A folder that cannot be listed is an OSError.
    """
    if not path.is_dir():
        yield Mailbox(path, eml_file if path.suffix.lower() == ".eml" else mbox)
        return
    refused: list[OSError] = []
    for name, folders, files in os.walk(path, onerror=refused.append):
        folder = Path(name)
        yield from refused
        refused.clear()
        box = is_maildir(folder)
        folders[:] = sorted(one for one in folders if _enters(folder, one, box))
        if box:
            yield Mailbox(folder, maildir)
        elif any(one.lower().endswith(".eml") for one in files):
            yield Mailbox(folder, eml_folder)
        for one in sorted(files):
            if one.lower().endswith(".mbox") and not (folder / one).is_symlink():
                yield Mailbox(folder / one, mbox)
    yield from refused


def _enters(folder: Path, name: str, of_maildir: bool) -> bool:
    if of_maildir and name in _OF_MAILDIR:
        return False
    return not name.startswith(".") or is_maildir(folder / name)

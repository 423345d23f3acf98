"""Where in the folder of a cross-encoder its model is."""

from __future__ import annotations

from pathlib import Path


def inner_folder(folder: Path) -> Path:
    """Where the transformers model is: the folder itself, or one in it."""
    if (folder / "config.json").is_file():
        return folder
    found = sorted(path.parent for path in folder.glob("*/config.json"))
    return found[0] if found else folder

"""What `.gitignore` and `.ragignore` leave out of a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".ragignore")


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules of one folder, and of the folders above it up to the source's root."""

    folder: str
    spec: GitIgnoreSpec | None
    above: IgnoreRules | None = None

    def ignores(self, path: str, folder: bool) -> bool:
        """Whether `path`, anywhere beneath, is left out. The nearest folder's word counts."""
        rules: IgnoreRules | None = self
        while rules is not None:
            if rules.spec is not None:
                relative = os.path.relpath(path, rules.folder) + ("/" if folder else "")
                if (include := rules.spec.check_file(relative).include) is not None:
                    return include
            rules = rules.above
        return False


def ignore_rules(folder: str, above: IgnoreRules | None) -> IgnoreRules | None:
    """The rules that hold within `folder`; `.ragignore` speaks after `.gitignore`.

    Raises OSError where a file of rules cannot be read.
    """
    files = [path for name in IGNORE_FILES if (path := Path(folder, name)).is_file()]
    return rules_of(folder, [path.read_bytes() for path in files], above)


def rules_of(folder: str, files: Sequence[bytes], above: IgnoreRules | None) -> IgnoreRules | None:
    """The rules that hold within `folder`, whose files of rules, if any, are `files`."""
    lines = [line for file in files for line in _lines(file)]
    return IgnoreRules(folder, _spec(lines), above) if lines else above


def _lines(file: bytes) -> list[str]:
    text = file.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return [line.rstrip("\r") for line in text.split("\n")]


def _spec(lines: list[str]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines([line for line in lines if _valid(line)], backend="simple")


def _valid(line: str) -> bool:
    """Whether the line is a pattern or a comment: git, too, passes over what is neither."""
    try:
        GitIgnoreSpec.from_lines([line], backend="simple")
    except ValueError:
        return False
    return True

"""Paths with wildcards: `docs/**/*.md` as a choice among the files beneath `docs`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rag.connectors.walk import Walk, is_within

_MAGIC = re.compile(r"[*?\[]")
_CLASS = re.compile(r"\[([!^]?)(\][^\]]*|[^\]]+)\]")
_WILD = {"*": "[^/]*", "?": "[^/]"}


def is_glob(text: str) -> bool:
    """Whether `text` has wildcards."""
    return _MAGIC.search(text) is not None


class Glob:
    """A pattern of paths with `/`: `*`, `?`, `[a-z]` within a name, `**` for any folders.

    `root` is the folder that its fixed beginning names. Wildcards match no name that begins
    with a dot. What lies beneath a folder that matches is taken with it.
    """

    def __init__(self, pattern: str) -> None:
        parts = pattern.rstrip("/").split("/")
        fixed = next((n for n, part in enumerate(parts) if is_glob(part)), len(parts) - 1)
        self.pattern = pattern
        self.root = "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else "")
        self._prefix = self.root.rstrip("/") + "/" if self.root else ""
        steps = parts[fixed:]
        self._own = re.compile(_expression(steps), re.DOTALL)
        self._all = re.compile(_expression(steps) + "(?:/.*)?", re.DOTALL)
        ahead = steps.index("**") if "**" in steps else len(steps)
        self._on_the_way = re.compile(_nested(steps[:ahead], "**" in steps), re.DOTALL)

    def names(self, path: str) -> bool:
        """Whether `path` itself is of the pattern."""
        return self._within(path, self._own)

    def matches(self, path: str) -> bool:
        """Whether `path`, or a folder above it, is of the pattern."""
        return self._within(path, self._all)

    def enters(self, folder: str) -> bool:
        """Whether something beneath `folder` may match."""
        return self._within(folder, self._on_the_way) or self.matches(folder)

    def _within(self, path: str, pattern: re.Pattern[str]) -> bool:
        inside = path.startswith(self._prefix)
        return inside and pattern.fullmatch(path, len(self._prefix)) is not None


class Selection:
    """What paths and globs, all absolute, choose among the files on disk.

    `roots` are the paths, and the folders that the globs begin with.
    """

    def __init__(self, paths: Sequence[str], globs: Sequence[str]) -> None:
        self.paths = frozenset(paths)
        self._globs = [Glob(pattern) for pattern in globs]
        self.roots = self.paths | {glob.root for glob in self._globs}

    def takes(self, path: str) -> bool:
        """Whether the file `path` is chosen."""
        return is_within(path, self.paths) or any(glob.matches(path) for glob in self._globs)

    def takes_beneath(self, path: str) -> bool:
        """The same for what lies beneath one of the roots, and faster."""
        return not self._globs or self.takes(path)

    def enters(self, folder: str) -> bool:
        """Whether a file beneath `folder`, itself beneath one of the roots, may be chosen."""
        if not self._globs or is_within(folder, self.paths):
            return True
        return any(glob.enters(folder) for glob in self._globs)

    def fruitless(self) -> list[str]:
        """The globs that match nothing now."""
        return [glob.pattern for glob in self._globs if not _finds(glob)]


def _finds(glob: Glob) -> bool:
    if not Path(glob.root).is_dir():
        return False
    walk = Walk(frozenset({glob.root}), enters=glob.enters)
    return any(glob.matches(step.path) for step in walk.folder(glob.root))


def _expression(steps: Sequence[str]) -> str:
    parts = []
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        if step == "**":
            parts.append(f"(?:{_name('*')}/)*" + (_name("*") if last else ""))
        else:
            parts.append(_name(step) + ("" if last else "/"))
    return "".join(parts)


def _nested(steps: Sequence[str], deeper: bool) -> str:
    """The folders on the way to a match: `a*/b*/c` is reached through `a*` and `a*/b*`."""
    expression = f"(?:{_name('*')}/)*{_name('*')}" if deeper else ""
    for step in reversed(steps):
        expression = _name(step) + (f"(?:/{expression})?" if expression else "")
    return expression


def _name(step: str) -> str:
    """One name's pattern as a regular expression."""
    parts = ["" if step.startswith(".") else r"(?!\.)"]
    position = 0
    while position < len(step):
        found = _CLASS.match(step, position)
        token = found[0] if found else step[position]
        parts.append(_WILD.get(token) or (found and _class(found)) or re.escape(token))
        position += len(token)
    # An empty name is none, and "*" alone would match it.
    return "(?=[^/])" + "".join(parts)


def _class(found: re.Match[str]) -> str:
    """A choice of characters; "" for what is none, such as `[z-a]`, and thereby text."""
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", found[2])
    members = members.replace("--", r"-\-")  # which re would warn of
    expression = f"(?!/)[{'^' if found[1] else ''}{members}]"
    try:
        re.compile(expression)
    except re.error:
        return ""
    return expression

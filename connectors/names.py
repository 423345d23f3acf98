"""The names of files as sources: one printable line each, and back to the path."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

# Control characters, line and paragraph separators, and marks that turn the direction of
# writing; bytes that are not UTF-8 (as surrogates); and the percent sign itself.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f%\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Up to the last @ before the path, for a password may have one in it.
_PASSWORD = re.compile(r"(?<=://)[^/\s]*@")

# How the names of all other sources begin: a scheme, or the name of a connector.
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]+:")


def absolute(path: str | Path) -> Path:
    """`path` from the root, without `.` and `..`; links stay as the user wrote them."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the links


def source_name(path: str | Path, base: Path | None) -> str:
    """The name of `path`: relative to `base` where inside it, else absolute, with `/`.

    What cannot be printed on one line is percent-encoded, and so is `%`. A name that could be
    taken for that of another kind of source begins with `./`.
    """
    name = absolute(path)
    if base is not None and name.is_relative_to(absolute(base)):
        name = name.relative_to(absolute(base))
    shown = printable(name.as_posix())
    return f"./{shown}" if is_elsewhere(shown) else shown


def printable(text: str) -> str:
    """`text` on one line that can be shown and stored; different texts stay different."""
    return _UNPRINTABLE.sub(_encode, text)


def without_password(text: str) -> str:
    """`text` without the user and password of the URLs in it."""
    return _PASSWORD.sub("", text)


def is_elsewhere(name: str) -> bool:
    """Whether `name` is that of a source which is no file, such as `https://...` or `mail:...`."""
    return _ELSEWHERE.match(name) is not None


def source_path(name: str, base: Path | None) -> str:
    """The absolute path that `source_name` named: its inverse."""
    path = name
    if "%" in name:
        path = unquote_to_bytes(name).decode("utf-8", "surrogateescape")
    if path.startswith("/"):
        return path
    # Plain string work: an update asks this of every document in an index.
    above = os.path.abspath(base or ".")  # noqa: PTH100
    return above if path == "." else f"{above.rstrip('/')}/{path.removeprefix('./')}"


def readable_stem(path: str | Path) -> str:
    """The file's name without its extension, as a title: one line of valid text."""
    stem = Path(path).stem.encode("utf-8", "replace").decode("utf-8")
    return " ".join(_UNPRINTABLE.sub(lambda m: "%" if m[0] == "%" else " ", stem).split())


def _encode(match: re.Match[str]) -> str:
    # Bytes of a file's name are \udc80 to \udcff; any other half of a pair is passed as it is.
    escaped = "\udc80" <= match[0] <= "\udcff"
    encoded = match[0].encode("utf-8", "surrogateescape" if escaped else "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in encoded)

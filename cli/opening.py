"""Sources opened by the programs that the system has for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from rag.cli.output import clean, one_line
from rag.cli.place import place
from rag.connectors.names import is_elsewhere, source_path
from rag.errors import RequestError
from rag.whereabouts import Placed

_WEB = frozenset({"http", "https"})
# Files that programs show. A system may run others instead, such as scripts.
_SHOWN = frozenset({
    ".adoc", ".asciidoc", ".csv", ".docx", ".eml", ".epub", ".htm", ".html", ".ipynb", ".json",
    ".jsonl", ".log", ".markdown", ".md", ".odp", ".ods", ".odt", ".pdf", ".pptx", ".rst", ".rtf",
    ".srt", ".tex", ".tsv", ".txt", ".vtt", ".xhtml", ".xlsx", ".xml", ".yaml", ".yml",
})  # fmt: skip
# An opener that runs longer shows the file itself.
_SECONDS = 2.0


def open_source(cited: Placed, base: Path) -> str:
    """Have the system show what is cited; one line that says what was opened, and where to look.

    Names of files are relative to `base`. Raises RequestError, with the path, where the system
    cannot show it, or where it might run it instead.
    """
    if is_elsewhere(cited.source):
        _launch(_address(cited))
    else:
        _launch(str(_file(cited.source, base)))
    return f"opened {place(cited)}"


def _address(cited: Placed) -> str:
    """The page of the web that is cited; in a PDF file with the page, which browsers go to."""
    source = cited.source
    parts = urlsplit(source)
    if parts.scheme not in _WEB or not parts.netloc:
        raise RequestError(f"'{source}' is neither a file nor a web page: it cannot be opened")
    if clean(source) != source or any(character.isspace() for character in source):
        raise RequestError(f"'{one_line(source)}' is no valid address: it is not opened")
    if parts.path.lower().endswith(".pdf") and cited.page is not None and not parts.fragment:
        return f"{source.removesuffix('#')}#page={cited.page}"
    return source


def _file(source: str, base: Path) -> Path:
    path = Path(source_path(source, base))
    if not path.is_file():
        raise RequestError(_missing(source, path))
    for suffix in (path.suffix.lower(), path.resolve().suffix.lower()):
        if suffix not in _SHOWN:
            kind = f"files that end in '{suffix}'" if suffix else "files without a suffix"
            raise RequestError(f"{path}: not opened, as some systems run {kind}; open it yourself")
    return path


def _missing(source: str, path: Path) -> str:
    archive = next((above for above in path.parents if above.is_file()), None)
    if archive is not None:
        return f"{source}: it lies inside '{archive}': open that"
    return f"{source}: no such file any more; 'rag index' brings the index up to date"


def _launch(target: str) -> None:
    """Hand `target` to the system's opener. Raises RequestError where that fails."""
    if sys.platform == "win32":
        try:
            os.startfile(target)  # noqa: S606 a file that is shown, never run
        except OSError as error:
            raise RequestError(f"{target}: {error.strerror or error}") from error
        return
    name = "open" if sys.platform == "darwin" else "xdg-open"
    opener = shutil.which(name)
    if opener is None:
        raise RequestError(f"this machine has no '{name}' to open it: {target}")
    code = _run(opener, target)
    if code:
        raise RequestError(f"'{name}' cannot open it (exit code {code}): {target}")


def _run(opener: str, target: str) -> int:
    """The exit code; 0 for an opener that still runs.

    It has a session of its own, so that Ctrl-C is not for it, and none of our streams, so that a
    pipe ends with us.
    """
    process = subprocess.Popen(  # noqa: S603 the opener, with one path or address
        [opener, target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    waiting = threading.Thread(target=process.wait, daemon=True)
    waiting.start()
    waiting.join(_SECONDS)
    return process.returncode or 0

"""What people name as sources, opened: paths, URLs, `NAME:...`, and components written out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from rag import registry
from rag.config.component import Component, check
from rag.connectors.chain import Chain
from rag.connectors.globs import is_glob
from rag.connectors.names import without_password
from rag.connectors.storage.archive import archive_kind
from rag.errors import SourceError
from rag.protocols import Connector

Source: TypeAlias = str | Path | Mapping[str, object] | Connector

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_STDIN = "-"
_NO_MAPPING = "what stands in braces is not a mapping in YAML"


def open_sources(sources: Sequence[Source], **given: object) -> Connector:
    """One connector for all of `sources`; `given` is what the program supplies to each.

    A source is a path or a glob; a URL whose scheme a connector takes; `NAME:...`, the name of
    a connector and what it reads; `-`, standard input; a mapping (or its YAML) of a connector
    and its options, such as `{use: sql, url: "sqlite:///notes.db", query: "..."}`; or a
    connector. Raises SourceError for one that cannot be read so.
    """
    if not sources:
        raise SourceError("no source is given; name a file or a folder")
    paths: list[str] = []
    opened: dict[str, Connector] = {}
    written: list[Component] = []
    for source in map(_local, sources):
        if isinstance(source, Connector):
            opened[f"{type(source).__name__} {len(opened) + 1}"] = source
        elif (component := _component(source)) is None:
            assert isinstance(source, str | Path)
            paths.append(str(source))
        elif component not in written:
            written.append(component)
            opened[_label(component, opened)] = component.build(**given)
    if paths:
        # Together, so that a file named beside its folder is listed once.
        files = _checked({"use": "files", "paths": paths}).build(**given)
        opened = {", ".join(paths): files, **opened}
    return next(iter(opened.values())) if len(opened) == 1 else Chain(opened)


def _label(component: Component, taken: Collection[str]) -> str:
    """What to call a source in a message, unlike those taken; options may hold secrets."""
    what = component.options.get(getattr(_class(component.use), "shorthand", ""), "")
    shown = what if isinstance(what, str) else json.dumps(what, default=str)
    shown = without_password(shown)
    name = shown if "://" in shown else f"{component.use}:{shown}"
    return name if name not in taken else f"{name} ({component.use} {len(taken) + 1})"


def _component(source: str | Path | Mapping[str, object]) -> Component | None:
    """The connector that `source` names and its options; None for a path."""
    if isinstance(source, Mapping):
        return _checked(source)
    if _is_archive(source):
        return _checked({"use": "remote", "url": str(source)})
    if isinstance(source, Path):
        return None
    if source.lstrip().startswith("{"):
        return _checked(_mapping(source))
    return _checked({"use": "stdin"}) if source == _STDIN else _by_scheme(source)


def _local(source: Source) -> Source:
    """`source`, as a path where it is a `file://` URL."""
    if not isinstance(source, str) or not source.lower().startswith("file://"):
        return source
    parts = urlsplit(source)
    if parts.netloc not in {"", "localhost"}:
        raise SourceError(f"'{source}' is on another machine; write file:///, or a path")
    return Path(unquote(source[len("file://") + len(parts.netloc) :]))


def _is_archive(source: str | Path) -> bool:
    """Whether `source` is a file on disk that is called as archives are."""
    # Unlike Path.is_file, this takes any text, such as a mapping in YAML.
    return archive_kind(str(source)) is not None and os.path.isfile(source)  # noqa: PTH113


def _by_scheme(source: str) -> Component | None:
    found = _SCHEME.match(source)
    if found is None:
        return None
    scheme, rest = found[1].lower(), source[found.end() :]
    known = registry.names("connector")
    named = scheme in known and hasattr(_class(scheme), "shorthand")
    # `git://host/...` is a URL, although `git:` is also the name of the connector.
    if named and not (rest.startswith("//") and scheme in _schemes(scheme)):
        # The shell leaves a `~` within a word alone.
        home = os.path.expanduser(rest) if rest.startswith("~/") else rest  # noqa: PTH111
        return _checked({"use": scheme, _class(scheme).shorthand: home})
    if not rest.startswith(("//", ":")):
        return None if os.path.lexists(source) or is_glob(source) else _misnamed(source, scheme)
    return _checked({"use": (use := _taking(scheme)), _class(use).shorthand: source})


def _misnamed(source: str, scheme: str) -> Component:
    """Complain of `scheme:...` that is no file, no URL, and no connector's short form."""
    known = registry.names("connector")
    if scheme in known:
        return _checked({"use": scheme})
    raise SourceError(
        f"no such file: '{source}', and {registry.unknown('connector', scheme, known)}"
    )


def _taking(scheme: str) -> str:
    """The connector that takes URLs of `scheme`."""
    taken = {one: name for name in registry.names("connector") for one in _schemes(name)}
    if scheme not in taken:
        # Of `postgresql`, `postgresql+psycopg` and so on, one is enough to name.
        plain = [one for one in taken if one.partition("+")[0] not in taken or "+" not in one]
        raise SourceError(registry.unknown("scheme", scheme, plain))
    return taken[scheme]


def _schemes(name: str) -> Sequence[str]:
    return getattr(_class(name), "schemes", ())


def _class(name: str) -> Any:
    return registry.load("connector", name)


def _mapping(text: str) -> Mapping[str, object]:
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SourceError(f"{_NO_MAPPING}: {_fault(error)}") from None
    if not isinstance(found, dict):
        raise SourceError(f"{_NO_MAPPING}, such as {{use: web, url: ...}}")
    return found


def _fault(error: Exception) -> str:
    """What YAML found and where, without the text around it, in which a password may stand."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    return f"{problem}, at character {mark.index + 1}" if mark is not None else str(problem)


def _checked(given: Mapping[str, object]) -> Component:
    options = {str(key): value for key, value in given.items() if key != "use"}
    use = given.get("use")
    if not isinstance(use, str):
        taken = ", ".join(registry.names("connector"))
        raise SourceError(f"a source written out says which connector to 'use': {taken}")
    checked, complaints = check(_class(use), use, options)
    if checked is None:
        raise SourceError(f"source '{use}': {'; '.join(text for _, text in complaints)}")
    return Component("connector", use, checked)


__all__ = ["Source", "open_sources"]

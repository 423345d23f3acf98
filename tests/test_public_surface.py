"""What callers may rely on: the names of the package, its packages, cheap import, errors."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rag
from rag import errors

ROOT = Path(__file__).parents[1]
HEAVY = "torch transformers sentence_transformers faiss langchain langchain_core numpy tantivy"


def test_names() -> None:
    assert rag.__all__ == [
        "AllOf",
        "Answer",
        "AnyOf",
        "Citation",
        "Condition",
        "Delta",
        "Document",
        "Hit",
        "Not",
        "Passage",
        "Query",
        "Rag",
        "RagError",
        "Ranking",
        "Statement",
        "Turn",
        "Unanswered",
    ]
    assert all(inspect.isclass(getattr(rag, name)) for name in rag.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        rag.Nothing  # noqa: B018


def test_import_is_cheap() -> None:
    code = f"import sys, rag; print([m for m in {HEAVY.split()!r} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_packages_are_the_folders() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = set()
    for top in ("rag", "connectors", "pipelines", "cli"):
        for file in (ROOT / top).rglob("__init__.py"):
            parts = file.parent.relative_to(ROOT).parts
            found.add(".".join(parts if top == "rag" else ("rag", *parts)))
    assert sorted(settings["packages"]) == sorted(found)
    for name, folder in settings["package-dir"].items():
        assert (ROOT / folder / "__init__.py").is_file(), name


def test_every_entry_point_loads() -> None:
    from rag.registry import GROUPS, load, names

    for kind in GROUPS:
        for name in names(kind):
            assert load(kind, name) is not None


def test_error_tree_is_the_drawn_one() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│ ├└─]*)(\w+Error|RagError)\b", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        path = [*path[:depth], found[2]]
        drawn[found[2]] = path[-2] if depth else "Exception"
    actual = {
        name: one.__base__.__name__
        for name, one in vars(errors).items()
        if inspect.isclass(one) and issubclass(one, Exception) and one.__base__ is not None
    }
    assert drawn == actual

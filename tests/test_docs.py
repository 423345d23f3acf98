"""The documentation says what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from rag import registry
from rag.cli.main import app
from rag.config import parse_pipeline
from rag.errors import RagError

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IN_PIPELINES = sorted(set(registry.GROUPS) - {"connector", "format", "model"})


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    return [str(block) for block in found]


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    level = heading.index(" ")
    _, found, rest = page.read_text("utf-8").partition(f"\n{heading}\n")
    assert found, f"{named(page)} has no heading '{heading}'"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.M)[0]


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


COMMANDS = dict(commands(typer.main.get_command(app), "rag"))


def test_generated_parts_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_documented(path: str) -> None:
    text = section(ROOT / "docs/commands.md", f"## `{path}`")
    for parameter in COMMANDS[path].params:
        if parameter.param_type_name == "option":
            missing = [
                name for name in parameter.opts if not re.search(rf"^ +.*{name}\b", text, re.M)
            ]
            assert not missing


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in IN_PIPELINES for name in registry.names(kind)]
)
def test_every_component_and_option_is_documented(kind: str, name: str) -> None:
    text = (ROOT / "docs/pipelines.md").read_text("utf-8")
    options = registry.options(registry.load(kind, name))
    # A name may stand for several kinds: one of its sections has just these options.
    tables = [
        set(re.findall(r"^\| `([^`]+)` \|", part.split("\n#")[0], re.M))
        for part in text.split(f"\n#### `{name}`\n")[1:]
    ]
    assert set(options) in tables


@pytest.mark.parametrize("name", registry.names("connector"))
def test_every_connector_and_option_is_documented(name: str) -> None:
    text = section(ROOT / "docs/sources.md", f"### `{name}`")
    options = set(registry.options(registry.load("connector", name)))
    assert options == set(re.findall(r"^\| `([^`]+)` \|", text, re.M))


@pytest.mark.parametrize("name", registry.names("format"))
def test_every_format_and_extension_is_documented(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*$", (ROOT / "docs/formats.md").read_text("utf-8"), re.M)
    assert all(f"`{extension}`" in row for extension in registry.load("format", name).extensions)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_relative_links_resolve(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8"))
    local = [link for link in links if not link.startswith(("https://", "http://"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_make_targets_in_the_readme_exist() -> None:
    told = set(re.findall(r"\bmake ([a-z]+)\b", _code(ROOT / "README.md")))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert {"demo", "test"} <= told <= targets


def test_commands_in_the_readme_exist() -> None:
    code = _code(ROOT / "README.md")
    told = set(re.findall(r"^(?:\$ )?(rag(?: [a-z]+)+)\b", code, re.M))
    told |= set(re.findall(r"`(rag(?: [a-z]+)+)\b", code))
    assert {"rag index", "rag ask", "rag search"} <= {" ".join(one.split()[:2]) for one in told}
    assert [one for one in told if " ".join(one.split()[:2]) not in COMMANDS] == []


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = {re.split(r"[<>=\[]", one)[0] for one in project["dependencies"]}
    text = (ROOT / "docs/dependencies.md").read_text("utf-8")
    cells = re.findall(r"^\| ([\w, -]+) \|", text, re.M)
    named_there = {name for cell in cells for name in cell.split(", ")}
    assert named_there - {"package", "---"} == listed


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs/pipelines.md"], ids=named)
def test_pipelines_shown_are_sound(page: Path) -> None:
    shown = blocks(page, "yaml")
    assert shown
    for text in shown:
        try:
            parse_pipeline(text, named(page))
        except RagError as error:
            pytest.fail(str(error))


def test_python_in_the_sources_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "contract.md").write_text("The notice period is three months.\n")
    monkeypatch.chdir(tmp_path)
    (text,) = blocks(ROOT / "docs/sources.md", "python")
    exec(compile(text, "sources.md", "exec"), {})
    assert (tmp_path / ".rag" / "index.db").is_file()


def test_python_in_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "contract.md").write_text(
        "# Contract\n\n## Ending it\n\nThe notice period is three months.\n"
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for text in blocks(ROOT / "README.md", "python"):
        exec(compile(text, "README.md", "exec"), names)
    assert "docs/contract.md None The notice period is three months." in capsys.readouterr().out


def _code(page: Path) -> str:
    """Everything in a page that is set as code."""
    text = page.read_text("utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    inline = re.findall(r"(`[^`\n]+`)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return "\n".join([*fenced, *inline])

"""What is packaged is what there is, and it works where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MAPPED = PROJECT["tool"]["setuptools"]["package-dir"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
LEFT_OUT = shutil.ignore_patterns(
    ".*", "build", "dist", "*.egg-info", "__pycache__", "sample_corpus", "shared"
)


def packages_on_disk() -> set[str]:
    found = set()
    for name, folder in MAPPED.items():
        for file in (ROOT / folder).rglob("__init__.py"):
            inner = file.parent.relative_to(ROOT / folder).parts
            found.add(".".join((name, *inner)))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_folder_with_code_is_a_listed_package() -> None:
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages_on_disk()


def test_entry_points_name_what_exists() -> None:
    for group in PROJECT["project"]["entry-points"].values():
        for target in group.values():
            module, _, name = target.partition(":")
            file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
            assert re.search(rf"^(class )?{name}\b", file.read_text("utf-8"), re.M), target


def test_constraints_pin_every_listed_package() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = {normal(line.partition("==")[0]) for line in lines}
    listed = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    assert {normal(re.split(r"[<>=\[ ]", one)[0]) for one in listed} - pinned == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built through the source distribution, without a network."""
    folder = tmp_path_factory.mktemp("packaging")
    shutil.copytree(ROOT, folder / "source", symlinks=True, ignore=LEFT_OUT)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist")]
    done = subprocess.run(
        [*command, str(folder / "source")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "dist").glob("*.whl")
    return built


def test_the_wheel_holds_one_package_and_all_of_it(wheel: Path) -> None:
    names = {PurePosixPath(name) for name in zipfile.ZipFile(wheel).namelist()}
    tops = {name.parts[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"rag"}
    expected = {
        PurePosixPath(*package.split("."), file.name)
        for package in PROJECT["tool"]["setuptools"]["packages"]
        for file in ROOT.joinpath(*package.split(".")).iterdir()
        if file.suffix in {".py", ".yaml", ".html", ".json"} or file.name == "py.typed"
    }
    assert {name for name in names if name.parts[0] == "rag"} == expected


def test_the_wheel_works_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(installed), str(wheel)], check=True, cwd=tmp_path)
    code = "import rag.cli.main; print(rag.__file__); raise SystemExit(rag.cli.main.main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "pipeline", "list"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    place, *presets = done.stdout.splitlines()
    assert Path(place).is_relative_to(installed)
    assert {line.split()[0] for line in presets} == {
        file.stem for file in (ROOT / "pipelines").glob("*.yaml")
    }

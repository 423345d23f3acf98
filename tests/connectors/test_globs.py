import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.connectors.files import FilesConnector
from rag.connectors.globs import Glob, is_glob
from rag.errors import SourceError

Make = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.md", "b.txt", "docs/c.md", "docs/sub/d.md", "docs/sub/deep/e.md",
                 "docs/.hidden.md", ".git/f.md", "docs/sub/g.txt", "docs/c.exe"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Some text.")
    return tmp_path


def connect(base: Path, *patterns: str, **options: Any) -> FilesConnector:
    return FilesConnector(paths=[str(base / one) for one in patterns], base=base, **options)


def sources(base: Path, *patterns: str) -> list[str]:
    return [step.source for step in connect(base, *patterns).items()]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.md", ["a.md"]),
        ("**/*.md", ["a.md", "docs/c.md", "docs/sub/d.md", "docs/sub/deep/e.md"]),
        ("docs/**/*.md", ["docs/c.md", "docs/sub/d.md", "docs/sub/deep/e.md"]),
        ("docs/*/*.md", ["docs/sub/d.md"]),
        ("docs/s*", ["docs/sub/d.md", "docs/sub/deep/e.md", "docs/sub/g.txt"]),
        ("**/deep/**", ["docs/sub/deep/e.md"]),
        ("docs/[a-c].m?", ["docs/c.md"]),
        ("docs/[!c]*/d.md", ["docs/sub/d.md"]),
        ("docs/../*.md", ["a.md"]),
    ],
)
def test_what_matches_is_listed_and_covered(tree: Path, pattern: str, found: list[str]) -> None:
    connector = connect(tree, pattern)
    assert [step.source for step in connector.items()] == found
    everything = sources(tree, ".")
    assert [source for source in everything if connector.covers(source)] == found
    assert not connector.covers("docs/.hidden.md") and not connector.covers("mail:x")


def test_a_removed_file_is_covered_where_the_glob_would_match_it(tree: Path) -> None:
    connector = connect(tree, "docs/**/*.md")
    list(connector.items())
    assert connector.covers("docs/gone.md") and connector.covers("docs/x/y/gone.md")
    assert not connector.covers("gone.md") and not connector.covers("docs/gone.txt")


def test_globs_and_paths_together_list_each_file_once(tree: Path) -> None:
    assert sources(tree, "docs/sub/*.md", "docs/**/*.txt", "*.md") == [
        "a.md", "docs/sub/d.md", "docs/sub/g.txt"
    ]  # fmt: skip
    assert sources(tree, "docs/**/*.txt", "docs/sub/deep", "docs/c.md") == [
        "docs/sub/g.txt", "docs/c.md", "docs/sub/deep/e.md"
    ]  # fmt: skip
    both = sources(tree, "docs", "docs/sub/*.md")
    assert sorted(both) == sorted(sources(tree, "docs"))


def test_a_path_that_exists_is_no_glob(tree: Path) -> None:
    (tree / "x[1].md").write_text("Literal.")
    (tree / "x1.md").write_text("Other.")
    assert sources(tree, "x[1].md") == ["x[1].md"]
    (tree / "x[1].md").unlink()
    assert sources(tree, "x[1].md") == ["x1.md"]


@pytest.mark.parametrize("pattern", ["*.pdf", "nowhere/*.md", "a.md/*.md", "docs/.*"])
def test_a_glob_that_matches_nothing_is_an_error(tree: Path, pattern: str) -> None:
    with pytest.raises(SourceError) as caught:
        connect(tree, pattern)
    told = str(caught.value)
    assert told.startswith("no file matches '") and pattern in told and "\n" not in told


def test_ignored_files_do_not_match_and_others_are_counted(tree: Path) -> None:
    (tree / ".gitignore").write_text("sub/\n")
    assert sources(tree, "docs/**/*.md") == ["docs/c.md", "docs/sub/d.md", "docs/sub/deep/e.md"]
    assert sources(tree, "**/*.md") == ["a.md", "docs/c.md"]
    connector = connect(tree, "docs/c.*")
    assert len(list(connector.items())) == 1
    assert connector.skipped == {".exe": 1}


def test_folders_that_cannot_match_are_not_entered(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[str] = []
    scandir = os.scandir

    def watched(path: str) -> Any:
        entered.append(os.path.relpath(path, tree))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watched)
    assert sources(tree, "docs/s*/*.md") == ["docs/sub/d.md"]
    assert set(entered) == {"docs", "docs/sub"}


NAMES = st.text("ab.[]!-^\\*?", min_size=1, max_size=5)


@given(
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(st.text("ab.-", min_size=1), min_size=1, max_size=4),
)
def test_any_pattern_compiles_and_enters_what_leads_to_a_match(
    pattern: list[str], path: list[str]
) -> None:
    glob = Glob("/" + "/".join(pattern))
    whole = "/" + "/".join(path)
    if glob.matches(whole):
        above = [whole.rsplit("/", n)[0] for n in range(1, len(path))]
        prefix = glob.root.rstrip("/") + "/"
        assert all(glob.enters(folder) for folder in above if folder.startswith(prefix))


@given(st.text("ab[!-]*?", min_size=1, max_size=6), st.text("ab", min_size=1, max_size=4))
def test_one_name_matches_as_in_a_shell(pattern: str, name: str) -> None:
    import fnmatch

    if is_glob(pattern) and "[" not in pattern and "**" not in pattern:
        expected = re.fullmatch(fnmatch.translate(pattern), name) is not None
        assert Glob(f"/{pattern}").matches(f"/{name}") == expected

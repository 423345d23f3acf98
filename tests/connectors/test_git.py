"""Real repositories, made by git in a temporary folder, and one fetched from git's own server."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag import registry
from rag.connectors.git import GitConnector
from rag.connectors.repository.clone import Clone, as_url
from rag.errors import DocumentError, SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.testing import ConnectorSuite
from rag.types import Failure, Item

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Repository:
    """A repository with a working tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, text: str = "") -> str:
        known = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org"}
        known |= {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org"}
        command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | known, input=text.encode(), check=True,
            capture_output=True,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str | bytes]) -> str:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message=more")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "notes")


def connect(repository: Repository, **options: Any) -> GitConnector:
    base = repository.folder.parent
    return GitConnector(repository=str(repository.folder), base=base, **options)


def items(connector: Connector) -> list[Item]:
    return [step for step in connector.items() if isinstance(step, Item)]


def sources(connector: Connector) -> list[str]:
    return [step.source for step in connector.items()]


class TestGit(ConnectorSuite):
    def make(self, folder: Path) -> GitConnector:
        repository = Repository(folder)
        repository.commit({"a.md": "# A\n\nText.", "b/c.txt": "More.", "d.md": b"\0\1"})
        return connect(repository)


def test_it_is_registered() -> None:
    assert registry.load("connector", "git") is GitConnector


def test_a_document_is_read_as_committed(repository: Repository) -> None:
    repository.commit({"guides/port fees.md": "Some *text*."})
    (repository.folder / "guides/port fees.md").write_text("Not committed.")
    (repository.folder / "new.md").write_text("Not committed.")
    (item,) = items(connect(repository))
    document = item.load()
    assert item.id == "git:notes#guides/port fees.md" and item.size == 12
    assert (document.text, document.title) == ("Some *text*.", "port fees")
    assert document.metadata["blob"] == repository.git("rev-parse", "HEAD:guides/port fees.md")


def test_a_new_commit_changes_the_versions_of_changed_files_alone(repository: Repository) -> None:
    repository.commit({"a.md": "one", "b.md": "one", "sub/c.md": "one"})
    before = {item.id: item.version for item in items(connect(repository))}
    repository.commit({"b.md": "two"})
    after = {item.id: item.version for item in items(connect(repository))}
    assert [key for key in before if before[key] != after[key]] == ["git:notes#b.md"]


def test_branches_tags_and_commits(repository: Repository) -> None:
    first = repository.commit({"a.md": "one"})
    repository.git("tag", "v1")
    repository.git("tag", "-a", "v1-signed", "-m", "annotated")
    repository.git("checkout", "--quiet", "-b", "draft/x")
    repository.commit({"a.md": "two", "b.md": "new"})
    repository.git("checkout", "--quiet", "main")
    for ref in ("v1", "v1-signed", first, first[:10], "main", "HEAD"):
        assert [item.load().text for item in items(connect(repository, ref=ref))] == ["one"], ref
    draft = connect(repository, ref="draft/x")
    assert sources(draft) == ["git:notes@draft/x#a.md", "git:notes@draft/x#b.md"]
    assert not draft.covers("git:notes#a.md")


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "", "HEAD:a.md", "a b", "HEAD^{tree}"])
def test_a_ref_that_is_none(repository: Repository, ref: str) -> None:
    repository.commit({"a.md": "one"})
    with pytest.raises(SourceError) as caught:
        items(connect(repository, ref=ref))
    assert "\n" not in str(caught.value)


def test_no_repository_and_no_commit(tmp_path: Path, repository: Repository) -> None:
    with pytest.raises(SourceError, match=r"no such repository: '.*nowhere'"):
        GitConnector(repository=str(tmp_path / "nowhere"))
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceError, match=r"cannot read .*plain with git: not a git repository"):
        items(GitConnector(repository=str(tmp_path / "plain")))
    with pytest.raises(SourceError, match="no commit 'HEAD' in notes"):
        items(connect(repository))


def test_one_folder_or_file_of_a_repository(repository: Repository) -> None:
    repository.commit({"docs/a.md": "x", "docs/b/c.md": "x", "docs2/d.md": "x", "e.md": "x"})
    folder = connect(repository, path="docs/")
    assert sources(folder) == ["git:notes#docs/a.md", "git:notes#docs/b/c.md"]
    assert folder.covers("git:notes#docs/gone.md") and not folder.covers("git:notes#docs2/d.md")
    assert sources(connect(repository, path="e.md")) == ["git:notes#e.md"]
    for path in ("doc", "*", "../notes"):
        with pytest.raises(SourceError, match=r"is not in notes; check the spelling"):
            items(connect(repository, path=path))


def test_links_and_submodules_are_passed_over_and_counted(repository: Repository) -> None:
    (repository.folder / "link.md").symlink_to("/etc/passwd")
    commit = repository.commit({"a.md": "x", "b.exe": "x", ".hidden.md": "x", ".ci/c.md": "x"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    repository.git("commit", "--quiet", "-m", "module")
    connector = connect(repository)
    assert sources(connector) == ["git:notes#a.md"]
    assert connector.skipped == {"symlink": 1, "submodule": 1, ".exe": 1}


def test_ragignore_holds_for_its_folder_and_below(repository: Repository) -> None:
    repository.commit({
        ".ragignore": "build/\n*.txt\n", "sub/.ragignore": "!keep.txt\nlocal.md\n",
        ".gitignore": "*.md\n", "build/a.md": "x", "a.txt": "x", "b.md": "x", "local.md": "x",
        "sub/keep.txt": "x", "sub/other.txt": "x", "sub/local.md": "x", "sub/build/c.md": "x",
    })  # fmt: skip
    found = [source.partition("#")[2] for source in sources(connect(repository))]
    assert found == ["b.md", "local.md", "sub/keep.txt"]


def test_pointers_binaries_and_large_files_are_failures(repository: Repository) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    repository.commit({"a.md": pointer, "b.txt": b"x\0y", "c.md": "x" * 200, "d.md": "fine"})
    steps = list(connect(repository, max_bytes=150).items())
    told = {}
    for step in steps:
        try:
            told[step.source[-4:]] = step.error if isinstance(step, Failure) else step.load().text
        except DocumentError as error:
            told[step.source[-4:]] = str(error)
    assert "is a Git LFS pointer" in told["a.md"] and "binary" in told["b.txt"[-4:]]
    assert "max_bytes" in told["c.md"] and told["d.md"] == "fine"


def test_names_stay_on_one_line(repository: Repository) -> None:
    repository.commit({"a\nb.md": "x", "\u05d0 c.md": "x"})
    (repository.folder / "a\nb.md").rename(
        os.fsdecode(os.fsencode(repository.folder) + b"/\xff.md")
    )
    repository.commit({"d\te.md": "x"})
    found = [source.partition("#")[2] for source in sources(connect(repository))]
    assert sorted(found) == ["%FF.md", "d%09e.md", "\u05d0 c.md"]
    assert all(item.load().text == "x" for item in items(connect(repository)))


def test_hooks_and_programs_of_a_repository_do_not_run(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a.md": "x", ".gitattributes": "*.md filter=evil diff=evil\n"})
    touch = f"touch {tmp_path / 'ran'}; cat"
    for key in ("filter.evil.smudge", "diff.evil.textconv", "core.fsmonitor", "core.sshCommand"):
        repository.git("config", key, touch)
    hooks = repository.folder / ".git/hooks"
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
        (hooks / name).chmod(0o755)
    assert [item.load().text for item in items(connect(repository))] == ["x"]
    assert not (tmp_path / "ran").exists()


def test_the_environment_does_not_point_elsewhere(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"wrong.md": "x"})
    repository.commit({"right.md": "x"})
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    assert sources(connect(repository)) == ["git:notes#right.md"]


def test_a_damaged_repository_covers_nothing(repository: Repository) -> None:
    repository.commit({"a.md": "one", "sub/b.md": "two"})
    tree = repository.git("rev-parse", "HEAD:sub")
    (repository.folder / ".git/objects" / tree[:2] / tree[2:]).unlink()
    connector = connect(repository)
    steps = list(connector.items())
    assert any(isinstance(step, Failure) and "ended early" in step.error for step in steps)
    assert not connector.covers("git:notes#sub/b.md")


@pytest.fixture
def served(repository: Repository) -> Iterator[str]:
    """The repository behind git's own server on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    server = subprocess.Popen([*command, f"--base-path={repository.folder.parent}"],
                              stderr=subprocess.DEVNULL, process_group=0)  # fmt: skip
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"git://127.0.0.1:{port}/notes/.git"
    os.killpg(server.pid, 9)
    server.wait()


def test_a_repository_elsewhere_is_fetched_and_fetched_again(
    repository: Repository, served: str, tmp_path: Path
) -> None:
    repository.commit({"old.md": "gone"})
    repository.git("rm", "--quiet", "old.md")
    repository.commit({"a.md": "one"})
    connector = open_sources([served], base=tmp_path)
    assert isinstance(connector, GitConnector)
    assert [item.load().text for item in items(connector)] == ["one"]
    assert sources(connector) == [f"git:{served}#a.md"]
    repository.commit({"a.md": "two"})
    assert [item.load().text for item in items(connector)] == ["two"]
    (clone,) = (tmp_path / "cache/ragline/git").glob("*/")
    assert (clone / "shallow").is_file() and not list(clone.rglob("*.md"))
    with pytest.raises(SourceError, match="cannot fetch 'nowhere' of git://"):
        items(GitConnector(repository=served, ref="nowhere"))


def test_a_server_that_is_down_is_an_error_though_a_clone_is_kept(
    repository: Repository, served: str
) -> None:
    repository.commit({"a.md": "one"})
    assert items(GitConnector(repository=served))
    down = "git://127.0.0.1:9/notes/.git"
    with pytest.raises(
        SourceError, match=r"cannot fetch 'HEAD' of git://127\.0\.0\.1:9/"
    ) as caught:
        items(GitConnector(repository=down))
    assert "\n" not in str(caught.value)


def test_a_password_is_told_to_nobody(repository: Repository, tmp_path: Path) -> None:
    connector = GitConnector(repository="git+http://ann:s3cr%40t@127.0.0.1:9/x.git")
    with pytest.raises(SourceError) as caught:
        items(connector)
    told = str(caught.value)
    assert "ann@127.0.0.1:9" in told and "s3cr" not in told
    kept = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept and not any(b"s3cr" in data for data in kept)


def test_what_is_a_url() -> None:
    assert as_url("git+https://example.org/x.git") == "https://example.org/x.git"
    assert as_url("git@example.org:team/x.git") == "ssh://git@example.org/team/x.git"
    assert as_url("./notes") is None and as_url("-oProxyCommand=x@h:y") is None
    with pytest.raises(SourceError, match="does not read ext:// URLs"):
        Clone("ext://sh -c evil")

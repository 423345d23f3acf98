import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag import registry
from rag.connectors import reading
from rag.connectors.files import FilesConnector
from rag.connectors.formats.text import TextFormat
from rag.errors import DocumentError, SourceError
from rag.protocols import Connector
from rag.types import Document, Failure, Item

Make = Callable[..., Path]
OLD = 1_700_000_000_000_000_000


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(name: str | bytes, content: str | bytes = "Some text.") -> Path:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, ns=(OLD, OLD))
        return path

    return write


def connect(base: Path, *paths: str | Path, **options: Any) -> FilesConnector:
    return FilesConnector(paths=[base / path for path in paths or (".",)], base=base, **options)


def sources(connector: FilesConnector) -> list[str]:
    return [step.source for step in connector.items()]


def failures(connector: FilesConnector) -> dict[str, str]:
    return {step.source: step.error for step in connector.items() if isinstance(step, Failure)}


def only(connector: FilesConnector) -> Item:
    (item,) = connector.items()
    assert isinstance(item, Item)
    return item


def refused(connector: FilesConnector) -> str:
    with pytest.raises(DocumentError) as caught:
        only(connector).load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_it_is_registered_and_keeps_the_protocol(tmp_path: Path) -> None:
    assert registry.load("connector", "files") is FilesConnector
    assert isinstance(connect(tmp_path), Connector)
    assert set(registry.options(FilesConnector)) == {"paths", "max_bytes"}


def test_a_document_is_read(tmp_path: Path, make: Make) -> None:
    make("guides/port fees.md", "---\nowner: Ann\n---\nSome *text*.")
    document = only(connect(tmp_path)).load()
    assert isinstance(document, Document)
    assert (document.id, document.source) == ("guides/port fees.md",) * 2
    assert (document.text, document.title) == ("Some *text*.", "port fees")
    assert document.metadata == {"owner": "Ann", "format": "markdown"}
    json.dumps(dict(document.metadata))


def test_every_format_is_found_by_its_extension(tmp_path: Path, make: Make) -> None:
    for name in ("a.txt", "b.MD", "c.HTML", "d.csv", "e.tsv"):
        make(name, "word\nother")
    loaded = [item.load() for item in connect(tmp_path).items() if isinstance(item, Item)]
    found = [document.metadata["format"] for document in loaded]
    assert found == ["text", "markdown", "html", "csv", "csv"]


def test_order_is_stable_and_by_the_bytes_of_path_parts(tmp_path: Path, make: Make) -> None:
    for name in ("b.md", "a/z.md", "a.md", "a/b/c.md", "a-b.md", "ä.md", "Z.md", "\U0001f30a.md"):
        make(name)
    connector = connect(tmp_path)
    listed = sources(connector)
    assert listed == [
        "Z.md", "a/b/c.md", "a/z.md", "a-b.md", "a.md", "b.md", "ä.md", "\U0001f30a.md"
    ]  # fmt: skip
    assert sources(connector) == listed


def test_paths_given_twice_or_nested_list_each_file_once(tmp_path: Path, make: Make) -> None:
    make("a/x.md"), make("a/b/y.md"), make("c.md")
    given = ("a/b", ".", "a/../a", "c.md", "c.md", "a/b/y.md")
    listed = sources(connect(tmp_path, *given))
    assert sorted(listed) == ["a/b/y.md", "a/x.md", "c.md"]


def test_hidden_names_are_passed_over_unless_given(tmp_path: Path, make: Make) -> None:
    make(".git/a.md"), make(".hidden/b.md"), make(".c.md"), make("d.md")
    assert sources(connect(tmp_path)) == ["d.md"]
    assert sources(connect(tmp_path, ".hidden", ".c.md")) == [".c.md", ".hidden/b.md"]


def test_ignore_files_hold_for_their_folder_and_below(tmp_path: Path, make: Make) -> None:
    make(".gitignore", "\ufeff# comment\nbuild/\n*.txt\n/top.md\n!\ndraft-?.md\r\n")
    make(".ragignore", "private*\n")
    make("sub/.gitignore", "!keep.txt\nlocal.md\n")
    for name in ("build/a.md", "a.txt", "top.md", "private.md", "draft-1.md", "local.md"):
        make(name)
    for name in ("sub/keep.txt", "sub/b.txt", "sub/top.md", "sub/local.md", "sub/private/c.md"):
        make(name)
    assert sources(connect(tmp_path)) == ["local.md", "sub/keep.txt", "sub/top.md"]
    assert sources(connect(tmp_path, "a.txt")) == ["a.txt"]


def test_an_unreadable_ignore_file_lets_nothing_through(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("sub/.gitignore", "secret.md\n"), make("sub/secret.md"), make("a.md")
    deny(monkeypatch, Path, "read_bytes", ".gitignore")
    connector = connect(tmp_path)
    assert sources(connector) == ["a.md", "sub"]
    assert "permission denied" in failures(connector)["sub"]


def test_other_extensions_are_counted_and_a_named_one_fails(tmp_path: Path, make: Make) -> None:
    make("a.exe"), make("b.EXE"), make("Makefile"), make("c.md")
    connector = connect(tmp_path)
    assert sources(connector) == ["c.md"]
    assert connector.skipped == {".exe": 2, "": 1}
    sources(connector)
    assert connector.skipped == {".exe": 2, "": 1}
    error = failures(connect(tmp_path, "a.exe"))["a.exe"]
    assert "pdf" in error and "markdown" in error


def test_a_missing_path_is_an_error_of_the_request(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no such file or folder: '.*nowhere%0A'"):
        connect(tmp_path, "nowhere\n")
    with pytest.raises(SourceError, match=r"no such file or folder: '', '.*nowhere', '.*gone'; "):
        FilesConnector(paths=["", tmp_path, tmp_path / "nowhere", tmp_path / "gone", ""])
    with pytest.raises(SourceError, match="no source is given"):
        FilesConnector(paths=[])


def test_special_files_are_never_opened(tmp_path: Path, make: Make) -> None:
    make("a.md")
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.md"))
        connector = connect(tmp_path)
        assert sources(connector) == ["a.md"]
    assert connector.skipped == {"special": 2}
    assert "not a regular file" in failures(connect(tmp_path, "pipe.md"))["pipe.md"]


def test_links_are_followed_within_the_sources_only(tmp_path: Path, make: Make) -> None:
    make("in/real/a.md"), make("out/b.md")
    (tmp_path / "in/dir").symlink_to("real")
    (tmp_path / "in/file.md").symlink_to("real/a.md")
    (tmp_path / "in/escape").symlink_to(tmp_path / "out")
    (tmp_path / "in/escape.md").symlink_to(tmp_path / "out/b.md")
    (tmp_path / "in/nowhere.md").symlink_to("missing.md")
    connector = connect(tmp_path, "in")
    assert sources(connector) == ["in/dir/a.md", "in/file.md", "in/real/a.md"]
    assert connector.skipped == {"symlink": 3}
    assert "in/escape/b.md" in sources(connect(tmp_path, "in", "out"))


def test_a_link_given_directly_is_followed(tmp_path: Path, make: Make) -> None:
    make("real/a.md")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "b.md").symlink_to("real/a.md")
    assert sources(connect(tmp_path, "link", "b.md")) == ["b.md", "link/a.md"]


def test_a_link_given_directly_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nothing")
    assert failures(connect(tmp_path, "link")) == {"link": "is a link that leads nowhere; mend it"}


def test_links_in_a_circle_end(tmp_path: Path, make: Make) -> None:
    make("a/x.md"), make("b/y.md")
    (tmp_path / "a/up").symlink_to("..")
    (tmp_path / "a/b").symlink_to("../b")
    (tmp_path / "b/a").symlink_to("../a")
    (tmp_path / "b/self").symlink_to("self")
    listed = sources(connect(tmp_path))
    assert {"a/x.md", "b/y.md"} <= set(listed)
    assert len(set(listed)) == len(listed) < 10


def test_folders_nested_deeper_than_calls(tmp_path: Path, make: Make) -> None:
    depth = 1500
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(depth):
            os.mkdir("d", dir_fd=here)
            here, old = os.open("d", os.O_RDONLY, dir_fd=here), here
            os.close(old)
    finally:
        os.close(here)
    make("a.md"), make("d/b.md")
    try:
        assert sources(connect(tmp_path)) == ["a.md", "d/b.md"]
    finally:  # by hand: what clears temporary folders would call itself too deep
        (tmp_path / "d/b.md").unlink()
        for level in range(depth, 0, -1):
            Path(tmp_path, *["d"] * level).rmdir()


def test_awkward_names_are_read_and_covered(tmp_path: Path, make: Make) -> None:
    make(b"caf\xe9.md"), make("two\nlines.md"), make("100%41.md"), make("esc\x1b.md")
    connector = connect(tmp_path)
    listed = sources(connector)
    assert sorted(listed) == ["100%2541.md", "caf%E9.md", "esc%1B.md", "two%0Alines.md"]
    for item in connector.items():
        assert isinstance(item, Item)
        assert item.load().text == "Some text."
        assert connector.covers(item.source)


def test_version_changes_with_the_file_and_with_the_format(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make("a.txt", "one")
    connector = connect(tmp_path)
    first = only(connector).version
    assert only(connector).version == first
    kept = path.stat().st_mtime_ns
    path.write_text("two")
    os.utime(path, ns=(kept, kept))
    second = only(connector).version
    assert second != first
    monkeypatch.setattr(TextFormat, "version", 2)
    assert only(connector).version != second


def test_nothing_but_content_is_hashed(tmp_path: Path, make: Make) -> None:
    path = make("a.txt")
    first = only(connect(tmp_path)).load().content_hash
    os.utime(path, ns=(1, 1))
    path.chmod(0o600)
    assert only(connect(tmp_path)).load().content_hash == first


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.pdf", "a.csv"])
@pytest.mark.parametrize("content", ["", " \n\t \r\n"])
def test_empty_files(tmp_path: Path, make: Make, name: str, content: str) -> None:
    make(name, content)
    assert refused(connect(tmp_path)) == "is empty"


def test_markup_without_text_is_empty(tmp_path: Path, make: Make) -> None:
    make("a.html", "<html><body><script>x</script></body></html>")
    assert refused(connect(tmp_path)) == "is empty"


def test_too_large(tmp_path: Path, make: Make) -> None:
    path = make("a.txt", "x" * 100)
    assert "more than max_bytes = 99" in failures(connect(tmp_path, max_bytes=99))["a.txt"]
    item = only(connect(tmp_path, max_bytes=100))
    path.write_text("x" * 101)
    with pytest.raises(DocumentError, match="has 101 bytes"):
        item.load()


def test_a_vanished_file(tmp_path: Path, make: Make) -> None:
    path = make("a.txt")
    item = only(connect(tmp_path))
    path.unlink()
    with pytest.raises(DocumentError, match="was removed while being indexed"):
        item.load()


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path, make: Make) -> None:
    path = make("a.txt")
    item = only(connect(tmp_path))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DocumentError, match="not a regular file any more"):
        item.load()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied_by_the_system(tmp_path: Path, make: Make) -> None:
    make("a.txt").chmod(0)
    make("locked/b.txt").parent.chmod(0)
    connector = connect(tmp_path)
    listed = {step.source: step for step in connector.items()}
    (tmp_path / "locked").chmod(0o700)
    assert isinstance(listed["locked"], Failure)
    assert "permission denied" in refused(connect(tmp_path, "a.txt"))


def deny(monkeypatch: pytest.MonkeyPatch, owner: object, call: str, name: str) -> None:
    """Make `owner.call` refuse paths that end with `name`, as the system refuses them."""
    real = getattr(owner, call)

    def guarded(path: str | Path, *rest: object, **options: object) -> object:
        if str(path).endswith(name):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **options)

    monkeypatch.setattr(owner, call, guarded)


def test_permission_denied(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.txt")
    deny(monkeypatch, os, "open", "a.txt")
    assert refused(connect(tmp_path)).startswith("cannot be read: permission denied")


def test_a_folder_that_cannot_be_listed_covers_nothing(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.md"), make("locked/b.md"), make("z.md")
    connector = connect(tmp_path)
    with monkeypatch.context() as patch:
        deny(patch, os, "scandir", "locked")
        assert sources(connector) == ["a.md", "locked", "z.md"]
        assert "permission denied" in failures(connector)["locked"]
    assert not connector.covers("locked/b.md")
    assert not connector.covers("locked")
    assert connector.covers("lockedness.md")
    assert "locked/b.md" in sources(connector)
    assert connector.covers("locked/b.md")


def test_covers_what_lies_under_the_paths(tmp_path: Path, make: Make) -> None:
    make("a/x.md"), make("b.md"), make("c/y.md")
    connector = connect(tmp_path, "a", "b.md")
    assert connector.covers("a/gone.md")
    assert connector.covers("b.md")
    assert connector.covers(f"{tmp_path}/a/gone.md")
    for source in ("c/y.md", "ab.md", "b.md.md", f"{tmp_path}2/a/x.md"):
        assert not connector.covers(source)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Every read of a file; `reading._read` stays as it is."""
    made: list[Path] = []
    real = reading._read

    def counted(path: Path, max_bytes: int) -> bytes | None:
        made.append(path)
        return real(path, max_bytes)

    monkeypatch.setattr(reading, "_read", counted)
    yield made


def change_while_read(monkeypatch: pytest.MonkeyPatch, path: Path, times: int) -> None:
    """Append to `path` right after it is opened, `times` times."""
    real = os.open
    left = [times]

    def opened(file: Path, flags: int, *rest: int) -> int:
        descriptor = real(file, flags, *rest)
        if Path(file) == path and left[0]:
            left[0] -= 1
            before = os.fstat
            monkeypatch.setattr(os, "fstat", lambda fd: _append_after(before, fd, path))
        return descriptor

    def _append_after(
        before: Callable[[int], os.stat_result], descriptor: int, grown: Path
    ) -> os.stat_result:
        monkeypatch.setattr(os, "fstat", before)
        status = before(descriptor)
        with grown.open("a") as file:
            file.write(" more")
        return status

    monkeypatch.setattr(os, "open", opened)


def test_a_file_that_changes_once_is_read_again(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, reads: list[Path]
) -> None:
    path = make("a.txt", "text")
    item = only(connect(tmp_path))
    change_while_read(monkeypatch, path, 1)
    assert item.load().text == "text more"
    assert len(reads) == 2


def test_a_file_that_goes_on_changing_is_refused(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, reads: list[Path]
) -> None:
    path = make("a.txt", "text")
    item = only(connect(tmp_path))
    change_while_read(monkeypatch, path, 5)
    with pytest.raises(DocumentError, match="changed while being read; run again"):
        item.load()
    assert len(reads) == 2


def test_what_a_parser_throws_is_the_documents_error(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.txt")

    def broken(self: TextFormat, data: bytes, name: str) -> None:
        raise IndexError("list index\nout of range")

    monkeypatch.setattr(TextFormat, "parse", broken)
    assert refused(connect(tmp_path)) == (
        "cannot be read as text: IndexError: list index out of range"
    )


def test_one_bad_file_does_not_stop_the_rest(tmp_path: Path, make: Make) -> None:
    make("a.pdf", "no pdf"), make("b.txt", b"\0"), make("c.txt", "good")
    outcome = []
    for item in connect(tmp_path).items():
        assert isinstance(item, Item)
        try:
            outcome.append(item.load().text)
        except DocumentError as error:
            outcome.append(str(error))
    assert outcome == [
        "is not a PDF although its name says so",
        "is binary, not text: it holds NUL bytes",
        "good",
    ]


def test_a_root_that_vanishes_is_a_failure(tmp_path: Path, make: Make) -> None:
    path = make("a.md")
    connector = connect(tmp_path, "a.md")
    path.unlink()
    assert "was removed" in failures(connector)["a.md"]
    assert not connector.covers("a.md")

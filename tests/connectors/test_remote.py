"""URLs of storage, with the file system that fsspec keeps in memory, and one that breaks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from rag import registry
from rag.connectors.remote import RemoteConnector
from rag.connectors.storage.place import Place
from rag.connectors.storage.trouble import told
from rag.errors import DocumentError, MissingExtraError, SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.testing import ConnectorSuite
from rag.types import Failure, Item

Put = Callable[..., str]


@pytest.fixture(autouse=True)
def put() -> Iterator[Put]:
    memory = MemoryFileSystem()

    def write(name: str, content: str | bytes = "Some text.") -> str:
        memory.pipe_file(f"/{name}", content.encode() if isinstance(content, str) else content)
        return name

    yield write
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def items(connector: Connector) -> list[Item]:
    return [step for step in connector.items() if isinstance(step, Item)]


def sources(connector: Connector) -> list[str]:
    return [step.source for step in connector.items()]


class TestMemory(ConnectorSuite):
    @pytest.fixture(autouse=True)
    def _files(self, put: Put) -> None:
        put("docs/a.md", "# A\n\nText."), put("docs/b/c.txt", "More."), put("docs/d.md", b"\0\1")

    def make(self, folder: Path) -> RemoteConnector:
        return RemoteConnector(url="memory://docs")


def test_it_is_registered_with_its_options() -> None:
    assert registry.load("connector", "remote") is RemoteConnector
    assert set(registry.options(RemoteConnector)) == {
        "url", "max_bytes", "max_unpacked", "endpoint_url", "storage"
    }  # fmt: skip


def test_a_url_is_a_source_and_storage_takes_scalars_alone(put: Put, tmp_path: Path) -> None:
    put("docs/a.md")
    connector = open_sources(["memory://docs/"], base=tmp_path)
    assert sources(connector) == ["memory://docs/a.md"]
    written = {"use": "remote", "url": "memory://docs", "storage": {"asynchronous": False}}
    assert sources(open_sources([written], base=tmp_path)) == ["memory://docs/a.md"]
    with pytest.raises(SourceError, match="'storage' takes"):
        open_sources([{**written, "storage": {"client": {"retries": 1}}}], base=tmp_path)
    with pytest.raises(SourceError, match="no scheme named 's4'"):
        open_sources(["s4://bucket"], base=tmp_path)


def test_one_file_by_name(put: Put) -> None:
    put("docs/a.md"), put("docs/b.exe")
    (item,) = items(RemoteConnector(url="memory://docs/a.md"))
    assert (item.source, item.load().text) == ("memory://docs/a.md", "Some text.")
    (failure,) = RemoteConnector(url="memory://docs/b.exe").items()
    assert isinstance(failure, Failure) and "no format reads" in failure.error


def test_rules_hidden_names_and_order(put: Put) -> None:
    for name in ("b.md", "a/z.md", "a.md", "a-b.md", ".x/c.md", "a/.y.md", "out/q.md", "c.exe"):
        put(f"docs/{name}")
    put("docs/.ragignore", "out/\n"), put("docs/a/.gitignore", "w.md\n"), put("docs/a/w.md")
    connector = RemoteConnector(url="memory://docs")
    short = [source.removeprefix("memory://docs/") for source in sources(connector)]
    assert short == ["a/z.md", "a-b.md", "a.md", "b.md"] and connector.skipped == {".exe": 1}


def test_a_place_without_anything(put: Put) -> None:
    with pytest.raises(SourceError, match="cannot list memory://nowhere: there is nothing"):
        items(RemoteConnector(url="memory://nowhere"))


def test_a_version_follows_the_bytes(put: Put) -> None:
    put("docs/a.md", "one"), put("docs/b.md", "one")
    before = [item.version for item in items(RemoteConnector(url="memory://docs"))]
    put("docs/a.md", "two")
    after = [item.version for item in items(RemoteConnector(url="memory://docs"))]
    assert before[0] != after[0] and before[1] == after[1]


def test_a_folder_that_cannot_be_listed_covers_nothing(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.md", "down/b.md", "z.md"):
        put(f"docs/{name}")
    listed = MemoryFileSystem.ls

    def breaking(self: Any, path: str, **options: Any) -> Any:
        if path.endswith("down"):
            raise ConnectionError("connection reset")
        return listed(self, path, **options)

    monkeypatch.setattr(MemoryFileSystem, "ls", breaking)
    connector = RemoteConnector(url="memory://docs")
    steps = list(connector.items())
    assert [step.source[14:] for step in steps] == ["a.md", "down", "z.md"]
    assert isinstance(steps[1], Failure) and "cannot be reached" in steps[1].error
    assert not connector.covers("memory://docs/down/b.md")
    assert connector.covers("memory://docs/gone.md")
    assert not connector.covers("memory://docsy/a.md")


def test_folders_nest_only_so_deep(put: Put) -> None:
    put("docs/" + "d/" * 150 + "a.md"), put("docs/b.md")
    steps = list(RemoteConnector(url="memory://docs").items())
    failures = [step.error for step in steps if isinstance(step, Failure)]
    assert len(steps) == 2 and "folders deep" in failures[0]


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("s3://b/x", "s3fs", "s3"), ("gs://b/x", "gcsfs", "gs"), ("abfs://b@a/x", "adlfs", "az"),
     ("sftp://host/x", "paramiko", "sftp")],
)  # fmt: skip
def test_a_missing_package_names_its_extra(
    url: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    scheme = url.partition(":")[0]
    with pytest.raises(MissingExtraError, match=rf"{scheme}:// needs the extra '{extra}'"):
        items(RemoteConnector(url=url))


def test_passwords_are_in_no_name_and_no_message() -> None:
    place = Place("ftp://ann:s3cr%40t@127.0.0.1:9/docs/", None, {"token": "hunter2", "n": 1})
    assert place.name == "ftp://ann@127.0.0.1:9/docs"
    line = place.told(ValueError("s3cr@t, s3cr%40t and hunter2"))
    assert line == "cannot be read: ValueError: ***, *** and ***"
    with pytest.raises(SourceError) as caught:
        items(RemoteConnector(url="ftp://ann:s3cr%40t@127.0.0.1:9/docs"))
    assert "cannot open ftp://ann@127.0.0.1:9/docs: the server cannot be reached" in str(
        caught.value
    )


def test_urls_that_cannot_be_one() -> None:
    for url, said in (("s3://", "names no bucket"), ("nfs://x/y", "no file system is known")):
        with pytest.raises(SourceError, match=said):
            RemoteConnector(url=url)
    with pytest.raises(SourceError, match="endpoint_url is an option of s3://"):
        RemoteConnector(url="memory://x", endpoint_url="http://127.0.0.1:9")


def test_errors_are_told_in_one_line() -> None:
    assert told(PermissionError("x\ny")).startswith("access is denied")
    assert told(TimeoutError()).startswith("the server cannot be reached")
    assert told(ValueError("a\n b")) == "cannot be read: ValueError: a b"
    assert len(told(ValueError("x" * 5000))) < 400


def test_a_file_that_grew_or_vanished_after_the_listing(put: Put) -> None:
    put("docs/a.md", "x"), put("docs/b.md")
    grew, gone = items(RemoteConnector(url="memory://docs", max_bytes=20))
    put("docs/a.md", "x" * 30)
    MemoryFileSystem().rm("/docs/b.md")
    with pytest.raises(DocumentError, match="max_bytes"):
        grew.load()
    with pytest.raises(DocumentError, match="nothing at this address"):
        gone.load()

"""What people name as sources, opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.connectors.chain import Chain
from rag.connectors.files import FilesConnector
from rag.errors import RequestError, SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.types import Document, Failure, Item


class Listed:
    """A connector of one document, which may break before it."""

    def __init__(self, name: str, *, broken: bool = False) -> None:
        self.name, self.broken = name, broken

    def items(self) -> Iterator[Item | Failure]:
        if self.broken:
            raise SourceError("the server is down; try again later")
        source = f"test:{self.name}"
        yield Item(source, source, "1", lambda: Document(source, source, "Text."))

    def covers(self, source: str) -> bool:
        return source.startswith(f"test:{self.name}")


def names(connector: Connector) -> list[str]:
    return [one.source for one in connector.items()]


def test_paths_are_files_together(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("One.")
    (tmp_path / "b.txt").write_text("Two.")
    made = open_sources([tmp_path, str(tmp_path / "a.md")], base=tmp_path)
    assert isinstance(made, FilesConnector)
    assert sorted(names(made)) == ["a.md", "b.txt"]


def test_a_component_is_written_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("One.")
    for given in (
        {"use": "files", "paths": [str(tmp_path)], "max_bytes": 2},
        f'{{use: files, paths: ["{tmp_path}"], max_bytes: 2}}',
    ):
        (failure,) = open_sources([given], base=tmp_path).items()
        assert isinstance(failure, Failure)
        assert "max_bytes = 2" in failure.error


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("nowhere://x/y", "no scheme named 'nowhere'"),
        ("{use: fils, paths: [x]}", "did you mean 'files'"),
        ("{use: files, path: x}", "no option of 'files' named 'path'; did you mean 'paths'"),
        ("{paths: [x]}", "which connector to 'use'"),
        ("{use: files, paths: [", "is not a mapping in YAML"),
        ("{use: files, base: /, paths: [x]}", "'base'"),
        ("missing.md", "no such file or folder: 'missing.md'"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_line(
    source: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError) as caught:
        open_sources([source], base=tmp_path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_no_source() -> None:
    with pytest.raises(SourceError, match="name a file or a folder"):
        open_sources([])


def test_a_chain_lists_all_and_covers_what_any_covers() -> None:
    made = open_sources([Listed("a"), Listed("b")])
    assert isinstance(made, Chain)
    assert names(made) == ["test:a", "test:b"]
    assert made.covers("test:a/gone") and made.covers("test:b") and not made.covers("test:c")


def test_a_source_that_is_down_is_a_failure_and_covers_nothing() -> None:
    made = Chain({"https://a.test": Listed("a", broken=True), "b": Listed("b")})
    first, second = made.items()
    assert first == Failure("https://a.test", "the server is down; try again later")
    assert isinstance(second, Item)
    assert not made.covers("test:a") and made.covers("test:b")


def test_a_single_source_that_is_down_is_an_error() -> None:
    with pytest.raises(SourceError, match="down"):
        list(open_sources([Listed("a", broken=True)]).items())


def test_a_file_whose_name_reads_like_a_source_is_still_a_file(tmp_path: Path) -> None:
    (tmp_path / "mail:in.md").write_text("One.")
    made = FilesConnector(paths=[tmp_path], base=tmp_path)
    assert names(made) == ["./mail:in.md"]
    assert made.covers("./mail:in.md")
    assert not made.covers("mail:in.md") and not made.covers("https://a.test/x")

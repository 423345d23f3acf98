"""What is wrong with a source is told in one line, without secrets."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rag import registry
from rag.connectors.chain import Chain
from rag.connectors.files import FilesConnector
from rag.connectors.langchain import LangchainConnector
from rag.connectors.remote import RemoteConnector
from rag.connectors.web.failing import SiteError
from rag.connectors.web.outages import Outages
from rag.errors import RequestError
from rag.naming import matcher
from rag.sources import open_sources
from rag.types import Failure


def refusal(source: object, base: Path) -> str:
    with pytest.raises(RequestError) as caught:
        open_sources([source], base=base)  # type: ignore[list-item]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        '{use: sql, url: "postgresql://a-very-long-name:hunter2@db.test/x", query: [select 1}',
        '{use: sql, url: "postgresql://me:at@hunter2@db.test/x", query: "select',
        "{use: remote, url: 's3://b', storage: {secret: hunter2}",
        "{hunter2}}",
    ],
)
def test_a_mistake_in_yaml_is_told_without_what_stands_around_it(
    written: str, tmp_path: Path
) -> None:
    told = refusal(written, tmp_path)
    assert "is not a mapping in YAML" in told and "at character" in told
    assert "hunter2" not in told


def test_values_that_yaml_makes_of_dates_are_complained_of(tmp_path: Path) -> None:
    told = refusal("{use: files, paths: [2024-01-01]}", tmp_path)
    assert "'paths' cannot be written as text" in told and "in quotes" in told
    assert "'name'" in refusal({"use": "stdin", "name": date(2024, 1, 1)}, tmp_path)
    assert "'name'" in refusal("{use: stdin, name: !!binary aGk=}", tmp_path)


def test_paths_may_stand_in_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("One.")
    made = open_sources([{"use": "files", "paths": [tmp_path / "a.md"]}], base=tmp_path)
    assert [one.source for one in made.items()] == ["a.md"]


def test_a_misspelt_connector_is_told_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = refusal("mali:archive.mbox", tmp_path)
    assert "no such file: 'mali:archive.mbox'" in told and "did you mean 'mail'?" in told
    assert "given from Python" in refusal("langchain:notes", tmp_path)
    Path("note:one.md").write_text("One.")
    assert isinstance(open_sources(["note:one.md"], base=tmp_path), FilesConnector)


def test_the_home_folder_is_found_behind_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.jsonl").write_text('{"text": "One."}\n')
    made = open_sources(["records:~/a.jsonl"], base=tmp_path)
    assert [one.source for one in made.items()] == ["records:a.jsonl#1"]


def test_an_unknown_scheme_is_told_without_every_driver(tmp_path: Path) -> None:
    told = refusal("nowhere://x", tmp_path)
    assert "postgresql" in told and "+psycopg" not in told and "git" in told


def test_sources_written_out_are_named_without_their_options(tmp_path: Path) -> None:
    database = tmp_path / "n.db"
    database.touch()
    url = f"sqlite:///{database}"
    first = {"use": "sql", "url": url, "query": "SELECT 1 AS id, 'hunter2' AS text"}
    second = {"use": "sql", "url": url, "query": "SELECT 2 AS id, 'x' AS text"}
    storage = {"use": "remote", "url": "s3://me:hunter2@b/x", "storage": {"secret": "hunter2"}}
    made = open_sources([first, second, first, storage], base=tmp_path)
    assert isinstance(made, Chain)
    # Of two queries none is lost, and what is given twice is read once.
    assert list(made.connectors) == [url, f"{url} (sql 2)", "s3://b/x"]


def test_a_format_is_called_in_metadata_as_it_is_in_the_documentation() -> None:
    read = [name for name in registry.names("format") if name != "legacy-office"]
    assert read == [registry.load("format", name)().name.lower() for name in read]


def test_an_extension_that_nobody_reads_is_told_in_a_short_line(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_text("x")
    (failure,) = FilesConnector(paths=[tmp_path / "a.bin"], base=tmp_path).items()
    assert isinstance(failure, Failure)
    assert failure.error.startswith("no format reads '.bin' files; the formats are ")
    assert "markdown" in failure.error and len(failure.error) < 300


def test_a_mailbox_given_as_a_file_is_told_how_to_name_it(tmp_path: Path) -> None:
    (tmp_path / "old.mbox").write_text("x")
    (failure,) = FilesConnector(paths=[tmp_path / "old.mbox"], base=tmp_path).items()
    assert isinstance(failure, Failure) and failure.error.endswith("name it as mail:old.mbox")


def test_a_loader_that_raises_with_a_password_is_told_without_it() -> None:
    class Wiki:
        def lazy_load(self) -> Iterator[object]:
            raise ConnectionError("cannot reach https://me:hunter2@wiki.test/x")

    (failure,) = LangchainConnector(loader=Wiki(), name="wiki").items()
    assert isinstance(failure, Failure)
    assert "https://wiki.test/x" in failure.error and "hunter2" not in failure.error


def test_a_name_with_backslashes_is_refused_aloud_and_not_taken_for_hidden(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("..\\win.md", "One.")
        archive.writestr(".git\\config.md", "Hidden.")
    (failure,) = RemoteConnector(url=str(tmp_path / "a.zip"), base=tmp_path).items()
    assert isinstance(failure, Failure) and "backslash" in failure.error


def test_what_an_archive_or_a_mailbox_holds_is_meant_by_its_name(tmp_path: Path) -> None:
    fits = matcher("a.zip", tmp_path)
    assert not fits("zip://x.md::b.zip") and not fits("a.zip#1.md")
    assert matcher("mail:a.mbox", tmp_path)("mail:a.mbox#1@x.test")
    assert not matcher("mail:a", tmp_path)("mail:a.mbox#1@x.test")
    # A file may be called so: nothing but itself is meant.
    assert not matcher(str(tmp_path / "notes"), tmp_path)("notes#draft.md")
    named = matcher(str(tmp_path / "a.zip"), tmp_path)
    assert named("zip://x.md::a.zip") and named("a.zip/x.md")


def test_one_page_that_was_not_visited_is_one() -> None:
    outages = Outages()
    outages.failed("https://a.test/x", SiteError("is down"))
    outages.leave("https://a.test/y")
    (failure,) = outages.failures()
    assert "1 known page was not visited" in failure.error

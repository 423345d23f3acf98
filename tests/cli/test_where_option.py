"""`--where` of the commands that ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_command import Command, write_documents

from rag.cli.main import main

# Each document has one of them.
COMMON = "wages ferry lamp"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index; the tests of this module only read it."""
    folder = tmp_path_factory.mktemp("project")
    docs = write_documents(folder)
    code = main(["index", str(docs), "--index", str(folder / ".rag"), "--pipeline", "bm25"])
    assert code == 0
    return folder


@pytest.fixture
def rag(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(project)
    return Command(capsys)


@pytest.mark.parametrize(
    ("filters", "sources"),
    [
        (['year>=2023 and source~"handbook"'], {"docs/handbook.md"}),
        (["format in (text, markdown)", "not has year"], {"docs/boats.txt", "docs/odd/marks.md"}),
        (["year!=2024 and not source~marks"], {"docs/boats.txt"}),
        (["year<2024 or format=text"], {"docs/boats.txt"}),
    ],
)
def test_search_and_explain_look_at_what_fits(
    rag: Command, filters: list[str], sources: set[str]
) -> None:
    options = [word for text in filters for word in ("--where", text)]
    for command in ("search", "explain"):
        found = rag(command, COMMON, "--json", *options)
        assert (found.code, found.err) == (0, "")
        assert {hit["source"] for hit in found.json["hits"]} == sources


def test_ask_answers_from_what_fits(rag: Command) -> None:
    question = "How long is the notice period?"
    assert not rag("ask", question, "--json", "--where", "year=2024").json["abstained"]
    assert rag("ask", question, "--json", "--where", "format=text").json["abstained"]


@pytest.mark.parametrize("command", ["search", "ask", "explain"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'year>= and source~"x"',
            "--where: expected a value after '>=' at character 7: year>= <here> and source~\"x\"; "
            "as text a keyword goes in quotes",
        ),
        (
            "yaer=2024",
            "no document has a field 'yaer'; did you mean 'year'? (there are: id, source, title, "
            "language, format, year)",
        ),
        (
            "year>='2024'",
            "the field 'year' holds numbers: leave out the quotes, as in year>=2024",
        ),
        ("format=7", "the field 'format' holds text: put 7 in quotes, as in format=\"7\""),
        ("title~\x1b[31m\nred", "--where: expected 'and', 'or' or the end at character 12: "
         "title~[31m <here> red; text with spaces or parentheses goes in quotes"),
        ("\udcff=1", "no document has a field '?' (there are: id, source, title, language, format, "
         "year)"),
    ],
)  # fmt: skip
def test_faults_are_told_on_one_line(rag: Command, command: str, text: str, message: str) -> None:
    told = rag(command, "ferry", "--where", text)
    assert (told.code, told.out, told.err) == (2, "", f"rag: {message}\n")

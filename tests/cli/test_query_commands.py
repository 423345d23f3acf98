import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from cli_command import RAG, Command, environment, process, write_documents

from rag.cli.main import main

# Each document has one of them.
COMMON = "wages ferry lamp winch"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index; the tests of this module only read it."""
    folder = tmp_path_factory.mktemp("project")
    docs = write_documents(folder)
    (docs / "long.md").write_text("# Long\n\n" + "The winch is greased every week. " * 100)
    code = main(["index", str(docs), "--index", str(folder / ".rag"), "--pipeline", "bm25"])
    assert code == 0
    return folder


@pytest.fixture
def rag(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(project)
    return Command(capsys)


def test_search_shows_rank_score_place_and_text(rag: Command) -> None:
    found = rag("search", "notice period")
    assert (found.code, found.err) == (0, "")
    first, second, *_ = found.out.splitlines()
    assert first.split()[0] == "1" and first.endswith("  docs/handbook.md, Staff handbook")
    assert float(first.split()[1]) > 0
    assert "The notice period is three months." in second
    assert "\x1b" not in found.out


def test_search_as_json(rag: Command) -> None:
    shape = rag("search", "notice  period", "--json").json
    assert shape["query"] == "notice  period"
    hit = shape["hits"][0]
    assert hit["stages"] == {"bm25": {"rank": 1, "score": hit["score"]}}
    assert (hit["rank"], hit["document"], hit["page"]) == (1, "docs/handbook.md", None)
    assert len(hit["text"]) == hit["end"] - hit["start"]
    assert set(hit) == {
        "rank", "score", "document", "source", "start", "end", "page", "place", "headings",
        "stale", "text", "stages",
    }  # fmt: skip


def test_what_stands_in_a_document_is_not_markup(rag: Command) -> None:
    assert "[bold]amber[/bold] :smile:" in rag("search", "amber lamp").out


def test_long_lines_are_not_wrapped_for_a_pipe(rag: Command) -> None:
    lines = rag("search", "winch greased", "-k", "1").out.splitlines()
    assert len(lines) == 2
    assert len(lines[1]) > 200


def test_k_is_how_many_passages_there_are(rag: Command, tmp_path: Path) -> None:
    assert len(rag("search", COMMON, "--json").json["hits"]) > 2
    assert len(rag("search", COMMON, "--json", "-k", "2").json["hits"]) == 2
    uncut = tmp_path / "uncut.yaml"
    uncut.write_text(rag("pipeline", "show", "bm25", "--set", "query.cut=null").out)
    assert len(rag("search", COMMON, "--json", "-k", "2", "--pipeline", uncut).json["hits"]) == 2


@pytest.mark.parametrize(
    ("condition", "sources"),
    [
        ("year>=2024", {"docs/handbook.md"}),
        ("year>2024", set()),
        ("source~MARKS", {"docs/odd/marks.md"}),
        ("format=text", {"docs/boats.txt"}),
    ],
)
def test_conditions_hold(rag: Command, condition: str, sources: set[str]) -> None:
    hits = rag("search", COMMON, "--json", "--where", condition).json["hits"]
    assert {hit["source"] for hit in hits} == sources


def test_finding_nothing_is_no_error(rag: Command) -> None:
    nothing = rag("search", "xylophone")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "rag: no passage was found\n")


def test_an_answer_says_where_it_stands(rag: Command) -> None:
    answered = rag("ask", "How long is the notice period?")
    assert (answered.code, answered.err) == (0, "")
    assert answered.out == (
        "The notice period is three months.\n\n"
        '[1] docs/handbook.md, Staff handbook > Leaving: "The notice period is three months."\n'
    )


def test_an_answer_as_json(rag: Command) -> None:
    shape = rag("ask", "How long is the notice period?", "--json").json
    assert (shape["answer"], shape["abstained"]) == ("The notice period is three months.", False)
    (citation,) = shape["citations"]
    assert citation["quote"] == "The notice period is three months."
    assert citation["end"] - citation["start"] == len(citation["quote"])
    assert set(citation) >= {"source", "document", "start", "end", "page", "quote"}
    assert shape["question"] == "How long is the notice period?"
    assert shape["seconds"] > 0


def test_abstaining_names_what_comes_closest(rag: Command) -> None:
    question = "Which lamp did the bishop of Rome bless on Tuesday?"
    abstained = rag("ask", question)
    assert abstained.code == 0
    answer, closest = abstained.out.splitlines()
    assert answer == "The documents don't answer this."
    assert closest.startswith("Closest: docs/odd/marks.md")
    assert rag("ask", question, "--json").json["abstained"] is True


def test_a_question_from_standard_input(project: Path) -> None:
    asked = process(project, "ask", "-", stdin=b"How long is the notice period?\n")
    assert asked.out.startswith("The notice period is three months.\n")


def test_an_output_that_lacks_letters_still_gets_the_rest(project: Path) -> None:
    found = process(project, "search", "winch greased", PYTHONIOENCODING="ascii")
    assert (found.code, found.err) == (0, "")
    assert "\\u2026" in found.out  # the ellipsis of a snippet


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", ""], "the question is empty"),
        (["search", " \n"], "the question is empty"),
        (["ask", "why " * 25_000], "the question has 99,999 characters; up to 20,000 are taken"),
        (["search", "x", "--where", "year"], "--where: expected = != < <= > >= ~ or in after"),
        (["search", "x", "--pipeline", "bm52"], "no pipeline preset named 'bm52'; did you mean"),
        (["search", "x", "--pipeline", "no.yaml"], "pipeline file 'no.yaml' cannot be read: No su"),
        (["search", "x", "--set", "k"], "--set k: an override is KEY=VALUE"),
        (["search", "x", "--set", "query.cut.k=many"], "--set query.cut.k: 'k' takes a whole numb"),
        (["search", "x", "--index", "nowhere"], "no index in 'nowhere': run 'rag index FOLDER'"),
        (["status", "--index", "nowhere"], "no index in 'nowhere': run 'rag index FOLDER'"),
        (["inspect", "handbok.md"], "no document 'handbok.md' in the index; did you mean docs/ha"),
        (["search"], "Missing argument 'QUERY' (see 'rag search --help')"),
        (["search", "x", "-k", "0"], "Invalid value for '-k'"),
        (["search", "x", "--jsn"], "No such option: --jsn"),
        (["serach", "x"], "No such command 'serach'"),
        (["pipeline"], "Missing command (see 'rag pipeline --help')"),
    ],
)
def test_wrong_requests(rag: Command, arguments: list[str], message: str) -> None:
    refused = rag(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("rag: ")
    assert message in refused.err
    assert refused.err.count("\n") == 1
    assert "Traceback" not in refused.err


def test_status(rag: Command, project: Path) -> None:
    shown = rag("status")
    assert (shown.code, shown.err) == (0, "")
    assert f"index:     {project / '.rag'} (" in shown.out
    assert "holds:     4 documents, " in shown.out
    assert "pipeline:  bm25\nencoder:   none (lexical only)\n" in shown.out
    assert "4 added, 0 changed, 0 removed, 0 unchanged" in shown.out
    shape = rag("status", "--json").json
    assert (shape["documents"], shape["languages"], shape["failed"]) == (4, ["en"], [])
    assert shape["bytes"] > 0 and len(shape["runs"]) == 1


def test_the_index_is_found_upward(rag: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("docs/odd")
    assert "holds:     4 documents" in rag("status").out


def test_inspect(rag: Command) -> None:
    shown = rag("inspect", "docs/handbook.md")
    assert "title:     Staff handbook\nsource:    docs/handbook.md\n" in shown.out
    assert "year:      2024\n" in shown.out
    assert "blocks:    3 heading, 2 paragraph\n" in shown.out
    assert "passages:  1\n   1  0-" in shown.out
    shape = rag("inspect", "./docs/handbook.md", "--json").json
    assert shape["metadata"]["year"] == 2024
    assert [block["kind"] for block in shape["blocks"]].count("heading") == 3
    assert shape["passages"][0]["start"] == 0


def test_inspect_shows_where_the_text_is_cut(rag: Command) -> None:
    shown = rag("inspect", "docs/long.md", "--chunks")
    passages = rag("inspect", "docs/long.md", "--json").json["passages"]
    assert len(passages) > 1
    for number, passage in enumerate(passages, 1):
        assert f"--- passage {number}  {passage['start']}-{passage['end']}  " in shown.out


def test_verify_a_sound_index(rag: Command) -> None:
    assert rag("verify").out == "sound\n"
    assert rag("verify", "--json").json == {"sound": True, "problems": []}


@pytest.mark.parametrize("options", [["--json"], []])
def test_a_reader_that_goes_away_is_no_error(project: Path, options: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [*RAG, "search", COMMON, *options],
        check=False, cwd=project, env=environment(), stdout=theirs, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, b"")


def test_closed_streams(project: Path) -> None:
    def run(shell: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["sh", "-c", shell, *RAG], check=False, cwd=project, env=environment(),
            capture_output=True,
        )  # fmt: skip

    asked = run('"$0" "$@" ask - <&-')
    assert (asked.returncode, asked.stdout) == (2, b"")
    assert b"standard input, which is closed" in asked.stderr
    for arguments in ("search ferry", "status --json", "ask ferry"):
        unheard = run(f'"$0" "$@" {arguments} >&-')
        assert (unheard.returncode, unheard.stdout, unheard.stderr) == (0, b"", b"")
    assert run('"$0" "$@" search "" <&- >&- 2>&-').returncode == 2


def test_a_current_folder_that_is_gone(project: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'cd "$0" && rmdir "$0" && "$@"', gone, *RAG, "status"],
        check=False, env=environment(PYTHONSAFEPATH="1"), capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rag: the current folder does not exist any more: change to another one\n"


def test_ctrl_c_while_loading_leaves_no_traceback(project: Path) -> None:
    script = (
        "import signal, sys; from rag.cli.start import run\n"
        "class CtrlC:\n"
        "    def find_spec(*_): signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, CtrlC()); run()"
    )
    done = subprocess.run(
        [RAG[0], "-c", script, "status"],
        check=False, cwd=project, env=environment(), capture_output=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_every_command_has_an_example(rag: Command) -> None:
    commands = [
        "index", "search", "ask", "status", "inspect", "explain", "verify", "repair", "eval",
        "doctor", "pipeline list", "pipeline show", "pipeline check", "pipeline schema",
    ]  # fmt: skip
    for command in commands:
        shown = rag(*command.split(), "--help")
        assert shown.code == 0
        assert f"Example: rag {command}" in " ".join(shown.out.split())


def test_help_and_version(rag: Command) -> None:
    assert rag().out == rag("--help").out
    assert rag("--version").out.startswith("ragline ")
    assert "--install-completion" in rag("--help").out


def test_json_is_harmless_on_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from rag.cli.output import say, say_json

    hostile = {"text": "\x9b31m \u202e \ud800 \x1b[0m é"}
    say_json(hostile)
    printed = capsys.readouterr().out
    assert json.loads(printed) == hostile
    assert "é" in printed
    assert not {"\x1b", "\x9b", "\u202e"} & set(printed)
    say("\x1b[31mred\x1b[0m\tand\rmore")
    assert capsys.readouterr().out == "[31mred[0m\tandmore\n"

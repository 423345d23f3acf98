import json
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.connectors.names import readable_stem, source_name, source_path

BASE = Path("/srv/docs")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/srv/docs/a/b.md", "a/b.md"),
        ("/srv/docs/a/../b.md", "b.md"),
        ("/srv/docs2/b.md", "/srv/docs2/b.md"),
        ("/srv/docs", "."),
        ("/srv/docs/Škerrin 港.md", "Škerrin 港.md"),
        ("/srv/docs/100%.md", "100%25.md"),
        ("/srv/docs/a\nb\x1b[1m.md", "a%0Ab%1B[1m.md"),
        ("/srv/docs/a\u202eb\x85.md", "a%E2%80%AEb%C2%85.md"),
        ("/srv/docs/mail:in.md", "./mail:in.md"),
        (os.fsdecode(b"/srv/docs/caf\xe9.md"), "caf%E9.md"),
    ],
)
def test_names_are_one_printable_line(path: str, name: str) -> None:
    assert source_name(path, BASE) == name
    assert source_path(name, BASE) == os.path.abspath(path)  # noqa: PTH100


def test_without_base_names_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert source_name("a.md", None) == f"{tmp_path}/a.md"
    assert source_name("a.md", Path()) == "a.md"


@given(st.binary(min_size=1).filter(lambda b: b"\0" not in b and b not in {b".", b".."}))
def test_every_name_of_a_file_comes_back(raw: bytes) -> None:
    part = os.fsdecode(raw.replace(b"/", b"_"))
    name = source_name(BASE / part, BASE)
    assert source_path(name, BASE) == str(BASE / part)
    assert json.loads(json.dumps(name)) == name
    assert len(name.splitlines()) == 1
    assert sqlite3.connect(":memory:").execute("select ?", [name]).fetchone() == (name,)


def test_titles_from_names_are_readable() -> None:
    assert readable_stem("/x/100% sure\nnow.tar.md") == "100% sure now.tar"
    assert readable_stem(os.fsdecode(b"/x/caf\xe9.md")) == "caf?"

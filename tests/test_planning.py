"""What an index run would do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import Rag
from rag.errors import RequestError
from rag.testing import HashingEncoder

# What was changed just now is looked at again by the next run.
OLD = 1_700_000_000_000_000_000


def write(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, ns=(OLD, OLD))


@pytest.fixture
def rag(tmp_path: Path) -> Iterator[Rag]:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a", "b", "c"):
        write(docs / f"{name}.md", f"The lamp of pier {name} is lit at dusk.")
    made = Rag.open(tmp_path / ".rag", pipeline="hybrid", encoder=HashingEncoder())
    yield made
    made.close()


def test_a_plan_of_a_first_run_does_nothing(rag: Rag, tmp_path: Path) -> None:
    plan = rag.plan(tmp_path / "docs")
    assert plan.added == ["docs/a.md", "docs/b.md", "docs/c.md"]
    assert plan.seconds > 0
    assert plan.basis == "a trial of 3 of the documents"
    assert not rag.exists


def test_a_plan_says_what_the_run_then_does(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    rag.index(docs)
    write(docs / "a.md", "Another text.")
    (docs / "b.md").unlink()
    write(docs / "new.md", "A new text.")
    (docs / "link.md").symlink_to(docs / "new.md")
    plan = rag.plan(docs)
    assert (plan.added, plan.changed) == (["docs/link.md", "docs/new.md"], ["docs/a.md"])
    assert (plan.removed, plan.unchanged) == (["docs/b.md"], 1)
    report = rag.index(docs)
    did = (report.added, report.changed, report.removed, report.unchanged)
    assert did == (len(plan.added), len(plan.changed), len(plan.removed), plan.unchanged)
    assert rag.plan(docs).basis == "nothing to read"


def test_a_plan_draws_on_earlier_runs(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "long.md").write_text("The lamp is lit. " * 6_000)
    rag.index(docs)
    (docs / "long.md").write_text("The lamp is out. " * 6_000)
    plan = rag.plan(docs)
    assert plan.basis == "the pace of this index's earlier runs"
    assert plan.seconds > 0


def test_what_cannot_be_listed_is_not_to_be_removed(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    rag.index(docs)
    (docs / "a.md").unlink()
    (docs / "a.md").symlink_to("nowhere.md")
    plan = rag.plan(docs / "a.md", docs / "b.md")
    assert [one.source for one in plan.failed] == ["docs/a.md"]
    assert plan.removed == []


def test_documents_are_removed_by_name_folder_and_pattern(rag: Rag, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "sub").mkdir()
    for name in ("d.md", "e.txt", "f.md"):
        (docs / "sub" / name).write_text(f"The lamp of {name}.")
    (docs / "bad.md").write_bytes(b"\x00")
    rag.index(docs)
    assert rag.remove("docs/a.md", str(docs / "sub" / "*.md")) == [
        "docs/a.md", "docs/sub/d.md", "docs/sub/f.md",
    ]  # fmt: skip
    assert rag.remove("docs/bad.md") == ["docs/bad.md"]
    assert rag.failures() == []
    assert rag.remove("docs/") == ["docs/b.md", "docs/c.md", "docs/sub/e.txt"]
    assert rag.status()["documents"] == 0
    assert rag.verify() == []
    with pytest.raises(RequestError, match=r"no document 'docs/a\.md'"):
        rag.remove("docs/a.md")


@pytest.mark.parametrize("name", ["", " "])
def test_a_name_without_a_letter_removes_nothing(rag: Rag, tmp_path: Path, name: str) -> None:
    rag.index(tmp_path / "docs")
    before = rag.status()["documents"]
    with pytest.raises(RequestError, match=f"no document '{name}'"):
        rag.remove(name)
    assert rag.status()["documents"] == before > 0


def test_moves_are_told_and_encode_nothing(tmp_path: Path) -> None:
    class Counting(HashingEncoder):
        calls = 0

        def encode_passages(self, texts):  # type: ignore[no-untyped-def]
            Counting.calls += len(texts)
            return super().encode_passages(texts)

    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Lamps\n\nThe lamp is lit at dusk.")
    rag = Rag.open(tmp_path / ".rag", pipeline="hybrid", encoder=Counting())
    rag.index(docs)
    (docs / "deep").mkdir()
    (docs / "a.md").rename(docs / "deep" / "b.md")
    before = Counting.calls
    report = rag.index(docs)
    assert (report.added, report.removed, report.moved) == (1, 1, 1)
    assert Counting.calls == before
    assert rag.search("lamp").hits[0].passage.source == "docs/deep/b.md"
    rag.close()

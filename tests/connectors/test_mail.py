"""Mailboxes: mbox files, Maildirs, folders of .eml files."""

from __future__ import annotations

import contextlib
import mailbox
import os
import tracemalloc
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from mutations import mutants

from rag.connectors.mail import MailConnector
from rag.errors import DocumentError, SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.testing import ConnectorSuite
from rag.types import Document, Failure, Item


def message(number: int, body: str = "", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"] = "ann@example.org", f"Subject {number}"
    made["Message-ID"] = f"<{number}@example.org>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(body or f"Body {number}.")
    return made


def mbox(path: Path, *messages: EmailMessage) -> Path:
    box = mailbox.mbox(path)
    for one in messages:
        box.add(one)
    box.flush()
    box.close()
    return path


def connect(folder: Path, *paths: str, **options: Any) -> MailConnector:
    return MailConnector(path=[str(folder / path) for path in paths], base=folder, **options)


def names(connector: Connector) -> list[str]:
    return [one.id for one in connector.items() if isinstance(one, Item)]


def documents(connector: Connector) -> list[Document]:
    return [one.load() for one in connector.items() if isinstance(one, Item)]


def failures(connector: Connector) -> dict[str, str]:
    told = {one.source: one.error for one in connector.items() if isinstance(one, Failure)}
    assert all("\n" not in error for error in told.values())
    return told


class TestMailMbox(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        bad = b"From x Sat Nov 21 13:38:06 2026\nMessage-ID: <3@example.org>\n\n\x00\x01\x02\n\n"
        path = mbox(folder / "in.mbox", message(1), message(2), message(1))
        path.write_bytes(path.read_bytes() + bad)
        return connect(folder, "in.mbox")


class TestMailMaildir(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        box = mailbox.Maildir(folder / "box")
        for number in (1, 2):
            box.add(message(number))
        (folder / "box/new/zzz").write_text("no message")
        return connect(folder, "box")


class TestMailFolder(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        for number in (1, 2, 2):
            (folder / f"{number}.eml").write_bytes(message(number).as_bytes())
        (folder / "sub").mkdir()
        (folder / "sub/x.eml").write_text("no message")
        return connect(folder, ".")


def test_a_message_is_a_document(tmp_path: Path) -> None:
    made = message(1, "The lamp needs oil.", Date="Sat, 21 Nov 2026 13:38:06 +0000")
    made.add_attachment(b"Port,Fee\nAln,3\n", maintype="text", subtype="csv", filename="fees.csv")
    (document,) = documents(connect(mbox(tmp_path / "in.mbox", made).parent, "in.mbox"))
    assert (document.id, document.source) == ("mail:in.mbox#1@example.org",) * 2
    assert document.title == "Subject 1"
    assert "The lamp needs oil." in document.text and "Port: Aln; Fee: 3" in document.text
    assert document.metadata == {
        "from": "ann@example.org", "date": "2026-11-21T13:38:06+00:00",
        "message_id": "1@example.org", "attachments": "fees.csv", "format": "email",
    }  # fmt: skip


def test_an_mbox_is_parted_at_dated_lines_after_blank_ones(tmp_path: Path) -> None:
    bodies = [
        "From here on\nit is text",
        "one\n\nFrom the port it came\n\nlast",
        "> From a quote\n",
    ]
    path = mbox(tmp_path / "in.mbox", *(message(n, body) for n, body in enumerate(bodies)))
    assert b">From here" in path.read_bytes()  # as the library escapes it
    raw = path.read_bytes().replace(b">From the port", b"From the port")
    path.write_bytes(raw + b"\nno separator\nFrom x Sat Nov 21 13:38:06 2026\n\n")
    texts = [document.text for document in documents(connect(tmp_path, "in.mbox"))]
    assert len(texts) == 3
    for text, body in zip(texts, bodies, strict=True):
        assert body.strip() in text


def test_what_is_appended_to_an_mbox_changes_no_message_before(tmp_path: Path) -> None:
    def listed() -> list[tuple[str, str]]:
        return [
            (i.id, i.version) for i in connect(tmp_path, "in.mbox").items() if isinstance(i, Item)
        ]

    path = mbox(tmp_path / "in.mbox", message(1), message(2))
    before = listed()
    mbox(path, message(3))
    after = listed()
    assert after[:2] == before and len(after) == 3
    path.write_bytes(path.read_bytes().replace(b"Body 1.", b"Body X."))
    changed = listed()
    assert changed[0] != before[0] and changed[1:] == after[1:]


def test_an_mbox_is_neither_written_nor_locked(tmp_path: Path) -> None:
    path = mbox(tmp_path / "in.mbox", message(1))
    os.utime(path, (1, 1))
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert len(documents(connect(tmp_path, "in.mbox"))) == 1
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [one.name for one in tmp_path.iterdir()] == ["in.mbox"]


def test_an_mbox_that_changes_before_loading_is_noticed(tmp_path: Path) -> None:
    path = mbox(tmp_path / "in.mbox", message(1), message(2))
    one, two = (step for step in connect(tmp_path, "in.mbox").items() if isinstance(step, Item))
    path.write_bytes(path.read_bytes().replace(b"Body 2.", b"Body X."))
    assert "Body 1." in one.load().text
    with pytest.raises(DocumentError, match="changed while being read"):
        two.load()


def test_a_large_mbox_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "in.mbox"
    with path.open("wb") as file:
        for number in range(300):
            file.write(b"From x Sat Nov 21 13:38:06 2026\n")
            file.write(message(number, "word " * 10 + "\n" + ("x" * 70 + "\n") * 1500).as_bytes())
            file.write(b"\n")
        file.write(b"From x Sat Nov 21 13:38:06 2026\nMessage-ID: <long@x>\n\n" + b"y" * 30_000_000)
    tracemalloc.start()
    connector = connect(tmp_path, "in.mbox", max_bytes=1_000_000)
    steps = list(connector.items())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(steps) == 301 and peak < 3_000_000
    assert isinstance(steps[-1], Failure) and "max_bytes = 1,000,000" in steps[-1].error
    assert steps[-1].source == "mail:in.mbox#long@x"


def test_deleted_messages_of_thunderbird_are_left_out(tmp_path: Path) -> None:
    deleted, kept = message(1, X_Mozilla_Status="0009"), message(2, X_Mozilla_Status="0001")
    mbox(tmp_path / "Inbox", deleted, kept)
    assert names(connect(tmp_path, "Inbox")) == ["mail:Inbox#2@example.org"]


def test_copies_are_listed_once_and_other_messages_under_an_id_are_kept(tmp_path: Path) -> None:
    mbox(tmp_path / "a.mbox", message(1, Received="by a"), message(1, Received="by b"))
    mbox(tmp_path / "b.mbox", message(1), message(1, "Another text."), message(2))
    connector = connect(tmp_path, "*.mbox")
    listed = names(connector)
    assert connector.skipped == {"copy of a message": 2}
    assert listed[0] == "mail:a.mbox#1@example.org"
    assert listed[1].startswith("mail:b.mbox#1@example.org~")
    assert listed[2] == "mail:b.mbox#2@example.org"
    assert names(connector) == listed
    assert "Another text." in documents(connector)[1].text


def test_messages_without_an_id_are_named_by_their_content(tmp_path: Path) -> None:
    bare = message(1)
    del bare["Message-ID"]
    mbox(tmp_path / "a.mbox", bare, message(2))
    (tmp_path / "x.eml").write_bytes(bare.as_bytes())
    first = names(connect(tmp_path, "a.mbox"))[0]
    mbox(tmp_path / "b.mbox", message(3), bare)
    assert names(connect(tmp_path, "b.mbox"))[1].partition("#")[2] == first.partition("#")[2]
    assert len(names(connect(tmp_path, "x.eml"))) == 1


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"message-id:\n <a@b>", "a@b"),
        (b"Message-Id: a b <c@d> x", "c@d"),
        (b"MESSAGE-ID: no brackets", "nobrackets"),
        ("Message-ID: <é\u202e@b>".encode(), "é%E2%80%AE@b"),
    ],
)
def test_ids_in_every_shape(tmp_path: Path, header: bytes, told: str) -> None:
    (tmp_path / "a.eml").write_bytes(b"Subject: x\n" + header + b"\n\nMessage-ID: <body@x>\n")
    assert names(connect(tmp_path, "a.eml")) == [f"mail:.#{told}"] or names(
        connect(tmp_path, "a.eml")
    ) == [f"mail:a.eml#{told}"]


def test_a_maildir_keeps_its_documents_when_messages_are_read(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    box.add(message(1))
    box.add(message(2))
    sent = box.add_folder("Sent")
    sent.add(message(3))
    connector = connect(tmp_path, "box")

    def listed() -> dict[str, str]:
        return {one.id: one.version for one in connector.items() if isinstance(one, Item)}

    before = listed()
    assert set(before) == {
        "mail:box#1@example.org", "mail:box#2@example.org", "mail:box/.Sent#3@example.org"
    }  # fmt: skip
    waiting = [one for one in connector.items() if isinstance(one, Item)]
    for path in list((tmp_path / "box/new").iterdir()):
        path.rename(tmp_path / "box/cur" / f"{path.name}:2,S")
    assert listed() == before
    assert all("Body" in item.load().text for item in waiting)


def test_folders_are_searched_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a/1.EML").write_bytes(message(1).as_bytes())
    (tmp_path / "a/b/2.eml").write_bytes(message(2).as_bytes())
    (tmp_path / "a/b/notes.txt").write_text("no mail")
    (tmp_path / ".hidden/3.eml").write_bytes(message(3).as_bytes())
    (tmp_path / "a/link.eml").symlink_to(tmp_path / "a/b/2.eml")
    mbox(tmp_path / "a/x.mbox", message(4))
    connector = connect(tmp_path, ".")
    assert names(connector) == [
        "mail:a#1@example.org", "mail:a/x.mbox#4@example.org", "mail:a/b#2@example.org"
    ]  # fmt: skip
    for source in ("mail:a/x.mbox#9", "mail:gone#1", "mail:.#1"):
        assert connector.covers(source)
    only = connect(tmp_path, "a/b")
    assert names(only) == ["mail:a/b#2@example.org"]
    for source in ("mail:a#1@example.org", "mail:a/b", "a/b/2.eml", "records:a/b#1", "mail:a/bc#1"):
        assert not only.covers(source)


def test_nothing_is_removed_where_something_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(message(1).as_bytes())
    (tmp_path / "2.eml").write_bytes(b"Subject: no id\n\n" + b"x" * 2000)
    (tmp_path / "no.mbox").write_text("This is no mbox.")
    mbox(tmp_path / "yes.mbox", message(3))
    connector = connect(tmp_path, ".", max_bytes=1000)
    told = failures(connector)
    assert "max_bytes" in told["mail:.#(2.eml)"]
    assert "no mbox" in told["mail:no.mbox#(mailbox)"]
    assert connector.covers("mail:.#1@example.org") and connector.covers("mail:yes.mbox#9")
    assert not connector.covers("mail:.#9") and not connector.covers("mail:no.mbox#9")


def test_a_folder_that_cannot_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "1.eml").write_bytes(message(1).as_bytes())
    listed = os.scandir

    def refusing(path: Any = ".") -> Any:
        if os.fspath(path).endswith("/a"):
            raise PermissionError(13, "denied", os.fspath(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refusing)
    connector = connect(tmp_path, ".")
    assert "permission denied" in failures(connector)["mail:a#(folder)"]
    assert not connector.covers("mail:a#1") and not connector.covers("mail:a/b#1")
    assert connector.covers("mail:b#1")


def test_the_short_form_and_what_is_missing(tmp_path: Path) -> None:
    mbox(tmp_path / "in.mbox", message(1))
    connector = open_sources([f"mail:{tmp_path}/in.mbox"], base=tmp_path)
    assert names(connector) == ["mail:in.mbox#1@example.org"]
    with pytest.raises(SourceError, match="no such file"):
        open_sources(["mail:nowhere.mbox"])
    (tmp_path / "empty").write_text("")
    assert list(connect(tmp_path, "empty").items()) == []


def test_damaged_mailboxes_give_documents_and_failures_only(tmp_path: Path) -> None:
    made = message(1)
    made.add_alternative("<p>x <b>y</b>", subtype="html")
    made.add_attachment(b"Port,Fee\nAln,3\n", maintype="text", subtype="csv", filename="b.csv")
    made.add_attachment(message(2))
    seed = mbox(tmp_path / "seed", made, message(3, "From x 11:11\n\nFrom y")).read_bytes()
    for data in mutants([seed], 200, seed=5):
        (tmp_path / "a.mbox").write_bytes(data)
        connector = connect(tmp_path, "a.mbox")
        listed = [one for one in connector.items() if isinstance(one, Item)]
        assert len({one.id for one in listed}) == len(listed)
        failures(connector)
        for one in listed:
            with contextlib.suppress(DocumentError):
                one.load().content_hash.encode()

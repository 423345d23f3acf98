"""SFTP against paramiko's own server on loopback."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("paramiko", reason="paramiko is not installed")

import paramiko

from rag.connectors.remote import RemoteConnector
from rag.errors import SourceError
from rag.protocols import Connector
from rag.testing import ConnectorSuite
from rag.types import Failure, Item


class Guard(paramiko.ServerInterface):  # type: ignore[misc]
    """Lets in ann, whose password is `tide`."""

    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == ("ann", "tide")
        return int(paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED)

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)


class Folder(paramiko.SFTPServerInterface):  # type: ignore[misc]
    """Serves one folder for reading."""

    def __init__(self, server: Any, *, root: Path) -> None:
        super().__init__(server)
        self.root = root

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        try:
            there = list(self._at(path).iterdir())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return [paramiko.SFTPAttributes.from_stat(one.lstat(), one.name) for one in there]

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        try:
            file = os.fdopen(os.open(self._at(path), os.O_RDONLY), "rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = file
        return handle


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port at which `tmp_path/served` is served to those who know the server's key."""
    root = tmp_path / "served"
    root.mkdir()
    key = paramiko.ECDSAKey.generate()
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    transports: list[Any] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folder, root=root)
            transports.append(transport)
            transport.start_server(event=threading.Event(), server=Guard())

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    known = f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n"
    (tmp_path / ".ssh/known_hosts").write_text(known)
    yield port
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
    for transport in transports:
        transport.close()


def connect(port: int, path: str = "docs", password: str = "tide") -> RemoteConnector:
    url = f"sftp://ann:{password}@127.0.0.1:{port}/{path}"
    return RemoteConnector(url=url, storage={"look_for_keys": False, "allow_agent": False})


def write(folder: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = folder / "served/docs" / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def items(connector: Connector) -> list[Item]:
    return [step for step in connector.items() if isinstance(step, Item)]


class TestSftp(ConnectorSuite):
    @pytest.fixture(autouse=True)
    def _server(self, served: int) -> None:
        self.port = served

    def make(self, folder: Path) -> RemoteConnector:
        write(folder, a_md="# A\n\nText.", b__c_txt="More.", d_md=b"\0\1")
        return connect(self.port)


def test_documents_are_read_and_links_are_not_followed(served: int, tmp_path: Path) -> None:
    write(tmp_path, a_md="Text.", sub__b_md="More.", _hidden_md="x")
    (tmp_path / "served/docs/link.md").symlink_to("a.md")
    connector = connect(served)
    listed = items(connector)
    assert [item.source for item in listed] == [
        f"sftp://ann@127.0.0.1:{served}/docs/a.md",
        f"sftp://ann@127.0.0.1:{served}/docs/sub/b.md",
    ]
    assert [item.load().text for item in listed] == ["Text.", "More."]
    assert connector.skipped == {"symlink": 1}
    (item,) = items(connect(served, "docs/sub/b.md"))
    assert item.load().text == "More."


def test_a_folder_that_is_not_there(served: int, tmp_path: Path) -> None:
    write(tmp_path, a_md="Text.")
    with pytest.raises(SourceError, match="there is nothing at this address"):
        items(connect(served, "nowhere"))


def test_a_wrong_password(served: int, tmp_path: Path) -> None:
    write(tmp_path, a_md="Text.")
    with pytest.raises(SourceError) as caught:
        items(connect(served, password="guess"))
    assert "access is denied; check the credentials" in str(caught.value)
    assert "guess" not in str(caught.value)


def test_a_server_whose_key_is_not_known_is_refused(served: int, tmp_path: Path) -> None:
    write(tmp_path, a_md="Text.")
    (tmp_path / ".ssh/known_hosts").write_text("")
    with pytest.raises(SourceError, match=r"its key is not in .*known_hosts"):
        items(connect(served))


def test_a_file_by_name_that_no_format_reads(served: int, tmp_path: Path) -> None:
    write(tmp_path, a_exe="x")
    (step,) = connect(served, "docs/a.exe").items()
    assert isinstance(step, Failure) and "no format reads" in step.error

"""A PostgreSQL server of the system's own, on loopback and in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

PASSWORD = "s3cret w%rd"
_USER = "ann"


class Server:
    """A running server: `url` with its password."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, password: str = PASSWORD, database: str = "postgres") -> str:
        quoted = password.replace("%", "%25").replace(" ", "%20")
        return f"postgresql://{_USER}:{quoted}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        options = {"host": "127.0.0.1", "port": self.port, "user": _USER, "dbname": "postgres"}
        return psycopg.connect(password=PASSWORD, autocommit=True, **options)  # type: ignore[arg-type]


@contextmanager
def postgres() -> Iterator[Server]:
    """Start a server, or skip the test where none is installed."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        as_user = _unprivileged(folder)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data = folder / "data"
        login = ["--auth=scram-sha-256", f"--pwfile={secret}", "-U", _USER, "-E", "UTF8"]
        _run([*as_user, str(programs / "initdb"), "-D", str(data), "-N", *login], folder)
        port = _free_port()
        settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
        _run([*control, "-l", str(folder / "log"), "-o", settings, "start"], folder)
        try:
            yield Server(port)
        finally:
            _run([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
    pytest.skip("PostgreSQL's initdb is not installed (Debian: postgresql)")


def _unprivileged(folder: Path) -> list[str]:
    """What runs a command as a user under whom PostgreSQL agrees to start."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and setpriv is not installed")
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
    return ["setpriv", *ids, "--clear-groups", "--"]


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _run(command: list[str], folder: Path) -> None:
    # Into a file: the server would keep a pipe open.
    with (folder / "out").open("wb") as out:
        done = subprocess.run(command, cwd=folder, stdout=out, stderr=out, timeout=120, check=False)
    assert done.returncode == 0, (folder / "out").read_text()

"""The newest commit of a repository elsewhere, kept bare and shallow in the user's cache."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote, urlsplit, urlunsplit

from rag.connectors.repository.program import Git, GitError
from rag.errors import SourceError

PROTOCOLS = ("file", "git", "http", "https", "ssh")
# `git@example.org:team/notes.git`, as ssh's own programs write it.
_SCP = re.compile(r"(?P<at>[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*):(?P<path>[^/:].*)")
# No work is left behind in the background, and a server that stalls is given up.
_FETCH = (
    "-c", "gc.auto=0", "-c", "maintenance.auto=false",
    "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60",
    "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head",
    "--no-recurse-submodules", "--force", "--end-of-options",
)  # fmt: skip


def as_url(repository: str) -> str | None:
    """The URL that `repository` is, without `git+`; None for a path on disk."""
    if found := _SCP.fullmatch(repository):
        return f"ssh://{found['at']}/{found['path']}"
    url = repository.removeprefix("git+")
    return url if "://" in url else None


class Clone:
    """What is kept of the repository at `url`. `name` is the URL without its password.

    Git finds credentials as it does for the user, and never asks. Raises SourceError.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PROTOCOLS:
            taken = ", ".join(PROTOCOLS)
            raise SourceError(f"git does not read {parts.scheme}:// URLs here (taken: {taken})")
        user, at, host = parts.netloc.rpartition("@")
        bare = parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}")
        self.name = urlunsplit(bare)
        self._url = url
        self._secret = parts.password or ""

    def fetch(self, ref: str) -> tuple[Git, str]:
        """Git in the clone, and the name there of the commit that `ref` is now."""
        from filelock import FileLock
        from platformdirs import user_cache_path

        folder = user_cache_path("ragline") / "git" / _digest(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        kept = f"refs/ragline/{_digest(ref)}"
        here = {"GIT_DIR": str(folder)}
        git = Git(folder, ":".join(PROTOCOLS), here | self._secretly())
        with FileLock(folder.with_suffix(".lock")):
            try:
                git.output("init", "--bare", "--quiet", "--template=")
                git.output(*_FETCH, self.name, f"+{ref}:{kept}")
            except GitError as error:
                raise SourceError(
                    f"cannot fetch '{ref}' of {self.name}: {self._told(error)}"
                ) from None
        return Git(folder, more=here), kept

    def _secretly(self) -> dict[str, str]:
        """The password by way of the environment: anyone may read the arguments of a program."""
        if not self._secret:
            return {}
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self._url}.insteadOf",
            "GIT_CONFIG_VALUE_0": self.name,
        }

    def _told(self, error: GitError) -> str:
        line = str(error)
        for secret in filter(None, (self._secret, unquote(self._secret))):
            line = line.replace(secret, "***")
        return line


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]

"""SSH servers are those that the user has met before: the keys in `~/.ssh/known_hosts`."""

from __future__ import annotations

from pathlib import Path

import paramiko


class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Takes a server whose key is known, and no other."""

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Raise SSHException unless `key` is known to be that of `hostname`."""
        known = Path("~/.ssh/known_hosts").expanduser()
        keys = paramiko.HostKeys(str(known) if known.is_file() else None)
        if not keys.check(hostname, key):
            raise paramiko.SSHException(
                f"its key is not in {known}; connect once with ssh, and check the key"
            )

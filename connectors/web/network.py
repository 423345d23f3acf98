"""Connections to checked addresses, each with a time at which it is cut off."""

from __future__ import annotations

from rag.connectors.web.addresses import AddressCheck
from rag.http import TimedNetwork


class CheckedNetwork(TimedNetwork):
    """Connects to what `check` lets pass, and to the very address that was checked.

    TLS goes on to verify the certificate for the host's name. Whatever is read or written
    after `deadline` (of `time.monotonic`) times out, so that a body that drips for ever ends.
    """

    def __init__(self, check: AddressCheck) -> None:
        super().__init__(check.addresses, lambda: self.deadline)
        self.deadline = 0.0

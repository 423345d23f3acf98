"""Why storage cannot be read, as one line that says what to do."""

from __future__ import annotations

_DENIED = "access is denied; check the credentials and what they allow"
_KEYLESS = "no credentials are found; set them as its own tools expect them"
_NOWHERE = "there is nothing at this address; check the spelling"
_UNREACHED = "the server cannot be reached; check the address and the network"
# Each library has errors of its own; their names tell what they mean.
_BY_NAME = (
    (("NoCredentials", "PartialCredentials", "DefaultCredentials", "ProfileNotFound"), _KEYLESS),
    (("Authentication", "RefreshError", "TokenRetrieval", "Forbidden"), _DENIED),
    (("ResourceNotFound", "NoSuchBucket"), _NOWHERE),
    (
        ("EndpointConnection", "ConnectTimeout", "ConnectionClosed", "NoValidConnections"),
        _UNREACHED,
    ),
)
_KINDS: tuple[tuple[type[OSError], str], ...] = (
    (PermissionError, _DENIED),
    (FileNotFoundError, _NOWHERE),
    (ConnectionError, _UNREACHED),
    (TimeoutError, _UNREACHED),
)


def told(error: Exception) -> str:
    """What went wrong with the storage, in one line."""
    seen = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # S3's answer to a mistyped key is of the same kind as any failed call.
    name = f"{type(error).__name__} {type(error.__cause__).__name__}"
    for names, line in _BY_NAME:
        if any(part in name for part in names):
            return line
    for kind, line in _KINDS:
        if isinstance(error, kind):
            return line
    return f"cannot be read: {' '.join(seen.split())[:300]}"

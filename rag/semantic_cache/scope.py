"""What answers may be kept for: one published state of an index."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from sqlite3 import Connection


def scope(folder: Path, connection: Connection) -> str:
    """What stands for the state that `connection` reads of the index in `folder`.

    Any indexing, removal, rebuild or repair makes another one: it is the number of the generation,
    that of the last run, and a digest of what the generation is made of, so that an index put in
    the place of another is not taken for it. Raises OSError where the state is gone by now.
    """
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    (run,) = connection.execute("SELECT MAX(id) FROM runs").fetchone()
    number = int(json.loads(value))
    manifest = folder / "generations" / f"{number:08d}" / "manifest.json"
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    return f"{number}.{run or 0}.{digest[:16]}"

"""How a chat model is asked: how long, how often, how many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import Field

# What components that ask have as options under these names; `cache: bool | None` has no bounds.
Timeout: TypeAlias = Annotated[float, Field(gt=0, le=3600)]
Deadline: TypeAlias = Annotated[float, Field(gt=0, le=3600)]
Retries: TypeAlias = Annotated[int, Field(ge=0, le=10)]
Budget: TypeAlias = Annotated[int, Field(ge=1)]
Concurrency: TypeAlias = Annotated[int, Field(ge=1, le=64)]

# Seconds for one reply where nobody says how many.
PATIENCE = 600.0
# Characters or bytes of a reply: nothing that is asked here needs more.
MOST = 1_000_000
# What a server answers (HTTP) when it may answer otherwise a little later.
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of asking; times in seconds.

    A call may take `timeout`, and all calls of a stage together `deadline`, with the waiting
    between them. A call that failed and may be worth it is made again up to `retries` times,
    after `backoff`, then after twice as long, or after as long as the server says. A question
    may make `budget` calls, retries included, in all its stages. `concurrency` calls are under
    way at once. `cache` says whether replies are kept on disk; None is where the model answers
    alike each time (its attribute `repeatable`).

    A reply that is streamed may take `timeout` to its first piece and between two pieces, and
    `deadline` to its end; it is asked for again only before its first piece.
    """

    timeout: float = 30.0
    deadline: float = 60.0
    retries: int = 2
    budget: int = 20
    concurrency: int = 4
    cache: bool | None = None
    backoff: float = 0.5


DEFAULTS = Settings()

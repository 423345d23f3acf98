"""A history alternates and ends with an answer, or the request is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from rag import Rag
from rag.errors import RequestError
from rag.types import Query, Turn

U: Literal["user"] = "user"
A: Literal["assistant"] = "assistant"


def turns(*roles: Literal["user", "assistant"]) -> tuple[Turn, ...]:
    return tuple(Turn(role, f"turn {number}") for number, role in enumerate(roles))


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Rag:
    folder: Path = tmp_path_factory.mktemp("turns")
    (folder / "ferry.txt").write_text("The ferry leaves at nine.")
    made = Rag.open(folder / ".rag", pipeline="bm25", workers=0)
    made.index(str(folder / "ferry.txt"))
    return made


@pytest.mark.parametrize("roles", [(), (A,), (U, A), (A, U, A), (U, A, U, A)])
def test_histories_that_are_taken(
    rag: Rag, roles: tuple[Literal["user", "assistant"], ...]
) -> None:
    assert rag.search(Query("ferry", history=turns(*roles))).hits
    assert rag.ask("ferry", history=turns(*roles)).hits


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ((U,), "ends with a turn of the user"),
        ((U, A, U), "ends with a turn of the user"),
        ((U, U, A), "turns 1 and 2 of the history are both by the user"),
        ((U, A, A), "turns 2 and 3 of the history are both by the assistant"),
    ],
)
def test_histories_that_are_refused(
    rag: Rag, roles: tuple[Literal["user", "assistant"], ...], told: str
) -> None:
    query = Query("ferry", history=turns(*roles))
    for refused in (
        lambda: rag.search(query),
        lambda: rag.ask("ferry", history=query.history),
        lambda: rag.explain(query),
    ):
        with pytest.raises(RequestError, match=told) as caught:
            refused()
        assert "ends with an answer" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "odd",
    [
        {"role": "user", "text": "Where is the ferry?"},
        ("user", "Where is the ferry?"),
        "Where is the ferry?",
        Turn("system", "Answer in French."),  # type: ignore[arg-type]
        Turn("user", None),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_turn_is_refused(rag: Rag, odd: Any) -> None:
    with pytest.raises(RequestError, match=r"turn 1 of the history is none: give Turn\('user'"):
        rag.ask("ferry", history=[odd, Turn("assistant", "At the pier.")])

"""Questions that programs give and that are none: refused in one line, and never an end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag import Answer, Rag
from rag.errors import RequestError
from rag.types import Query, Unanswered


@pytest.fixture
def rag(tmp_path: Path) -> Iterator[Rag]:
    (tmp_path / "ferry.txt").write_text("The ferry leaves at nine.")
    with Rag.open(tmp_path / ".rag", pipeline="bm25", workers=0) as made:
        made.index(tmp_path / "ferry.txt")
        yield made


@pytest.mark.parametrize("given", [None, 5, b"Who?", ["Who?"], Query(None)])  # type: ignore[arg-type]
def test_what_is_no_text_is_refused(rag: Rag, given: Any) -> None:
    for ask in (rag.ask, rag.search, rag.stream):
        with pytest.raises(RequestError, match=r"a question is text, not of type '[A-Za-z]+'"):
            ask(given)


def test_an_empty_cell_ends_no_batch(rag: Rag) -> None:
    given: list[Any] = ["When does the ferry leave?", None, "When does it leave?"]
    first, none, last = rag.batch(given)
    assert isinstance(first, Answer)
    assert isinstance(last, Answer)
    assert none == Unanswered("", "a question is text, not of type 'NoneType'")


def test_one_question_is_no_batch_of_its_letters(rag: Rag) -> None:
    for one in ("Who?", Query("Who?")):
        with pytest.raises(RequestError, match="a batch takes several questions"):
            next(rag.batch(one))  # type: ignore[arg-type]

"""What every store promises."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rag.protocols import Encoder, Ranked, View
from rag.testing.hashing import HashingEncoder
from rag.testing.samples import DOCUMENTS, passages_of
from rag.types import AllOf, AnyOf, Condition, Document, Filter, Not, Passage, Variant


class StoreUnderTest(Protocol):
    """A store as the suite drives it: wrap yours in these four methods."""

    def commit(
        self,
        added: Sequence[tuple[Document, Sequence[Passage]]],
        removed: Sequence[str] = (),
        *,
        fail: bool = False,
    ) -> None:
        """Put documents, replacing those of the same id, and remove others, in one commit.

        With `fail` something raises inside the commit, as late as it can be arranged.
        """
        ...

    def view(self) -> AbstractContextManager[View]:
        """The published state."""
        ...

    def problems(self) -> list[str]:
        """What verification finds."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


_FERRY, _LIGHT = DOCUMENTS[1], DOCUMENTS[0]


class StoreSuite:
    """Override `open`. Every document is in the lexical index and has vectors."""

    def open(self, folder: Path, encoder: Encoder) -> StoreUnderTest:
        """The store in `folder`, made where there is none."""
        raise NotImplementedError

    def test_put_and_find(self, tmp_path: Path) -> None:
        """What is committed is found by both indexes and read back equal."""
        store = self._filled(tmp_path)
        with store.view() as view:
            assert view.document(_LIGHT.id) == _LIGHT
            assert _found(view, "ferry") == ({"ferry"}, {"ferry", "lighthouse"})
        assert store.problems() == []
        store.close()

    def test_upsert_twice_is_once(self, tmp_path: Path) -> None:
        """Committing a document again changes nothing."""
        store = self._filled(tmp_path)
        before = _state(store)
        store.commit([_entry(_FERRY)])
        assert _state(store) == before
        assert store.problems() == []
        store.close()

    def test_change_replaces(self, tmp_path: Path) -> None:
        """A changed document is wholly new, in both indexes."""
        store = self._filled(tmp_path)
        changed = replace(_FERRY, text=_FERRY.text.replace("ferry", "train"))
        store.commit([_entry(changed)])
        with store.view() as view:
            assert view.document("ferry") == changed
            assert _found(view, "ferry")[0] == set()
            assert _found(view, "train")[0] == {"ferry"}
            texts = [passage.text for passage, _ in _dense(view, "train")]
            assert not any("The ferry" in text for text in texts)
        store.close()

    def test_delete_removes_from_both(self, tmp_path: Path) -> None:
        """A removed document is in neither index."""
        store = self._filled(tmp_path)
        store.commit([], [_FERRY.id])
        with store.view() as view:
            assert view.document(_FERRY.id) is None
            assert _found(view, "ferry") == (set(), {"lighthouse"})
        assert store.problems() == []
        store.close()

    def test_everything_can_be_deleted(self, tmp_path: Path) -> None:
        """An index may become empty, and be filled again."""
        store = self._filled(tmp_path)
        before = _state(store)
        store.commit([], [_FERRY.id, _LIGHT.id])
        with store.view() as view:
            assert _found(view, "ferry") == (set(), set())
        store.commit([_entry(_LIGHT), _entry(_FERRY)])
        assert _state(store) == before
        store.close()

    def test_reopen_is_the_same(self, tmp_path: Path) -> None:
        """What was closed opens as it was."""
        store = self._filled(tmp_path)
        before = _state(store)
        store.close()
        again = self.open(tmp_path / "index", HashingEncoder())
        assert _state(again) == before
        again.close()

    def test_commit_is_all_or_nothing(self, tmp_path: Path) -> None:
        """A commit that fails leaves the state before it, and the next one works."""
        store = self._filled(tmp_path)
        before = _state(store)
        changed = replace(_FERRY, text="Nothing of the kind happened.", blocks=())
        raised = False
        try:
            store.commit([_entry(changed)], [_LIGHT.id], fail=True)
        except Exception:  # noqa: BLE001 the store under test may raise anything
            raised = True
        assert raised, "the commit was to fail"
        assert _state(store) == before
        assert store.problems() == []
        store.commit([], [_LIGHT.id])
        with store.view() as view:
            assert view.document(_LIGHT.id) is None
        store.close()

    def test_view_does_not_move(self, tmp_path: Path) -> None:
        """An update leaves a view that is open as it was."""
        store = self._filled(tmp_path)
        with store.view() as view:
            before = _found(view, "ferry")
            store.commit([], [_FERRY.id])
            assert _found(view, "ferry") == before
            assert view.document(_FERRY.id) == _FERRY
        with store.view() as view:
            assert _found(view, "ferry")[0] == set()
        store.close()

    def test_filters_hold_before_the_cut(self, tmp_path: Path) -> None:
        """The best allowed passage is found though others are better."""
        store = self._filled(tmp_path)
        year = _LIGHT.metadata["year"]
        either = AnyOf((Condition("year", "=", year), Condition("nowhere", "=", year)))
        with store.view() as view:
            for one in (either, Not(Condition("year", "!=", year)), AllOf((either, either))):
                for found in (
                    view.lexical([Variant("ferry leaves, oil")], 1, [one]),
                    _dense(view, "The ferry leaves at nine.", 1, [one]),
                ):
                    assert [passage.document_id for passage, _ in found] == [_LIGHT.id]
        store.close()

    def _filled(self, folder: Path) -> StoreUnderTest:
        store = self.open(folder / "index", HashingEncoder())
        store.commit([_entry(_LIGHT), _entry(_FERRY)])
        return store


def _entry(document: Document) -> tuple[Document, Sequence[Passage]]:
    return document, passages_of(document)


def _dense(view: View, text: str, k: int = 50, filters: Sequence[Filter] = ()) -> Ranked:
    assert view.encoder is not None
    return view.dense(view.encoder.encode_queries([text])[0], k, filters)


def _found(view: View, text: str) -> tuple[set[str], set[str]]:
    """Documents that each index finds for `text`."""
    lexical = view.lexical([Variant(text)], 50)
    return ({p.document_id for p, _ in lexical}, {p.document_id for p, _ in _dense(view, text)})


def _state(store: StoreUnderTest) -> str:
    """Documents, and passages with their scores, as a view gives them.

    Written out while it is open, as passages may be read when they are looked at.
    """
    with store.view() as view:
        return repr(
            (
                [view.document(document.id) for document in (_LIGHT, _FERRY)],
                # To the last bit: a history of edits leaves no trace in scores.
                view.lexical([Variant("the ferry oil lamp")], 50),
                _dense(view, "the ferry leaves"),
            )
        )

"""What every lexical engine promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.protocols import Ids, LexicalEngine, LexicalEntry, LexicalIndex

_ENTRIES: Sequence[LexicalEntry] = (
    (1, 10, ["lamp", "oil", "lamp"]),
    (2, 10, ["storm", "lamp", "keeper", "stair"]),
    (3, 11, ["ferry", "dog"]),
    (5, 12, ["oil"]),
    (8, 12, []),
    (9, 13, ["灯台", "ランプ"]),
)


class LexicalSuite:
    """Override `make`."""

    def make(self) -> LexicalEngine:
        """The engine."""
        raise NotImplementedError

    def test_is_a_lexical_engine(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), LexicalEngine)

    def test_holds_every_row(self, tmp_path: Path) -> None:
        """All rows that were added are there, those without terms too."""
        index = self._built(tmp_path)
        assert isinstance(index, LexicalIndex)
        assert len(index) == len(_ENTRIES)
        assert index.rows().tolist() == [row for row, _, _ in _ENTRIES]

    def test_empty_index(self, tmp_path: Path) -> None:
        """An index of nothing opens and finds nothing."""
        engine = self.make()
        engine.update(None, tmp_path / "empty", _ids(), [])
        index = engine.open(tmp_path / "empty")
        assert (len(index), index.rows().tolist(), index.search({"lamp": 1.0}, 3)) == (0, [], [])

    def test_finds_what_has_the_terms(self, tmp_path: Path) -> None:
        """Only rows with a term are found; scores descend; more of a term ranks higher."""
        found = self._built(tmp_path).search({"lamp": 1.0, "oil": 1.0}, 10)
        assert {row for row, _ in found} == {1, 2, 5}
        assert found[0][0] == 1
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)

    def test_unknown_terms_find_nothing(self, tmp_path: Path) -> None:
        """No row, no error."""
        index = self._built(tmp_path)
        assert index.search({"nowhere": 1.0}, 5) == []
        assert index.search({}, 5) == []

    def test_filter_holds_before_the_cut(self, tmp_path: Path) -> None:
        """The best of the allowed documents are found, whatever is better outside."""
        index = self._built(tmp_path)
        found = index.search({"lamp": 1.0, "oil": 0.1}, 1, _ids(12))
        assert [row for row, _ in found] == [5]
        assert index.search({"lamp": 1.0}, 5, _ids()) == []

    def test_filter_keeps_scores(self, tmp_path: Path) -> None:
        """A restricted search scores as an open one does."""
        index = self._built(tmp_path)
        every = dict(index.search({"oil": 1.0}, 5))
        assert dict(index.search({"oil": 1.0}, 5, _ids(12)))[5] == every[5]

    def test_ties_with_the_last_are_all_given(self, tmp_path: Path) -> None:
        """With 100 equal rows and k of 3, all 100 come."""
        engine = self.make()
        entries = [(row, row, ["same"]) for row in range(1, 101)]
        engine.update(None, tmp_path / "ties", _ids(), [*entries, (200, 200, ["other"])])
        found = engine.open(tmp_path / "ties").search({"same": 1.0}, 3)
        assert sorted(row for row, _ in found) == list(range(1, 101))

    def test_weights_count(self, tmp_path: Path) -> None:
        """A term's weight multiplies its score."""
        index = self._built(tmp_path)
        (_, once), (_, twice) = (index.search({"ferry": w}, 1)[0] for w in (1.0, 2.0))
        np.testing.assert_allclose(twice, 2 * once, rtol=1e-4)

    def test_deleted_rows_are_gone(self, tmp_path: Path) -> None:
        """A new generation lacks what was deleted and has what was added; the old one stays."""
        engine = self.make()
        old = self._built(tmp_path)
        engine.update(tmp_path / "first", tmp_path / "second", _ids(1, 3), [(11, 10, ["lamp"])])
        index = engine.open(tmp_path / "second")
        assert index.rows().tolist() == [2, 5, 8, 9, 11]
        assert len(index) == 5
        assert {row for row, _ in index.search({"lamp": 1.0, "dog": 1.0}, 9)} == {2, 11}
        for former in (old, engine.open(tmp_path / "first")):
            assert {row for row, _ in former.search({"lamp": 1.0, "dog": 1.0}, 9)} == {1, 2, 3}

    def test_everything_can_be_deleted(self, tmp_path: Path) -> None:
        """A generation of nothing may follow one of something."""
        engine = self.make()
        rows = self._built(tmp_path).rows()
        engine.update(tmp_path / "first", tmp_path / "second", rows, [])
        assert len(engine.open(tmp_path / "second")) == 0

    def test_open_outlives_its_folder(self, tmp_path: Path) -> None:
        """A reader keeps its generation when the files are removed under it."""
        index = self._built(tmp_path)
        before = index.search({"lamp": 1.0}, 5)
        for path in (tmp_path / "first").iterdir():
            path.unlink()
        assert index.search({"lamp": 1.0}, 5) == before

    def test_rare_terms_weigh_more(self, tmp_path: Path) -> None:
        """Inverse document frequency falls with frequency and is never negative."""
        index = self._built(tmp_path)
        assert index.idf("nowhere") > index.idf("ferry") > index.idf("lamp") >= 0

    def _built(self, folder: Path) -> LexicalIndex:
        engine = self.make()
        engine.update(None, folder / "first", _ids(), _ENTRIES)
        return engine.open(folder / "first")


def _ids(*rows: int) -> Ids:
    return np.array(rows, np.int64)

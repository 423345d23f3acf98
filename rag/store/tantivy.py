"""BM25 on tantivy (k1 1.2, b 0.75): persists, grows and shrinks, opens without rebuilding.

tantivy is fed with our analysed terms through its whitespace tokenizer, so that every engine
sees the same ones. Segment files never change once written: a new generation links the old
one's files and costs what the change costs. `docs/decisions/lexical-engine.md` has the figures.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from rag.protocols import Ids, LexicalEntry
from rag.store.analysis import AUTO, language_code, language_faults
from rag.store.folders import link_tree

if TYPE_CHECKING:
    import tantivy

_HEAP_BYTES = 64_000_000
_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
# tantivy writes these for its own user alone.
_PRIVATE = (".managed.json", "meta.json")
# More documents than this are looked for among the hits: making a set of them costs more.
_SET = 2_000
# Asked for beyond k, so that passages that tie with the last one are all seen.
_TIES = 16


def _schema() -> tantivy.Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="terms", index_option="freq")
    builder.add_unsigned_field("row", indexed=True, fast=True)
    builder.add_unsigned_field("document", indexed=True, fast=True)
    return builder.build()


def _open(folder: Path) -> tantivy.Index:
    import tantivy

    index = tantivy.Index(_schema(), path=str(folder))
    whitespace = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("terms", whitespace)
    return index


class TantivyEngine:
    """The default lexical engine.

    `language` is "auto", or one language for everything, by its name or ISO 639-1 code.
    """

    def __init__(self, *, language: str = AUTO) -> None:
        self.language = language_code(language)

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """A language must be one that is known."""
        return language_faults(options)

    def update(
        self,
        old: Path | None,
        new: Path,
        deleted: Ids,
        added: Iterable[LexicalEntry],
    ) -> None:
        """Write the next generation into `new`: see `LexicalEngine.update`."""
        from tantivy import Query

        if old is None:
            new.mkdir()
        else:
            link_tree(old, new)
        index = _open(new)
        writer = index.writer(_HEAP_BYTES, 1)
        if len(deleted):
            # Not by term: that takes the number for a signed one, and deletes nothing.
            gone = Query.term_set_query(index.schema, "row", deleted.tolist())
            writer.delete_documents_by_query(gone)
        for row, document, terms in added:
            writer.add_document(_entry(row, document, terms))
        writer.commit()
        writer.wait_merging_threads()
        for name in _LOCKS:
            (new / name).unlink(missing_ok=True)
        for name in _PRIVATE:
            _make_anew(new / name)

    def open(self, folder: Path) -> TantivyIndex:
        """Open a generation without rebuilding it."""
        if os.access(folder, os.W_OK):
            return TantivyIndex(_open(folder))
        # tantivy locks the folder even to read it; what is opened stays so without its names.
        with TemporaryDirectory() as place:
            for file in folder.absolute().iterdir():
                (Path(place) / file.name).symlink_to(file)
            return TantivyIndex(_open(Path(place)))


def _make_anew(file: Path) -> None:
    """The same bytes in a file that whoever may read the others may read."""
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)


def _entry(row: int, document: int, terms: Iterable[str]) -> tantivy.Document:
    import tantivy

    entry = tantivy.Document()
    entry.add_text("terms", " ".join(terms))
    entry.add_unsigned("row", row)
    entry.add_unsigned("document", document)
    return entry


class TantivyIndex:
    """One opened generation."""

    def __init__(self, index: tantivy.Index) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def rows(self) -> Ids:
        """Every passage number in the index, ascending."""
        import tantivy

        if not len(self):
            return np.empty(0, np.int64)
        found = self._searcher.search(tantivy.Query.all_query(), len(self), count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in found])
        return np.sort(np.array(rows, np.int64))

    def search(
        self, terms: Mapping[str, float], k: int, documents: Ids | None = None
    ) -> list[tuple[int, float]]:
        """The `k` best rows, and those that tie with the last: see `LexicalIndex.search`."""
        if not terms or not len(self) or k < 1:
            return []
        if documents is None or len(documents) <= _SET:
            return self._best(self._query(terms, documents), k, None)
        return self._best(self._query(terms, None), k, documents)

    def _best(self, query: tantivy.Query, k: int, documents: Ids | None) -> list[tuple[int, float]]:
        """The best rows of `documents`, looking as deep as it takes to find them all."""
        limit = k + _TIES
        while True:
            found = self._searcher.search(query, limit, count=False).hits
            addresses = [address for _, address in found]
            scores = np.array([score for score, _ in found], np.float64)
            inside = np.ones(len(found), bool)
            if documents is not None:
                of = self._searcher.fast_field_values("document", addresses)
                inside = np.isin(np.array(of, np.int64), documents)
            best = scores[inside]
            deep = len(best) > k and scores[-1] < best[k - 1]
            if deep or len(found) < limit or limit >= len(self):
                break
            limit *= 4
        rows = np.array(self._searcher.fast_field_values("row", addresses), np.int64)[inside]
        keep = best >= best[min(k, len(best)) - 1] if len(best) else inside[:0]
        return list(zip(rows[keep].tolist(), best[keep].tolist(), strict=True))

    def _query(self, terms: Mapping[str, float], documents: Ids | None) -> tantivy.Query:
        from tantivy import Occur, Query

        def term(text: str, weight: float) -> Query:
            query = Query.term_query(self._schema, "terms", text, "freq")
            return query if weight == 1.0 else Query.boost_query(query, weight)

        matching = Query.boolean_query([(Occur.Should, term(t, w)) for t, w in terms.items()])
        if documents is None:
            return matching
        allowed = Query.term_set_query(self._schema, "document", documents.tolist())
        # The set restricts and adds nothing to the score.
        within = Query.const_score_query(allowed, 0.0)
        return Query.boolean_query([(Occur.Must, matching), (Occur.Must, within)])

    def idf(self, term: str) -> float:
        """Inverse document frequency as BM25 has it: `ln(1 + (N - n + .5) / (n + .5))`."""
        found = self._searcher.doc_freq("terms", term)
        return math.log1p((max(len(self), found) - found + 0.5) / (found + 0.5))

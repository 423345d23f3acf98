"""BM25 on tantivy (k1 1.2, b 0.75): persists, grows and shrinks, opens without rebuilding.

tantivy is fed with our analysed terms through its whitespace tokenizer, so that every engine
sees the same ones. Segment files never change once written: a new generation links the old
one's files and costs what the change costs. tantivy still counts what was deleted, so it only
proposes: hits are scored here, from the terms that a forward index has of them, and an index
that was edited answers as one made anew.
`docs/decisions/lexical-engine.md` has the figures.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from rag.errors import IndexDamagedError
from rag.protocols import Ids, LexicalEntry, Scores
from rag.store.analysis import AUTO, language_code, language_faults
from rag.store.bm25 import Statistics, idf
from rag.store.folders import link_tree
from rag.store.forward import Forward, ForwardWriter
from rag.store.proposal import Proposal, Proposer, TermCounts

if TYPE_CHECKING:
    import tantivy

_HEAP_BYTES = 64_000_000
_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
# tantivy writes these for its own user alone.
_PRIVATE = (".managed.json", "meta.json")
_STATISTICS = "statistics.json"
# More documents than this are looked for among the hits: making a set of them costs more.
_SET = 2_000
# Asked for beyond k, so that passages that tie with the last one are all seen.
_TIES = 16


def _schema() -> tantivy.Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="terms", index_option="freq")
    builder.add_unsigned_field("length", fast=True)
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
        forward = _forward(old, new)
        index = _open(new)
        tokens = _tokens(old) - _length(index, deleted) if old else 0
        writer = index.writer(_HEAP_BYTES, 1)
        if len(deleted):
            # Not by term: that takes the number for a signed one, and deletes nothing.
            gone = Query.term_set_query(index.schema, "row", deleted.tolist())
            writer.delete_documents_by_query(gone)
        for row, document, terms in added:
            writer.add_document(_entry(row, document, terms))
            forward.add(row, terms)
            tokens += len(terms)
        writer.commit()
        writer.wait_merging_threads()
        forward.close(deleted)
        _finish(new, tokens)

    def open(self, folder: Path) -> TantivyIndex:
        """Open a generation without rebuilding it."""
        tokens = _tokens(folder)
        segments = json.loads((folder / "meta.json").read_text())["segments"]
        entries = sum(segment["max_doc"] for segment in segments)
        forward = Forward(folder)
        if os.access(folder, os.W_OK):
            return TantivyIndex(_open(folder), forward, tokens, entries)
        # tantivy locks the folder even to read it; what is opened stays so without its names.
        with TemporaryDirectory() as place:
            for file in folder.absolute().iterdir():
                (Path(place) / file.name).symlink_to(file)
            return TantivyIndex(_open(Path(place)), forward, tokens, entries)


def _forward(old: Path | None, new: Path) -> ForwardWriter:
    try:
        return ForwardWriter(new, empty=old is None)
    except FileNotFoundError as error:
        raise IndexDamagedError(
            f"'{old}' has no forward index, as those of an earlier version: run 'rag repair'"
        ) from error


def _tokens(folder: Path) -> int:
    """The terms of all passages of a generation."""
    record = json.loads((folder / _STATISTICS).read_text())
    return int(record["tokens"])


def _length(index: tantivy.Index, rows: Ids) -> int:
    """The terms of the passages in `rows`; those that are not there have none."""
    from tantivy import Query

    if not len(rows):
        return 0
    searcher = index.searcher()
    wanted = Query.term_set_query(index.schema, "row", rows.tolist())
    found = searcher.search(wanted, len(rows), count=False).hits
    lengths = searcher.fast_field_values("length", [address for _, address in found])
    return sum(int(length or 0) for length in lengths)


def _finish(folder: Path, tokens: int) -> None:
    """Leave the folder as one that does not change again."""
    for name in _LOCKS:
        (folder / name).unlink(missing_ok=True)
    for name in _PRIVATE:
        _make_anew(folder / name)
    # The old file may be shared with the former generation: replaced, never written into.
    (folder / _STATISTICS).unlink(missing_ok=True)
    (folder / _STATISTICS).write_text(json.dumps({"tokens": tokens}))


def _make_anew(file: Path) -> None:
    """The same bytes in a file that whoever may read the others may read."""
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)


def _entry(row: int, document: int, terms: Sequence[str]) -> tantivy.Document:
    import tantivy

    entry = tantivy.Document()
    entry.add_text("terms", " ".join(terms))
    entry.add_unsigned("length", len(terms))
    entry.add_unsigned("row", row)
    entry.add_unsigned("document", document)
    return entry


class TantivyIndex:
    """One opened generation; safe to search from several threads."""

    def __init__(self, index: tantivy.Index, forward: Forward, tokens: int, entries: int) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        self._statistics = Statistics(len(self), tokens)
        self._counts = TermCounts(self._schema, self._searcher, entries)
        self._proposer = Proposer(self._schema, self._statistics, self._counts)
        self._forward = forward

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def rows(self) -> Ids:
        """Every passage number in the index, ascending."""
        import tantivy

        if not len(self):
            return np.empty(0, np.int64)
        found = self._searcher.search(tantivy.Query.all_query(), len(self), count=False).hits
        return np.sort(self._values("row", [address for _, address in found]))

    def search(
        self, terms: Mapping[str, float], k: int, documents: Ids | None = None
    ) -> list[tuple[int, float]]:
        """The `k` best rows, and those that tie with the last: see `LexicalIndex.search`."""
        known = {term: weight for term, weight in terms.items() if self._counts.having(term)}
        if not known or k < 1:
            return []
        few = documents is not None and len(documents) <= _SET
        proposal = self._proposer.propose(known, documents if few else None)
        return self._best(proposal, k, None if few else documents)

    def idf(self, term: str) -> float:
        """Inverse document frequency as BM25 has it: `ln(1 + (N - n + .5) / (n + .5))`."""
        return idf(len(self), self._counts.having(term))

    def _best(self, proposal: Proposal, k: int, documents: Ids | None) -> list[tuple[int, float]]:
        """The best rows of `documents`, looking as deep as it takes to find them all."""
        limit = k + _TIES
        while True:
            # Counting makes tantivy look at every match: what it skips otherwise is chosen by
            # the average length of a segment, which is not the one that it scores with.
            hits = self._searcher.search(proposal.query, limit, count=True).hits
            bounds = proposal.bounds(np.array([score for score, _ in hits], np.float64))
            addresses = [address for _, address in hits]
            kept = self._inside(addresses, documents)
            rows = self._values("row", [addresses[i] for i in kept])
            scores = self._scores(proposal, rows, bounds[kept], k)
            last = _last(scores, k)
            if len(hits) < limit or limit >= len(self) or bounds[-1] < last:
                break
            limit *= 4
        order = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores >= last)]
        return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))

    def _inside(self, addresses: list[tantivy.DocAddress], documents: Ids | None) -> Ids:
        """Positions of the hits that are in `documents`."""
        if documents is None:
            return np.arange(len(addresses))
        return np.flatnonzero(np.isin(self._values("document", addresses), documents))

    def _scores(self, proposal: Proposal, rows: Ids, bounds: Scores, k: int) -> Scores:
        """The scores of all hits that may be among the `k` best; for the others, less than any."""
        scores = np.full(len(rows), -np.inf)
        scores[:k] = self._exact(proposal, rows[:k])
        rest = k + np.flatnonzero(bounds[k:] >= _last(scores, k))
        scores[rest] = self._exact(proposal, rows[rest])
        return scores

    def _exact(self, proposal: Proposal, rows: Ids) -> Scores:
        """The scores of passages, from their terms."""
        found = self._forward.counts(proposal.weights.keys(), rows)
        return self._statistics.scores(list(proposal.weights.values()), found.terms, found.lengths)

    def _values(self, field: str, addresses: list[tantivy.DocAddress]) -> Ids:
        return np.array(self._searcher.fast_field_values(field, addresses), np.int64)


def _last(scores: Scores, k: int) -> float:
    """The `k`th best score; less than any where there are fewer."""
    return float(np.partition(scores, -k)[-k]) if len(scores) >= k else -math.inf

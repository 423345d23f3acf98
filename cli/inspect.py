"""`rag inspect`: one document as the index has it, or as a pipeline would cut it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.cut import as_dict, extent, say_cut, say_dropped, screen_width, summary
from rag.cli.options import IndexOption, JsonOption, OverridesOption, PipelineOption
from rag.cli.output import complain, count, one_line, say, say_json
from rag.errors import DocumentError, ModelError, RequestError

if TYPE_CHECKING:
    from rag.cutting import Cut
    from rag.rag import Rag
    from rag.types import Document, Dropped


def inspect(
    *,
    document: Annotated[
        str | None,
        typer.Argument(
            metavar="DOC",
            help="A document's source, id, or path; with --pipeline, any file or URL.",
            show_default=False,
        ),
    ] = None,
    index_folder: IndexOption = None,
    chunks: Annotated[
        bool,
        typer.Option(
            "--chunks", help="Show the text, cut as it is indexed, with sizes and overlaps."
        ),
    ] = False,
    pruned: Annotated[
        bool,
        typer.Option(
            "--pruned", help="Show what was pruned and why; without DOC, in the whole index."
        ),
    ] = False,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Show a document as the index has it, or as a pipeline would cut it.

    With --pipeline or --set the file is read now and cut by that pipeline; it need not be
    indexed, and nothing is changed.
    """
    from rag.rag import Rag

    if document is None:
        _every_pruned(index_folder, as_json, wanted=pruned)
        return
    fresh = pipeline is not None or bool(overrides)
    if fresh and pruned:
        raise RequestError("--pruned is about the index: leave --pipeline and --set out")
    with closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag:
        sized = chunks or as_json
        cut = _preview(rag, document) if fresh else _cut(rag, document, sized=sized)
    if as_json:
        say_json(as_dict(cut))
    elif pruned:
        _say_pruned(cut)
    else:
        _say_document(cut.document)
        if chunks:
            _say_lines(dict(summary(cut)))
            say_cut(cut)
        else:
            _say_spans(cut)


def _preview(rag: Rag, source: str) -> Cut:
    """The one document of a source, cut by the pipeline."""
    from rag.types import Failure

    found = rag.preview(source)
    cut = next(found, None)
    if cut is None:
        raise RequestError(f"there is no document in '{source}'")
    if isinstance(cut, Failure):
        raise DocumentError(f"{cut.source}: {cut.error}")
    if next(found, None) is not None:
        raise RequestError(
            f"there is more than one document in '{source}': name one of them, or measure all "
            f"with 'rag pipeline check PIPELINE --on {source}'"
        )
    return cut


def _cut(rag: Rag, name: str, *, sized: bool) -> Cut:
    """The document of the index with that source or id, or else of the file of that path."""
    from rag.connectors.names import source_name

    try:
        return _measured(rag, name, sized=sized)
    except RequestError as error:
        if not Path(name).exists():
            raise
        source = source_name(name, rag.folder.absolute().parent)
        if source != name and rag.exists:
            return _measured(rag, source, sized=sized)
        raise RequestError(f"{error}, or give --pipeline to cut the file without one") from None


def _measured(rag: Rag, name: str, *, sized: bool) -> Cut:
    """Sizes are in words where nobody asks for them, so that no tokenizer has to be loaded."""
    from rag.chunk.words import WordTokenizer
    from rag.cutting import measure

    if sized:
        try:
            return rag.cut(name)
        except ModelError as error:
            complain(f"warning: {error}; sizes are counted in words")
    return measure(*rag.inspect(name), WordTokenizer(), encoded=False)


def _every_pruned(index_folder: Path | None, as_json: bool, *, wanted: bool) -> None:
    from rag.rag import Rag

    if not wanted:
        raise RequestError("name a document, or list what was pruned with --pruned")
    with closing(Rag.open(index_folder)) as rag:
        if as_json:
            _say_array(_dropped(one) for one in rag.pruned())
        else:
            _say_dropped(rag.pruned())


def _say_array(items: Iterable[object]) -> None:
    """Print a JSON array as its items come: an index may have pruned a great deal."""
    say("[")
    for number, item in enumerate(items):
        if number:
            say(",")
        say_json(item)
    say("]")


def _dropped(one: Dropped) -> dict[str, object]:
    passage = one.passage
    return {
        "document": passage.document_id,
        "source": passage.source,
        "start": passage.start,
        "end": passage.end,
        "score": one.score,
        "reason": one.reason,
        "text": passage.text,
    }


def _say_dropped(found: Iterable[Dropped]) -> None:
    width = screen_width()
    total = 0
    for total, one in enumerate(found, 1):  # noqa: B007 the number of the last one is used
        place = f"{one_line(one.passage.source)}, {one.passage.start}-{one.passage.end}"
        say_dropped(one, place, width)
    say(f"{count(total, 'passage')} pruned")


def _say_pruned(cut: Cut) -> None:
    width = screen_width()
    for piece in cut.pruned:
        if piece.dropped is not None:
            say_dropped(piece.dropped, extent(piece.passage), width)
    say(f"{count(len(cut.pruned), 'passage')} pruned of {len(cut.pieces):,}")


def _say_document(document: Document) -> None:
    kinds = Counter(block.kind for block in document.blocks)
    pages = [block.page for block in document.blocks if block.page is not None]
    _say_lines(
        {
            "title": document.title,
            "source": document.source,
            **{str(key): str(value) for key, value in sorted(document.metadata.items())},
            "text": count(len(document.text), "character"),
            "blocks": ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common()),
            "pages": str(max(pages, default="")),
        }
    )


def _say_lines(lines: dict[str, str]) -> None:
    for name, value in lines.items():
        if value:
            say(f"{one_line(name) + ':':<10} {one_line(value)}")


def _say_spans(cut: Cut) -> None:
    say(f"{'passages:':<11}{len(cut.kept)}")
    for piece in cut.pieces:
        if piece.dropped is None:
            say(f"{piece.number:>4}  {extent(piece.passage)}")
    for piece in cut.pruned:
        assert piece.dropped is not None
        told = f"{one_line(piece.dropped.reason)} ({piece.dropped.score:.3f})"
        say(f"pruned  {extent(piece.passage)}  {told}")

"""The facade: what backends embed and the command line is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.facade.reading import Reading
from rag.facade.twins import Twins
from rag.types import MAX_QUESTION

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from rag.config import Pipeline
    from rag.protocols import ChatModel, Encoder

DEFAULT_PIPELINE = "hybrid"


class Rag(Twins, Reading):
    """An index and the pipeline that works on it. Threads may share one.

    Make one with `Rag.open`, and close it, or use it in a `with` or an `async with`. What is asked
    has twins for asynchronous code: `aask` for `ask`, and so on (`rag.facade.twins`). Models are
    loaded when they are first needed, and an `encoder` given takes the place of the pipeline's.
    Models that the pipeline and that of another Rag, `sharing`, name alike are loaded once for
    both. `chat` is the language model of stages that name none: a ChatModel, or a BaseChatModel of
    LangChain. Files are parsed by `workers` processes, one for each core by default, which start
    when there is something to parse; with 0 they are parsed in this one, where a hostile file can
    do harm. With `telemetry` questions are sent as OpenTelemetry spans (`rag.telemetry`), for which
    the extra `otel` is needed.
    """

    @classmethod
    def open(
        cls,
        folder: str | Path | None = None,
        *,
        pipeline: str | Pipeline | None = None,
        overrides: Sequence[str] = (),
        encoder: Encoder | None = None,
        workers: int | None = None,
        chat: ChatModel | BaseChatModel | None = None,
        telemetry: bool = False,
        sharing: Rag | None = None,
    ) -> Rag:
        """Open the index in `folder`, or the nearest `.rag` upward from the current folder.

        Without `pipeline` (a preset's name or a file) it is the one that the index was last
        built with, and `hybrid` where there is no index yet. Nothing is created before
        `index` is called. Raises RequestError for a faulty pipeline.
        """
        from rag.config import Pipeline, load_pipeline
        from rag.status import index_folder

        place = index_folder(folder)
        if isinstance(pipeline, Pipeline):
            found = pipeline
        elif pipeline is None and (place / "index.db").is_file():
            found = _recorded(place, overrides)
        else:
            found = load_pipeline(pipeline or DEFAULT_PIPELINE, overrides)
        return cls(
            place,
            found,
            encoder,
            workers=workers,
            chat=chat,
            telemetry=telemetry,
            sharing=sharing,
        )


def _recorded(place: Path, overrides: Sequence[str]) -> Pipeline:
    import json

    from rag.config import load_pipeline, parse_pipeline
    from rag.store.store import Store

    store = Store(place, None, dense=False)
    try:
        recipe = store.meta("recipe") or {}
    finally:
        store.close()
    if not recipe:
        return load_pipeline(DEFAULT_PIPELINE, overrides)
    # JSON is YAML: the recorded pipeline is checked as any other.
    return parse_pipeline(json.dumps(recipe), f"the pipeline recorded in '{place}'", overrides)


__all__ = ["DEFAULT_PIPELINE", "MAX_QUESTION", "Rag"]

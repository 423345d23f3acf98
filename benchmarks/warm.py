"""How long a warm question takes in an index of 5,000 passages, its encoding included.

No question is asked twice of the same call, so that nothing is known of it before. The calls take
turns question by question, so that all meet the same noise. Ratios are to the plain
`SentenceTransformer.encode` of a question, which any assembly of parts has to pay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.arguments import Arguments, arguments
from benchmarks.corpus import Corpus
from benchmarks.query import PIPELINE, Texts, add_times, questions
from benchmarks.record import Record
from benchmarks.timing import seconds, spread
from rag import Query, Rag
from rag.found import read
from rag.models import find_model
from rag.ranked import FoundHits
from rag.stages.retrieve import RetrieveStage
from rag.store.view import StoreView

_WARM_UP = 20
_WORDS = 60
_CUT = 20
_MODEL = "all-MiniLM-L6-v2"
_PLAIN, _SEARCH, _ASK = "plain SentenceTransformer.encode", "hybrid search", "ask"
_TIMES_FASTER = 3.0

Call = Callable[[str], object]


def measure(given: Arguments) -> None:
    count, asked, rounds = (300, 20, 1) if given.quick else (5_000, 100, 3)
    record = Record("warm", f"Warm questions: {count:,} passages", given.quick)
    texts = list(Corpus().passages(count, _WORDS))
    with TemporaryDirectory(prefix="ragline-") as place, Rag.open(place, pipeline=PIPELINE) as rag:
        rag.index(Texts(texts))
        # `ask` has questions of its own: what `search` encoded is remembered.
        every = questions(texts, 2 * (_WARM_UP + asked * rounds))
        pairs = list(zip(every[::2], every[1::2], strict=True))
        with rag._view() as view:
            calls = {_PLAIN: _plain(), _SEARCH: rag.search, _ASK: rag.ask, **_parts(rag, view)}
            _round(calls, pairs[:_WARM_UP])
            left = pairs[_WARM_UP:]
            times = [_round(calls, left[n : n + asked]) for n in range(0, len(left), asked)]
    for name in calls:
        add_times(record, name, [one[name] for one in times])
    for name in (_SEARCH, _ASK):
        _add_ratio(record, name, times)
    record.write()


def _plain() -> Call:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find_model(_MODEL).folder), device="cpu", local_files_only=True)
    return partial(model.encode, show_progress_bar=False)


def _parts(rag: Rag, view: StoreView) -> Mapping[str, Call]:
    """What a search is made of, encoder and store each asked directly."""
    encoder, generation = rag.encoder, view.generation
    stage = rag._stages[0]
    assert isinstance(stage, RetrieveStage)
    assert stage.fuser is not None
    assert encoder is not None
    assert generation.dense is not None
    (lexical_name, lexical), (dense_name, _) = stage.arms
    _, fuser = stage.fuser
    k = 200

    def found(question: str) -> list[FoundHits]:
        vector = encoder.encode_queries([question])[0]
        return [
            FoundHits(lexical_name, lexical.retrieve(Query(question), view)),
            FoundHits(dense_name, view.dense(vector, k)),
        ]

    def dense(question: str) -> float:
        vector = encoder.encode_queries([question])[0]
        return seconds(lambda: view.dense(vector, k))

    def fusion(question: str) -> float:
        arms = found(question)
        return seconds(lambda: fuser.fuse(arms))

    def reading(question: str) -> float:
        with rag._store.view(lambda: encoder) as other:
            hits = other.dense(encoder.encode_queries([question])[0], k)[:_CUT]
            return seconds(lambda: read([passage for passage, _ in hits]))

    return {
        "part: encoding": lambda question: encoder.encode_queries([question]),
        "part: lexical arm": lambda question: lexical.retrieve(Query(question), view),
        "part: dense arm": dense,
        "part: fusion": fusion,
        f"part: reading {_CUT} passages": reading,
    }


def _round(calls: Mapping[str, Call], pairs: Sequence[tuple[str, str]]) -> dict[str, list[float]]:
    """Seconds of each call for each question; a call that gives seconds has timed itself."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for question, other in pairs:
        for name, call in calls.items():
            times[name].append(_timed(call, other if name == _ASK else question))
    return times


def _timed(call: Call, question: str) -> float:
    told: list[object] = []
    taken = seconds(lambda: told.append(call(question)))
    return told[0] if isinstance(told[0], float) else taken


def _add_ratio(record: Record, name: str, times: Sequence[Mapping[str, Sequence[float]]]) -> None:
    ratio = spread([float(np.median(one[_PLAIN]) / np.median(one[name])) for one in times])
    bar = (f">= {_TIMES_FASTER:.0f}", ratio.median >= _TIMES_FASTER) if name == _SEARCH else ()
    record.add(f"{_PLAIN} takes so many times as long as {name}", ratio.text(""), *bar)
    record.figures[f"{name} ratio"] = ratio.median


if __name__ == "__main__":
    measure(arguments(__doc__))

"""`rag batch`: a file of questions answered into a file of answers."""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import cached_property
from itertools import count as numbers
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.answer_file import AnswerFile
from rag.cli.interrupt import Interrupted
from rag.cli.options import (
    IndexOption,
    JsonOption,
    OverridesOption,
    PipelineOption,
    WhereOption,
)
from rag.cli.output import complain, count, one_line, say_json
from rag.cli.progress import question_progress
from rag.cli.questions import Questions, opened_questions
from rag.cli.record import Asked, record
from rag.cli.tally import Tally, tallied
from rag.errors import RequestError
from rag.filters import parse_filter
from rag.stating import stated

if TYPE_CHECKING:
    from rag.rag import Rag
    from rag.types import Filter, Query

SOME_FAILED = 1

_SHOWN = 20
_LIMITS = frozenset({"timeout", "retries", "budget", "deadline", "concurrency"})


def batch(
    *,
    questions: Annotated[
        str,
        typer.Argument(
            metavar="QUESTIONS",
            help="JSON Lines, CSV with a header, or a question a line; - reads from stdin.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="ANSWERS", help="The file for the answers."),
    ],
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            max=256,
            metavar="N",
            help="Questions under way at once: 16, or 4 where a chat model is asked.",
            show_default=False,
        ),
    ] = None,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry/--no-retry",
            help="Ask once more what failed, in this run and in the one before.",
        ),
    ] = True,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Drop the answers that are there, and start anew."),
    ] = False,
    where: WhereOption,
    index_folder: IndexOption = None,
    pipeline: PipelineOption = None,
    overrides: OverridesOption,
    as_json: JsonOption = False,
) -> None:
    """Answer many questions, a line of JSON for each, in their order.

    Stopped or killed, the same command goes on where it was. Records of questions have
    `question` (or `text`), and may have `id`, `answer` or `answers` (what is right), `history` and
    `where`.
    """
    filters = [parse_filter(text, "--where") for text in where]
    from rag.rag import Rag

    with (
        opened_questions(questions) as asked,
        closing(Rag.open(index_folder, pipeline=pipeline, overrides=overrides)) as rag,
    ):
        if output.exists() and output.samefile(asked.path):
            raise RequestError(f"{output}: it holds the questions: name another file with -o")
        if not rag.status()["documents"]:
            complain(
                f"the index in '{rag.folder}' holds no documents yet: nothing can be answered; "
                "run 'rag index FOLDER', and then this with --fresh"
            )
        run = _Run(rag, asked, filters, workers, retry=retry)
        with AnswerFile(output, run.key, fresh=fresh) as answers:
            tally = run(answers)
    _say(tally, output, as_json)


class _Run:
    """One run over the questions of a file."""

    def __init__(
        self,
        rag: Rag,
        questions: Questions,
        filters: list[Filter],
        workers: int | None,
        *,
        retry: bool,
    ) -> None:
        self._rag = rag
        self._questions = questions
        self._filters = filters
        self._workers = workers
        self._retry = retry

    @cached_property
    def key(self) -> str:
        """Equal for runs whose answers may stand in one file."""
        parts = [
            _lasting(self._rag.pipeline.as_dict()),
            str(self._rag.folder.resolve()),
            [stated(one) for one in self._filters],
        ]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def __call__(self, answers: AnswerFile) -> Tally:
        """Answer what is not answered yet."""
        total = _checked(self._questions, answers)
        started = time.perf_counter()
        try:
            done = self._first(answers, total)
            if self._retry:
                done += self._second(answers)
        except Interrupted as stop:
            stop.message = "stopped; what was answered is kept; run the same command again to go on"
            raise
        answers.finish()
        return tallied(self._questions, answers, done, time.perf_counter() - started)

    def _first(self, answers: AnswerFile, total: int) -> int:
        """Ask what there is no record of; how many were asked."""
        known = sum(answers.has(one.line) for one in self._questions)
        pending = (one for one in self._questions if not answers.has(one.line))
        return self._ask(pending, answers, total, known)

    def _second(self, answers: AnswerFile) -> int:
        """Ask once more what failed; how many were asked."""
        lines = {one.line for one in self._questions if _again(answers, one)}
        if not lines:
            return 0
        complain(f"asking once more what failed: {count(len(lines), 'question')}")
        pending = (one for one in self._questions if one.line in lines)
        return self._ask(pending, answers, len(lines), 0)

    def _ask(self, pending: Iterable[Asked], answers: AnswerFile, total: int, known: int) -> int:
        """Answer `pending` and write it down, in order; how many were asked."""
        waiting: deque[Asked] = deque()

        def queries() -> Iterator[Query]:
            for one in pending:
                waiting.append(one)
                if one.query is not None:
                    yield one.query

        def write_faulty() -> None:
            while waiting and waiting[0].query is None:
                one = waiting.popleft()
                answers.add(record(one, None, self.key))

        done = 0
        batch = self._rag.batch(queries(), filters=self._filters, workers=self._workers)
        with question_progress(total, known) as show, closing(batch) as outcomes:
            for done, outcome in zip(numbers(1), outcomes, strict=False):
                write_faulty()
                answers.add(record(waiting.popleft(), outcome, self.key))
                show(done)
            write_faulty()
        return done


def _lasting(part: object) -> object:
    """`part` of a pipeline without limits of asking models: who raises them wants to go on."""
    if isinstance(part, list | tuple):
        return [_lasting(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    left = _LIMITS if "use" in part else frozenset[str]()
    return {name: _lasting(value) for name, value in part.items() if name not in left}


def _checked(questions: Questions, answers: AnswerFile) -> int:
    """How many questions there are. Raises RequestError where the answers are of others."""
    total, last, twice = 0, 0, 0
    lines: dict[str, int] = {}
    for one in questions:
        total, last = total + 1, one.line
        if answers.has(one.line) and not answers.failed(one.line):
            _check_same(one, answers)
        if one.id is not None:
            first = lines.setdefault(str(one.id), one.line)
            twice += first != one.line
            if first != one.line and twice <= _SHOWN:
                told = f"the id '{one_line(str(one.id))}' is that of line {first} too"
                complain(f"{questions.name}:{one.line}: {told}; both are answered")
    if twice > _SHOWN:
        complain(f"and {twice - _SHOWN:,} more with an id that stood before")
    if len(answers) > last:
        raise _others(answers, len(answers))
    return total


def _check_same(one: Asked, answers: AnswerFile) -> None:
    if not answers.is_of(one.line, one.key):
        raise _others(answers, one.line)


def _others(answers: AnswerFile, line: int) -> RequestError:
    return RequestError(
        f"{answers.path}: it answers another question on line {line}: name another file with -o, "
        "or start anew with --fresh"
    )


def _again(answers: AnswerFile, one: Asked) -> bool:
    """Whether a question failed that can be asked, or could not be asked and is another now."""
    changed = not answers.is_of(one.line, one.key)
    return answers.failed(one.line) and (one.query is not None or changed)


def _say(tally: Tally, output: Path, as_json: bool) -> None:
    if as_json:
        say_json({**tally.as_dict(), "output": str(output)})
    for failure in tally.failed[:_SHOWN]:
        complain(f"{failure.place}: {failure.error}")
    if len(tally.failed) > _SHOWN:
        complain(f"and {len(tally.failed) - _SHOWN:,} more that failed: see {output}")
    for line in tally.lines():
        complain(line)
    complain(f"the answers are in {output}")
    if tally.failed:
        raise typer.Exit(SOME_FAILED)

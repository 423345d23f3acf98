"""Questions as OpenTelemetry spans, through the tracer provider that the program has set up.

One span for each question, named `rag.search`, `rag.ask` or `rag.explain`, and below it one for
each stage, `rag.stage.rewrite` and so on, with the times that were measured. Notes of stages are
events. What a stage asks of other instrumented packages, such as an HTTP client, stands below the
question's span. Where no provider is set up, nothing is sent anywhere.

| span | attributes |
| --- | --- |
| question | `rag.question`, `rag.pipeline`, `rag.filters`, `rag.variants`, `rag.hypotheses`, `rag.hits` (how many), `rag.passages` and `rag.scores` (of the first 20) |
| stage | `rag.stage`, `rag.uses`, `rag.hits`, `rag.seconds` |
"""  # noqa: E501 a table's row is one line

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from rag.errors import MissingExtraError
from rag.stating import stated
from rag.types import Hit, Query, Step

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

Tell: TypeAlias = Callable[[Query, Sequence[Step], Sequence[Hit]], None]
"""Takes the query as rewriters left it, the steps and the hits."""

_NAME = "ragline"
_NOTE = "note"
_LISTED = 20


class Telemetry:
    """Sends questions. Raises MissingExtraError where OpenTelemetry is not installed."""

    def __init__(self) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            raise MissingExtraError("telemetry", "otel") from None
        self._tracer = trace.get_tracer(_NAME)

    @contextmanager
    def question(self, kind: str, query: Query, pipeline: str) -> Iterator[Tell]:
        """The span of a question while a `with` block runs; an error that leaves it is recorded."""
        known: dict[str, AttributeValue] = {
            "rag.question": query.text,
            "rag.pipeline": pipeline,
            "rag.filters": [stated(one) for one in query.filters],
        }
        with self._tracer.start_as_current_span(f"rag.{kind}", attributes=known) as span:

            def tell(rewritten: Query, steps: Sequence[Step], hits: Sequence[Hit]) -> None:
                span.set_attribute("rag.variants", [one.text for one in rewritten.variants])
                span.set_attribute("rag.hypotheses", [one.text for one in rewritten.hypotheses])
                _set_hits(span, hits)
                for step in steps:
                    self._send(step)

            yield tell

    def _send(self, step: Step) -> None:
        """The span of a stage that is over, below the current one."""
        start = int(step.started * 1e9)
        end = start + int(step.seconds * 1e9)
        known: dict[str, AttributeValue] = {
            "rag.stage": step.stage,
            "rag.uses": list(step.uses),
            "rag.hits": step.hits,
            "rag.seconds": step.seconds,
        }
        span = self._tracer.start_span(
            f"rag.stage.{step.stage}", start_time=start, attributes=known
        )
        for one in step.notes:
            span.add_event(_NOTE, {"rag.note": one}, timestamp=end)
        span.end(end_time=end)


def _set_hits(span: Span, hits: Sequence[Hit]) -> None:
    listed = hits[:_LISTED]
    span.set_attribute("rag.hits", len(hits))
    span.set_attribute("rag.passages", [hit.passage.id for hit in listed])
    span.set_attribute("rag.scores", [float(hit.score) for hit in listed])

"""A nightly batch: index what changed, then answer a file of questions.

    python examples/nightly.py docs questions.jsonl answers.jsonl --index .rag

Each line of the questions is `{"question": "..."}`, with other fields as you like; each line of
the answers has the same fields and `answer`, `abstained` and `citations`, or `error`. The file of
answers is there once it is whole. Exit codes: 0 all is done; 1 done, but some documents could not
be read or some questions not answered, which are named on standard error; 2 nothing was done, for
the reason given there. cron sends what is written to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rag import Answer, Rag, RagError
from rag.types import Unanswered


def main(arguments: list[str] | None = None) -> int:
    """Run the batch; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("documents", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--index", type=Path, default=Path(".rag"))
    parser.add_argument("--pipeline")
    given = parser.parse_args(arguments)
    try:
        asked = list(read(given.questions))
        with Rag.open(given.index, pipeline=given.pipeline) as rag:
            report = rag.index(given.documents)
            failed = [f"{one.source}: {one.error}" for one in report.failed]
            failed += write(given.answers, asked, rag.batch([one["question"] for one in asked]))
    except (RagError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{report.documents} documents, {len(asked)} questions", file=sys.stderr)
    for line in failed:
        print(f"failed: {line}", file=sys.stderr)
    return 1 if failed else 0


def read(file: Path) -> Iterator[dict[str, Any]]:
    """The questions. Raises RagError for a line that is none."""
    for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8-sig"))
            if not isinstance(record["question"], str):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise RagError(f'{file}:{number}: no question: write {{"question": "..."}}') from None
        yield record


def write(
    file: Path, asked: Iterable[dict[str, Any]], answers: Iterable[Answer | Unanswered]
) -> list[str]:
    """Write the answers beside their questions; a line for each that could not be answered."""
    failed = []
    draft = file.with_name(f"{file.name}.draft")
    with draft.open("w", encoding="utf-8") as out:
        for record, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Unanswered):
                failed.append(f"{answer.question!r}: {answer.error}")
            out.write(json.dumps({**record, **as_data(answer)}, ensure_ascii=False) + "\n")
    draft.replace(file)
    return failed


def as_data(answer: Answer | Unanswered) -> dict[str, Any]:
    """What becomes of a question, as JSON."""
    if isinstance(answer, Unanswered):
        return {"error": answer.error}
    citations = [{"source": one.source, "quote": one.quote} for one in answer.citations]
    return {"answer": answer.text, "abstained": answer.abstained, "citations": citations}


if __name__ == "__main__":
    sys.exit(main())

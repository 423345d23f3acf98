"""What every benchmark can be told on its command line."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VARIABLE = "RAGLINE_DATA"


@dataclass(frozen=True, slots=True)
class Arguments:
    """`quick` asks for a small run that only shows that the benchmark works."""

    quick: bool
    data: Path

    def scifact(self) -> Path | None:
        """SciFact's BEIR folder; None, with a line that says so, where it is absent."""
        return self._folder("scifact", "corpus.jsonl")

    def financebench(self) -> Path | None:
        """FinanceBench's folder of page format; None, with a line that says so, without it."""
        return self._folder("financebench", "questions.jsonl")

    def chunking(self) -> Path | None:
        """The span sets' folder; None, with a line that says so, without it."""
        return self._folder("chunking", "wikitexts.questions.jsonl")

    def xquad(self) -> Path | None:
        """The folder of XQuAD in English; None, with a line that says so, without it."""
        return self._folder("xquad", "xquad.en.json")

    def _folder(self, name: str, file: str) -> Path | None:
        if (self.data / name / file).is_file():
            return self.data / name
        print(f"skipped: no '{name}' folder in the data folder (--data DIR, or {VARIABLE})")
        return None

    def as_options(self) -> list[str]:
        """The same arguments for another benchmark."""
        return ["--data", str(self.data), *(["--quick"] if self.quick else [])]


def arguments(description: str | None) -> Arguments:
    """The arguments of this process."""
    given = parser(description).parse_args()
    return Arguments(given.quick, given.data)


def parser(description: str | None) -> argparse.ArgumentParser:
    """The parser of these arguments, for a benchmark that takes more."""
    taken = argparse.ArgumentParser(description=description)
    taken.add_argument("--quick", action="store_true", help="a small run; no bar applies to it")
    taken.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get(VARIABLE) or CHECKOUT.parent / "shared" / "data"),
        metavar="DIR",
        help=f"folder that holds scifact/, financebench/ and the others (default: {VARIABLE})",
    )
    return taken

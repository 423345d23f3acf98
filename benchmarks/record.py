"""What a benchmark found: a table on the terminal, a JSON file, and a section of the summary."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rag.cores import cores

RESULTS = Path(__file__).resolve().parent / "results"
_QUICK = RESULTS / "quick"
_PACKAGES = ("ragline", "faiss-cpu", "numpy", "sentence-transformers", "tantivy", "torch")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure and the bar that it should meet; `holds` is None where there is no bar."""

    what: str
    measured: str
    bar: str = ""
    holds: bool | None = None

    @property
    def verdict(self) -> str:
        """Whether the bar is met."""
        return "" if self.holds is None else "yes" if self.holds else "NO"


@dataclass(frozen=True, slots=True)
class Grid:
    """Figures of several things side by side: a row of cells for each, under `heads`."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Record:
    """A benchmark's rows, and the figures behind them for the JSON file.

    `tables` and the SVG files named in `plots`, which lie in `folder`, are shown below the rows.

    A quick run has no verdicts, and is kept apart from the results that are published. `load`
    is the machine's load average before the benchmark: what else it had to do.
    """

    name: str
    title: str
    quick: bool
    rows: list[Row] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    tables: list[Grid] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 2))

    def add(self, what: str, measured: str, bar: str = "", holds: bool | None = None) -> None:
        """Add a row."""
        self.rows.append(Row(what, measured, bar, None if self.quick else holds))

    @property
    def folder(self) -> Path:
        """Where the JSON file goes, and plots."""
        return _QUICK if self.quick else RESULTS

    def write(self) -> Path:
        """Print the tables and write the JSON file."""
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        if self.quick:
            (folder / ".gitignore").write_text("*\n")
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(self._as_dict(), indent=2, ensure_ascii=False) + "\n")
        for table in (self._table(), *map(_as_table, self.tables)):
            Console().print(table)
        print(f"written: {path.relative_to(RESULTS.parent.parent)}")
        return path

    def _as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": self.quick,
            "machine": {**machine(), "load": self.load},
            "versions": {name: version(name) for name in _PACKAGES},
            "rows": [asdict(row) for row in self.rows],
            "figures": self.figures,
            "tables": [asdict(table) for table in self.tables],
            "plots": self.plots,
        }

    def _table(self) -> Table:
        table = Table(title=self.title + (" (quick)" if self.quick else ""), title_justify="left")
        for heading in ("what", "bar", "measured", "holds"):
            table.add_column(heading)
        for row in self.rows:
            table.add_row(row.what, row.bar, row.measured, row.verdict)
        return table


def _as_table(grid: Grid) -> Table:
    table = Table(*grid.heads)
    for row in grid.rows:
        table.add_row(*row)
    return table


def machine() -> dict[str, Any]:
    """What the figures depend on: cores that this process may use, and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": cores(),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def summary(names: Sequence[str]) -> str:
    """The Markdown page of all results that are there, in the order of `names`."""
    paths = [RESULTS / f"{name}.json" for name in names]
    sections = [_section(json.loads(path.read_text())) for path in paths if path.is_file()]
    head = "# Results\n\nMade by `python -m benchmarks` from the JSON files beside this page.\n"
    return "\n".join([head, *sections])


def _section(record: dict[str, Any]) -> str:
    on, versions = record["machine"], record["versions"]
    lines = [
        f"## {record['title']}",
        "",
        f"`python -m benchmarks.{record['name']}`, {record['date'][:10]}: "
        f"{on['cores']} cores (load {on['load']} before), {on['memory_gb']} GB, {on['system']}, "
        f"Python {on['python']}, ragline {versions['ragline']}.",
        "",
        *_markdown(("what", "bar", "measured", "holds"), _rows(record)),
    ]
    for table in record.get("tables", ()):
        lines += ["", *_markdown(table["heads"], table["rows"])]
    for name in record.get("plots", ()):
        lines += ["", f"![{record['title']}]({name})"]
    return "\n".join([*lines, ""])


def _rows(record: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = (Row(**fields) for fields in record["rows"])
    return [(row.what, row.bar, row.measured, row.verdict) for row in rows]


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_line(heads), "|" + "---|" * len(heads), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

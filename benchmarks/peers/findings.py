"""From what the rounds measured to the table, the comparison and the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.peers.rounds import Rounds
from benchmarks.plots import Bars, Panel
from benchmarks.record import Grid
from rag.evaluate.measures import evaluate, run_from_rankings

OURS = "ragline"
_MEASURE = "nDCG@10"
_MODES = ("hybrid", "dense", "bm25")
# From title to figure, digits, and how many times as much the best of the others should take.
_COMPARED = {
    "index time, s": ("index", 1, 2.5),
    "query p50, warm, ms": ("p50", 1, 3.0),
    "cold first answer, s": ("cold", 2, 6.0),
}
_BEST = "nDCG@10, hybrid"

Found = Mapping[str, float | None]


def summarise(measured: Rounds) -> dict[str, dict[str, float | None]]:
    """The figures of each peer that came through: of times, those of its best round."""
    return {
        peer.name: _figures(measured, measured.figures[peer.name])
        for peer in measured.peers
        if peer.name not in measured.failures
    }


def _figures(measured: Rounds, raw: Mapping[str, Any]) -> dict[str, float | None]:
    index = min(raw["index"], key=lambda one: one["seconds"])
    again = min(raw["again"], key=lambda one: one["process_seconds"])
    asked = min(raw["query"], key=lambda one: _percentile(one["seconds"], 50))
    whole = raw["whole"]
    return {
        "index": index["seconds"],
        "share": index["embedding_seconds"] / index["seconds"] or None,
        "documents/s": measured.work.counts["part"] / index["seconds"],
        "process": index["process_seconds"],
        "beside": whole["seconds"] - whole["embedding_seconds"],
        "peak": max(one["peak_bytes"] for one in raw["index"]) / 1e9,
        "disk": whole["disk_bytes"] / 1e6,
        "again": again["process_seconds"],
        "again_embedded": again["embedded"],
        "p50": _percentile(asked["seconds"], 50),
        "p95": _percentile(asked["seconds"], 95),
        "p50_embedding": _percentile(asked["embedding"], 50) if asked["embedding"] else None,
        "query_peak": max(one["peak_bytes"] for one in raw["query"]) / 1e9,
        "cold": min(raw["cold"]),
        **{mode: _quality(measured, raw["runs"].get(mode)) for mode in _MODES},
    }


def _percentile(seconds: Sequence[float], share: int) -> float:
    """Milliseconds."""
    return float(np.percentile(seconds, share)) * 1000


def _quality(measured: Rounds, run: Mapping[str, Sequence[str]] | None) -> float | None:
    if run is None:
        return None
    values = evaluate(measured.work.dataset.qrels, run_from_rankings(run))
    return fmean(values[_MEASURE].values())


def table(measured: Rounds, found: Mapping[str, Found]) -> Grid:
    """One row for each peer; one that failed says why."""
    part, whole = measured.work.counts["part"], measured.work.counts["whole"]
    heads = (
        "peer",
        f"index of {part:,} documents, s (of it embedding)",
        "documents/s",
        "peak memory, GB",
        f"disk at {whole:,} documents, MB",
        "query p50 / p95, ms (of p50 embedding)",
        "cold first answer, s",
        f"unchanged re-index of {part:,}, s",
        "nDCG@10 hybrid / dense / bm25",
    )
    rows = []
    for peer in measured.peers:
        if peer.name in measured.failures:
            rows.append((peer.title, f"failed: {measured.failures[peer.name]}", *[""] * 7))
        else:
            rows.append((peer.title, *_cells(found[peer.name])))
    return Grid(heads, tuple(rows))


def _cells(found: Found) -> tuple[str, ...]:
    share = found["share"]
    return (
        f"{_shown(found['index'], 1)} ({_shown(None if share is None else share * 100, 0)} %)",
        _shown(found["documents/s"], 1),
        _shown(found["peak"], 2),
        _shown(found["disk"], 0),
        f"{_shown(found['p50'], 1)} / {_shown(found['p95'], 1)}"
        f" ({_shown(found['p50_embedding'], 1)})",
        _shown(found["cold"], 2),
        _shown(found["again"], 1),
        " / ".join(_shown(found[mode], 3) for mode in _MODES),
    )


def _shown(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def comparisons(found: Mapping[str, Found]) -> list[tuple[str, float, str, float]]:
    """What the best of the others takes over what this library takes: what, times, who, bar."""
    others = {name: figures for name, figures in found.items() if name != OURS}
    if OURS not in found or not others:
        return []
    ours, lines = found[OURS], []
    for title, (name, _, bar) in _COMPARED.items():
        values = {peer: value for peer, of in others.items() if (value := of[name]) is not None}
        best = min(values, key=lambda peer: values[peer])
        own = ours[name]
        assert own is not None
        lines.append((title, values[best] / own, best, bar))
    return lines


def quality_gain(found: Mapping[str, Found]) -> tuple[float, str] | None:
    """This library's nDCG@10 by both arms less the best of the others', and whose that is."""
    others = {
        name: value
        for name, of in found.items()
        if name != OURS and (value := of["hybrid"]) is not None
    }
    own = found.get(OURS, {}).get("hybrid")
    if own is None or not others:
        return None
    best = max(others, key=lambda name: others[name])
    return own - others[best], best


def panels(measured: Rounds, found: Mapping[str, Found]) -> list[Panel]:
    """The plot: one panel for each figure that is compared."""
    titles = {peer.name: peer.title for peer in measured.peers}
    compared = {**_COMPARED, _BEST: ("hybrid", 3, 0.0)}
    drawn: list[Panel] = []
    for title, (name, digits, _) in compared.items():
        values = {titles[peer]: v for peer, of in found.items() if (v := of[name]) is not None}
        drawn.append(Bars(title, values, titles.get(OURS), digits))
    return drawn


def kept(measured: Rounds) -> dict[str, Any]:
    """The raw figures without the runs, which are large, for the JSON file."""
    return {
        name: {one: value for one, value in raw.items() if one != "runs"} | _times(raw)
        for name, raw in measured.figures.items()
    }


def _times(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "query": [
            {
                "p50_ms": round(_percentile(one["seconds"], 50), 3),
                "p95_ms": round(_percentile(one["seconds"], 95), 3),
                "peak_bytes": one["peak_bytes"],
            }
            for one in raw["query"]
        ]
    }

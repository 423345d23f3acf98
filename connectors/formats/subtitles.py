"""Subtitles: what is said, as paragraphs, each with the time at which it begins.

The formats are read by their lines, since the parsers at hand lose who speaks and keep the
names of cues as if they were said.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.decoding import clean, decode
from rag.connectors.formats.format import Parsed
from rag.errors import DocumentError

_STAMP = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,:]\d{1,3}"
_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*\d")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]+)>")
# SRT takes tags of HTML, WebVTT adds times and classes, and both borrow braces from ASS.
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}")
_ASS_OVERRIDE = re.compile(r"\{[^{}]*\}")
_ASS_DRAWING = re.compile(r"\\p[1-9]")
_ASS_COLUMNS = "layer,start,end,style,name,marginl,marginr,marginv,effect,text"
_ENDS = (".", "!", "?", "…", "。", "\uff01", "\uff1f", "؟", "।", '."', '!"', '?"', ".”", "!”", "?”")
_ENOUGH = 300  # characters: a paragraph ends with the first sentence that ends after these
_MOST = 900
_PAUSE = 10  # seconds between the starts of two cues: something else begins


class SubtitleFormat:
    """Subtitles in SRT, WebVTT and ASS: their cues joined to paragraphs, with times."""

    name = "subtitles"
    extensions: tuple[str, ...] = (".srt", ".vtt", ".ass", ".ssa")
    media_types: tuple[str, ...] = ("application/x-subrip", "text/vtt", "text/x-ssa")
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Paragraphs of whole sentences without tags, the place of each the time it begins.

        Raises DocumentError where the file has no cue.
        """
        decoded = decode(data, self.name)
        text = decoded.text
        is_ass = "[events]" in text.lower()
        cues = list(_ass(text) if is_ass else _timed(text))
        if not cues:
            raise DocumentError("has no cue with a time; it is no SRT, WebVTT or ASS file")
        writer = Writer()
        for place, paragraph in _paragraphs(cues):
            writer.add(paragraph, place=place)
        return Parsed(writer.text, _title(text), writer.blocks, decoded.metadata)


@dataclass(frozen=True, slots=True)
class _Cue:
    """What is said from `second` on, by whom where the file tells it."""

    second: int
    text: str
    speaker: str = ""


def _timed(text: str) -> Iterator[_Cue]:
    """The cues of SRT and WebVTT: a line with times, then lines up to an empty one."""
    lines = iter([*text.split("\n"), ""])
    for line in lines:
        if timing := _TIMING.match(line):
            yield _cue(_seconds(timing), list(iter(lambda: next(lines, "").strip(), "")))


def _cue(second: int, lines: list[str]) -> _Cue:
    text = "\n".join(lines)
    voice = _VOICE.search(text)
    speaker = " ".join(voice[1].split()) if voice else ""
    return _Cue(second, _spoken(clean(html.unescape(_TAG.sub("", text)))), speaker)


def _ass(text: str) -> Iterator[_Cue]:
    """The dialogue of an ASS or SSA file, in the order of its times."""
    columns = _ASS_COLUMNS.split(",")
    cues: list[_Cue] = []
    for line in text.split("\n"):
        kind, _, rest = line.partition(":")
        if kind.strip().lower() == "format" and "text" in rest.lower():
            columns = [column.strip().lower() for column in rest.split(",")]
        elif kind.strip().lower() == "dialogue":
            cells = [cell.strip() for cell in rest.split(",", len(columns) - 1)]
            cues += _dialogue(dict(zip(columns, cells, strict=False)))
    yield from sorted(cues, key=lambda cue: cue.second)


def _dialogue(cells: dict[str, str]) -> Iterator[_Cue]:
    timing = re.match(_STAMP, cells.get("start", ""))
    text = cells.get("text", "")
    if timing and not _ASS_DRAWING.search(text):
        said = _ASS_OVERRIDE.sub("", text).replace("\\N", " ").replace("\\n", " ")
        speaker = cells.get("name", "") or cells.get("actor", "")
        yield _Cue(_seconds(timing), _spoken(said.replace("\\h", " ")), speaker)


def _paragraphs(cues: list[_Cue]) -> Iterator[tuple[str, str]]:
    """The cues joined until a sentence ends, another speaks, or a pause comes; with their times."""
    parts: list[str] = []
    size = 0
    first = last = cues[0]
    for cue in cues:
        if not cue.text:
            continue
        turned = cue.speaker != last.speaker or cue.second - last.second > _PAUSE
        full = size > _MOST or (size > _ENOUGH and parts[-1].endswith(_ENDS))
        if parts and (turned or full):
            yield _clock(first.second), _said(first.speaker, parts)
            parts, size = [], 0
        # Captions that roll up say a line again in the next cue.
        elif parts and parts[-1] == cue.text:
            continue
        first = first if parts else cue
        parts.append(cue.text)
        size += len(cue.text)
        last = cue
    if parts:
        yield _clock(first.second), _said(first.speaker, parts)


def _said(speaker: str, parts: list[str]) -> str:
    text = " ".join(parts)
    return f"{speaker}: {text}" if speaker else text


def _spoken(text: str) -> str:
    return " ".join(text.split())


def _seconds(timing: re.Match[str]) -> int:
    hours, minutes, seconds = (int(part or 0) for part in timing.groups()[:3])
    return hours * 3600 + minutes * 60 + seconds


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _title(text: str) -> str:
    """What follows the signature of WebVTT, or the title among the script's information."""
    first = text.split("\n", 1)[0]
    if first.startswith("WEBVTT"):
        return first[6:].strip(" \t-")
    found = re.search(r"^Title:[ \t]*([^\n]{1,200})$", text[:10_000], re.MULTILINE)
    return " ".join(found[1].split()) if found else ""

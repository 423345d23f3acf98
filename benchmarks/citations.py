"""Planted false citations: how many an audit catches, and how often it is wrong about true ones.

Statements are sentences of documents, each with the sentence itself as its citation. True ones are
exact, or altered in ways that change nothing: a parenthesis dropped, a number written otherwise, a
lead-in. False ones have a digit altered, a name swapped for another name of the corpus, a
sentence of another document cited, or a file rewritten after it was indexed. All are drawn with a
fixed seed, and judged through `Rag.audit`, and through the verifier as chat answers use it: five
whole passages, one of them cited.

The rules are circular to a degree: whoever wrote the checks wrote these, too, and a sentence that
differs in one number is easier to see through than a bad paraphrase by a language model. The
figures say that the checks do what they are for, and little of how they fare with other errors;
benchmarks/dev/support.jsonl has some that were written by hand.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.record import Record
from rag.answer.support import Verifier
from rag.config import load_pipeline
from rag.encode.cache import CachedEncoder
from rag.rag import Rag
from rag.sentences import boundaries
from rag.types import Answer, Citation, Document, Passage, Statement

_CORPUS = CHECKOUT / "sample_corpus"
_NO_DOCUMENTS = ("questions.jsonl", "README.md", "qrels")
_PRESETS = ("hybrid", "bm25")
_SEED, _EACH, _TRUE = 20, 25, 240
_QUICK = 5
_LEAST_CAUGHT, _MOST_ALARMS = 0.95, 0.05
_PASSAGES = 5
_WORDS = (8, 40)
_QUICK_PARAGRAPHS = 40

# The number of an item in a list is none of what it says.
_NUMBER = re.compile(r"(?<!^)(?<![\w.,:-])\d+(?:[.,:]\d+)*(?![\w-])")
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]{3,})(?: [A-Z][a-z]{3,})*(?![\w-])")
_ASIDE = re.compile(r" \([^()]*\)")
_OPENINGS = ("The", "A", "An", "Each", "In", "On", "For", "If", "All", "When", "No")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DATE = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})\b")


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement with what it cites; `kind` says what was done to it."""

    kind: str
    text: str
    cited: Citation

    @property
    def answer(self) -> Answer:
        """An answer of this one statement."""
        statement = Statement(0, len(self.text), (0,))
        return Answer("?", self.text, False, (self.cited,), (statement,))


def measure(given: Arguments) -> None:
    record = Record("citations", "Planted false citations: how many are caught", given.quick)
    for preset in _PRESETS[-1:] if given.quick else _PRESETS:
        with TemporaryDirectory(prefix="ragline-") as place:
            folder = Path(place) / "documents"
            shutil.copytree(_CORPUS, folder, ignore=shutil.ignore_patterns(*_NO_DOCUMENTS))
            _report(record, f"sample corpus, {preset}", preset, folder, given.quick)
    xquad = given.xquad()
    if xquad is not None:
        with TemporaryDirectory(prefix="ragline-") as place:
            folder = _paragraphs(xquad, Path(place) / "documents", given.quick)
            _report(record, "XQuAD, bm25", "bm25", folder, given.quick, bars=False)
    record.write()


def _paragraphs(xquad: Path, folder: Path, quick: bool) -> Path:
    """Each paragraph as a file of its own."""
    folder.mkdir()
    data = json.loads((xquad / "xquad.en.json").read_text("utf-8"))["data"]
    texts = [part["context"] for article in data for part in article["paragraphs"]]
    for number, text in enumerate(texts[: _QUICK_PARAGRAPHS if quick else None]):
        (folder / f"{number:03}.txt").write_text(text, "utf-8")
    return folder


@contextmanager
def _indexed(folder: Path, preset: str) -> Iterator[Rag]:
    """Files long unchanged, indexed beside them; what is encoded again is encoded once."""
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    pipeline = load_pipeline(preset)
    encoder = CachedEncoder(pipeline.encode.build(), folder.parent) if pipeline.encode else None
    with Rag.open(folder.parent / ".rag", pipeline=pipeline, encoder=encoder) as rag:
        rag.index(folder)
        yield rag


def _report(
    record: Record, name: str, preset: str, folder: Path, quick: bool, *, bars: bool = True
) -> None:
    chance = random.Random(_SEED)
    with _indexed(folder, preset) as rag:
        sentences = _sentences(rag)
        true = _true(sentences, _QUICK * 8 if quick else _TRUE, chance)
        false = _false(sentences, _QUICK if quick else _EACH, chance)
        found = {
            "audit": lambda claim: _audited(rag, claim),
            "verifier": _verifying(rag, chance),
        }
        figures: dict[str, object] = {}
        for way, judge in found.items():
            alarms = {claim: judge(claim) for claim in true}
            caught = {claim: judge(claim) for claim in false if claim.kind != "stale file"}
            if way == "audit":
                stale = [claim for claim in false if claim.kind == "stale file"]
                _rewrite(folder.parent, {claim.cited.source for claim in stale})
                caught |= {claim: judge(claim) for claim in stale}
            figures[way] = _told(record, f"{name}, {way}", alarms, caught, bars=bars)
        record.figures[name] = figures


def _told(
    record: Record,
    name: str,
    alarms: Mapping[Claim, bool],
    caught: Mapping[Claim, bool],
    *,
    bars: bool,
) -> dict[str, object]:
    hits, wrong = sum(caught.values()), sum(alarms.values())
    good = (f">= {_LEAST_CAUGHT:.0%}", hits >= _LEAST_CAUGHT * len(caught)) if bars else ()
    quiet = (f"<= {_MOST_ALARMS:.0%}", wrong <= _MOST_ALARMS * len(alarms)) if bars else ()
    record.add(f"{name}: false citations caught", _share(hits, len(caught)), *good)
    for kind in dict.fromkeys(claim.kind for claim in caught):
        of_kind = [found for claim, found in caught.items() if claim.kind == kind]
        record.add(f"{name}: {kind}", f"{sum(of_kind)} of {len(of_kind)}")
    record.add(f"{name}: false alarms", _share(wrong, len(alarms)), *quiet)
    return {
        "caught": hits,
        "planted": len(caught),
        "alarms": wrong,
        "true": len(alarms),
        "missed": [f"{one.kind}: {one.text}" for one, found in caught.items() if not found],
        "alarmed": [f"{one.kind}: {one.text}" for one, found in alarms.items() if found],
    }


def _share(count: int, of: int) -> str:
    """A share with its Wilson interval."""
    from scipy.stats import binomtest

    interval = binomtest(count, of).proportion_ci(0.95, method="wilson")
    return f"{count} of {of}: {count / of:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _audited(rag: Rag, claim: Claim) -> bool:
    return any(finding.kind != "unchecked" for finding in rag.audit(claim.answer))


def _verifying(rag: Rag, chance: random.Random) -> Callable[[Claim], bool]:
    """Whether a claim is found wrong as chat answers are verified."""
    passages = sorted(rag.passages(), key=lambda one: one.order)

    def judge(claim: Claim) -> bool:
        cited = next(one for one in passages if _holds(one, claim.cited))
        given = [cited, *chance.sample(passages, _PASSAGES - 1)]
        with rag._view() as view:
            verdict = Verifier(given, view).check(claim.text, cited=[0])
        return not verdict.supported or bool(verdict.why)

    return judge


def _holds(passage: Passage, cited: Citation) -> bool:
    return passage.document_id == cited.document_id and passage.start <= cited.start < passage.end


def _sentences(rag: Rag) -> list[Citation]:
    """Whole sentences of the indexed documents that some passage holds, in order."""
    passages = list(rag.passages())
    names = dict.fromkeys(one.document_id for one in passages)
    documents: Sequence[Document] = [rag.inspect(name)[0] for name in names]
    found: list[Citation] = []
    for document in documents:
        start = 0
        for end in boundaries(document, 0, len(document.text)):
            quote = document.text[start:end].strip()
            first = start + document.text[start:end].find(quote)
            start = end
            short, long = _WORDS
            if quote.endswith(".") and short <= len(quote.split()) <= long and "\n" not in quote:
                cited = Citation(document.id, document.source, first, first + len(quote), quote)
                if any(_holds(one, cited) and cited.end <= one.end for one in passages):
                    found.append(cited)
    return found


def _true(sentences: Sequence[Citation], count: int, chance: random.Random) -> list[Claim]:
    rules: Mapping[str, Callable[[str], str]] = {
        "exact": lambda text: text,
        "no parenthesis": lambda text: _ASIDE.sub("", text),
        "other format": _reformatted,
        "lead-in": _led_in,
    }
    made: list[Claim] = []
    for kind, rule in rules.items():
        fit = [one for one in sentences if kind == "exact" or rule(one.quote) != one.quote]
        chosen = chance.sample(fit, min(len(fit), count // len(rules)))
        made.extend(Claim(kind, rule(one.quote), one) for one in chosen)
    rest = [one for one in sentences if one not in {claim.cited for claim in made}]
    lacking = min(len(rest), count - len(made))
    return made + [Claim("exact", one.quote, one) for one in chance.sample(rest, lacking)]


def _reformatted(text: str) -> str:
    """Dates, thousands and percentages in another form."""
    dated = _DATE.sub(
        lambda found: f"{found[3]}-{_MONTHS.index(found[2]) + 1:02}-{int(found[1]):02}", text
    )
    grouped = re.sub(r"(?<=\d),(?=\d{3}\b)", "", dated)
    return re.sub(r"(?<=\d) ?(?:%|per cent|percent)", " percent", grouped)


def _led_in(text: str) -> str:
    first, _, rest = text.partition(" ")
    return f"As far as is known, {first.lower()} {rest}" if first in _OPENINGS else text


def _false(sentences: Sequence[Citation], count: int, chance: random.Random) -> list[Claim]:
    names = sorted({name for one in sentences for name in _NAME.findall(one.quote)})
    numbered = [one for one in sentences if _NUMBER.search(one.quote)]
    named = [one for one in sentences if _NAME.search(one.quote)]
    return [
        *(_altered(one, chance) for one in chance.sample(numbered, count)),
        *(_swapped(one, names, chance) for one in chance.sample(named, count)),
        *(_elsewhere(one, sentences, chance) for one in chance.sample(sentences, count)),
        *(Claim("stale file", one.quote, one) for one in chance.sample(sentences, count)),
    ]


def _altered(one: Citation, chance: random.Random) -> Claim:
    """One digit of one number is another one; a first digit is not made 0."""
    number = chance.choice(list(_NUMBER.finditer(one.quote)))
    digits = [at for at in range(number.start(), number.end()) if one.quote[at].isdigit()]
    at = chance.choice(digits)
    others = [digit for digit in "123456789" if digit != one.quote[at]]
    text = one.quote[:at] + chance.choice(others) + one.quote[at + 1 :]
    return Claim("altered number", text, one)


def _swapped(one: Citation, names: Sequence[str], chance: random.Random) -> Claim:
    """One name is another one of the corpus that the sentence does not have."""
    found = chance.choice(list(_NAME.finditer(one.quote)))
    other = chance.choice([name for name in names if name not in one.quote])
    return Claim("swapped name", one.quote[: found.start()] + other + one.quote[found.end() :], one)


def _elsewhere(one: Citation, sentences: Sequence[Citation], chance: random.Random) -> Claim:
    others = [other for other in sentences if other.document_id != one.document_id]
    return Claim("wrong document", one.quote, replace(chance.choice(others)))


def _rewrite(base: Path, sources: set[str]) -> None:
    """Other bytes in each file, as many as before and of the same time in every second one."""
    for number, source in enumerate(sorted(sources)):
        path = base / source
        data, times = path.read_bytes(), path.stat()
        at = next((at for at in range(len(data) // 2, len(data)) if data[at : at + 1].isdigit()), 0)
        if number % 2 and path.suffix != ".pdf":
            path.write_bytes(
                data[:at] + (b"1" if data[at : at + 1] != b"1" else b"2") + data[at + 1 :]
            )
        else:
            path.write_bytes(data + b"\n")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


if __name__ == "__main__":
    measure(arguments(__doc__))

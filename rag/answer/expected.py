"""What kind of answer a question asks for, and whether a text has one to give.

Answer types as question answering has always used them (Li and Roth, 2002), told by asking words
of English, German, French and Spanish. A question of another language expects nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["number", "time", "name", "code"]

_MEASURES = (
    "percentage percent share proportion number amount price cost fee charge temperature speed "
    "limit length height weight depth distance size capacity rate budget total sum salary age "
    "volume pressure maximum minimum deposit fine dose ratio score quantity rent fare duration "
    "period"
)
_DEGREES = (
    "many much long old far high tall deep often soon late fast big large wide heavy hot cold "
    "full early few strong quickly frequently"
)
_GRADE = "viele? vielen lange hoch weit oft groß alt teuer schwer tief warm schnell"
_MOMENTS = "year date day month time century decade weekday season"
_WHOLE = "person company firm supplier team city town country author artist officer organisation"
_MARKED = "code number model serial reference identifier version port command option parameter"

_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million half once twice zwei drei vier fünf sechs sieben acht neun zehn elf "
    "zwölf zwanzig dreißig hundert tausend deux trois quatre cinq six sept huit neuf dix vingt "
    "cent mille dos tres cuatro cinco seis siete ocho nueve diez veinte cien mil"
)
_MONTHS = (
    "january february march april may june july august september october november december "
    "januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet "
    "août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto "
    "septiembre octubre noviembre diciembre"
)
_SPANS = (
    "mondays? tuesdays? wednesdays? thursdays? fridays? saturdays? sundays? montags? dienstags? "
    "mittwochs? donnerstags? freitags? samstags? sonntags? lundi mardi mercredi jeudi vendredi "
    "samedi dimanche lunes martes miércoles jueves viernes sábado domingo noon midnight century "
    "centuries weeks? months? years? days? hours? minutes? annually daily weekly monthly uhr "
    r"jahr\w* tag\w* woche\w* monat\w* stunde\w* ans? jours? mois semaines? heures? años? días?"
)


def _any(words: str) -> str:
    return "|".join(words.split())


_ASKING: Mapping[Kind, re.Pattern[str]] = {
    "number": re.compile(
        rf"\bhow (?:{_any(_DEGREES)})\b"
        rf"|\b(?:what|which) (?:\w+ ){{0,3}}?(?:{_any(_MEASURES)})\b"
        r"|\b(?:what|how much) (?:do|does|did|would|will)\b.*\b(?:cost|pay|charge|weigh|earn)\b"
        rf"|\bwie ?(?:viel|{_any(_GRADE)})\b|\bwas kostet\b|\bcombien\b|\bcuánt[oa]s?\b",
        re.IGNORECASE,
    ),
    "time": re.compile(
        rf"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:{_any(_MOMENTS)})\b"
        r"|\bhow (?:long|soon|often|late|early)\b|\bdeadline\b|\bwann\b|\bwie (?:lange|oft)\b"
        r"|\bwie viel uhr\b|\bquand\b|\bcuándo\b",
        re.IGNORECASE,
    ),
    "name": re.compile(
        rf"\bwho(?:m|se)?\b|\bwhere\b|\bwhat (?:is|was|are|were) the (?:\w+ )?names?\b"
        rf"|\bwhich (?:{_any(_WHOLE)})\b|\bwe(?:r|m|n|ssen)\b|\bwo\b|\bqui\b|\boù\b|\bquién\b"
        r"|\bdónde\b",
        re.IGNORECASE,
    ),
    "code": re.compile(rf"\b(?:what|which) (?:\w+ ){{0,3}}?(?:{_any(_MARKED)})\b", re.IGNORECASE),
}
_HELD: Mapping[Kind, re.Pattern[str]] = {
    "number": re.compile(rf"\d+|\b(?:{_any(_NUMBERS)})\b", re.IGNORECASE),
    "time": re.compile(
        rf"\b(?:1\d|20)\d\d\b|\b(?:{_any(_MONTHS)}|{_any(_SPANS)})\b"
        r"|\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?[ap]m\b",
        re.IGNORECASE,
    ),
    # A sentence begins with a capital whether or not it begins with a name.
    "name": re.compile(r"(?<=\w)[ ,(\"“„]+[^\W\d_a-zß-öø-ÿ][\w'’-]+"),  # noqa: RUF001
    "code": re.compile(r"\b(?=\w*\d)(?=\w*[^\W\d])[\w/-]+|\b[A-Z]{2,}\w*|\d+[-/.]\d+"),
}
_WORD = re.compile(r"\w+")


class Expected:
    """The kinds of answer that `question` asks for."""

    def __init__(self, question: str) -> None:
        self.kinds = tuple(kind for kind, asking in _ASKING.items() if asking.search(question))
        self._said = frozenset(_WORD.findall(question.lower()))

    def fit(self, text: str) -> float:
        """1 where `text` has an answer of such a kind, -1 where it has none, 0 if none is asked.

        What the question says itself is no answer.
        """
        if not self.kinds:
            return 0.0
        return 1.0 if any(self._holds(kind, text) for kind in self.kinds) else -1.0

    def _holds(self, kind: Kind, text: str) -> bool:
        found = (set(_WORD.findall(one[0].lower())) for one in _HELD[kind].finditer(text))
        return any(words and not words <= self._said for words in found)

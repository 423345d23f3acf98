"""Words of a text as they stand in it, and which of them only hold others together."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from rag.scripts import plain

_WORD = regex.compile(
    r"[\p{L}\p{M}][\p{L}\p{M}\d]*(?:['\u2019\-][\p{L}\p{M}\d]+)*|\d+(?:[.,:]\d+)*"
)
_OPENING = " \t\n*_#>\"'“”„«»\u2018\u2019([{-\u2013—•|"
_POSSESSIVE = regex.compile(r"['\u2019]s?$")

# Words that begin sentences without naming anything.
_HOLDING = """
    a an the this that these those here there it its he him his she her they them their we us our
    you your i my me who whom whose which what when where why how whether if unless until while
    although though because since as so then thus hence however therefore moreover furthermore
    also additionally further besides instead otherwise meanwhile finally first firstly second
    secondly third next last lastly later earlier before after during between among within without
    under over above below beneath behind beside near from to into onto in on at by for of off out
    up down with about against across along around through throughout toward towards upon via per
    than like unlike except despite according depending based and or but nor yet both either
    neither not no none never always often usually sometimes generally currently today now once
    again only even just still already soon all any each every few many more most much several some
    such other another one two three four five six seven eight nine ten both same own is are was
    were be been being do does did has have had can could may might must shall should will would
    let please yes ok note see overall specifically particularly notably typically originally
    recently initially eventually together everyone everybody anyone anybody someone somebody
    nobody nothing everything anything something
    der die das den dem des ein eine einen einem einer eines dieser diese dieses diesen diesem
    jeder jede jedes er sie es wir ihr ihre sein seine man wer was wann wo wie warum wenn falls ob
    weil da dass damit dann so auch außerdem zudem jedoch aber und oder sondern nicht kein keine
    nur noch schon bei beim mit ohne für gegen um durch auf an am aus im in ins nach vor von vom zu
    zum zur über unter zwischen während seit bis laut ja nein bitte alle viele einige mehrere beide
    le la les un une des du de au aux ce cet cette ces il elle ils elles nous vous on et ou mais
    donc car si quand où comment pourquoi dans sur sous avec sans pour par entre chez selon
    el los las una unos unas del al este esta estos estas y o pero en con sin para por según
"""
_FUNCTION = frozenset(_HOLDING.split())


@dataclass(frozen=True, slots=True)
class Word:
    """A word where it stands; it is `initial` where a capital letter says nothing."""

    text: str
    start: int
    initial: bool

    @property
    def key(self) -> str:
        """What it is compared by: no case, no possessive."""
        return _POSSESSIVE.sub("", self.text.casefold())

    @property
    def is_capitalised(self) -> bool:
        """Whether it has a capital letter."""
        return any(character.isupper() for character in self.text)

    @property
    def is_function(self) -> bool:
        """Whether it only holds others together."""
        return self.key in _FUNCTION


def words(text: str) -> list[Word]:
    """The words and numbers of `text`, in order."""
    made: list[Word] = []
    end = 0
    for found in _WORD.finditer(text):
        between = text[end : found.start()].rstrip(_OPENING)
        initial = not made or between.endswith((".", "!", "?", ":", "…", ";", "\n"))
        made.append(Word(found[0], found.start(), initial or "\n" in text[end : found.start()]))
        end = found.end()
    return made


def content(text: str) -> str:
    """`text` without the words that only hold others together; all of it where it has no others.

    In a script without spaces words are not told apart, and nothing is left out.
    """
    if not plain(text):
        return text
    return " ".join(one.text for one in words(text) if not one.is_function) or text

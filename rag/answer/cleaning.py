"""What a model wrote, made fit to be shown: no images, and no links that its sources do not have.

An answer is often shown as Markdown or HTML, where an image is fetched and a link followed with
whatever its address holds. A sentence is cleaned as a whole once it is complete, and `steady`
tells how much of an unfinished one no cleaning can change any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

REMOVED = "(link removed)"
# What a model is told to write where the sources do not answer.
NO_ANSWER = "NO_ANSWER"

_SCHEMES = (
    "https", "ftps", "sftp", "file", "data", "javascript", "vbscript", "mailto", "xmpp", "tel",
    "sms", "wss", "blob", "about", "intent", "view-source", "chrome", "ssh", "git", "irc", "ipfs",
    "gopher", "magnet", "skype", "slack", "steam", "zoommtg", "cid", "jar", "ldap", "smb",
)  # fmt: skip
_NAMES = "|".join(("http", "ftp", "ws", *_SCHEMES))
_TOP = (
    "com|net|org|edu|gov|mil|int|info|biz|name|io|ai|app|dev|co|me|tv|cc|xyz|site|online|store|"
    "shop|cloud|tech|page|link|click|live|news|blog|example|test|invalid|localhost|onion|zip|mov|"
    "uk|de|fr|es|it|nl|eu|ch|at|be|se|no|dk|fi|pl|cz|ru|ua|cn|jp|kr|in|br|au|ca|us|tk|ml|ga|cf"
)
_STOP = r"\s<>\"`\u201c\u201d\u3002\uff0c\u3001\uff01\uff1f"
# Addresses: with a scheme, without one, of a mailbox, and names of hosts.
_URL = re.compile(
    rf"(?<![A-Za-z0-9_-])(?P<scheme>(?:{_NAMES})\s*:(?=[^{_STOP}])[^{_STOP}]*|www\.[^{_STOP}]+)"
    rf"|(?P<other>:?//(?=[\w\[])[^{_STOP}]*)"
    rf"|(?P<host>(?<=\w)(?:@[\w-]+(?:\.[\w-]+)+|(?:\.[\w-]{{1,63}}){{0,6}}\.(?:(?:{_TOP})(?![\w-])|"
    rf"[A-Za-z][\w-]{{0,62}}(?=/[^{_STOP}])))(?:[:/?#][^{_STOP}]*)?)",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"!\[[^\]]*(?:\](?:\([^)]*(?:\)|$)|\[[^\]]*(?:\]|$))?|$)")
_LINK = re.compile(r"\[(?P<text>[^\[\]]*)\](?:\([^)]*(?:\)|$)|\[[^\]]*(?:\]|$))")
_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:.*$")
_OPEN_LINK = re.compile(r"\](?=\([^)\s]*(?:$|[^)\s]))(?!\([^)]*\))")
_TAG = re.compile(r"<(?:[A-Za-z/!?|\uff5c][^<>]*>|<SYS>>|</SYS>>)", re.IGNORECASE)
_TOKEN = re.compile(r"\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS)\]", re.IGNORECASE)

# Where one of the above may begin.
_PLACE = re.compile(
    rf"!(?=\[|$)|\[|\](?=[\[(:]|$)|<(?=[A-Za-z/!?|\uff5c<]|$)|:(?=//|/?$)|/(?=/|$)"
    rf"|(?<![A-Za-z0-9_-])(?:(?:{_NAMES})(?=\s*(?::|$))|www(?=\.|$))"
    rf"|(?<=\w)(?:\.(?=\w+(?:[.:/@-]|$)|$|(?:[\w-]{{1,63}}\.){{0,8}}(?:{_TOP})(?![\w-]))|@(?=[\w-]|$))",
    re.IGNORECASE,
)
_ABSTAINS = re.compile(rf"(?<![A-Za-z0-9_-]){NO_ANSWER}(?!\w)")
_LAST_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*$")
_BEGINNINGS = frozenset(
    name[:size]
    for name in ("http", "ftp", "ws", "www", *_SCHEMES)
    for size in range(1, len(name) + 1)
)
# Characters that steer a terminal or the order of writing, and those that nothing shows.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
)
# Words in a row that are those of the prompt: so many are shown, and so many are no chance.
_SHOWN, _CHANCE = 3, 8
_WORD = re.compile(r"\w+")


def abstains(text: str) -> bool:
    """Whether `text` says with the word for it that the sources do not answer."""
    return _ABSTAINS.search(text) is not None


def printable(piece: str) -> str:
    """`piece` of a reply without characters that are not to be seen."""
    return _CONTROL.sub("", piece)


def imageless(text: str) -> str:
    """`text` without images, which whatever shows it would load from where they say."""
    return _IMAGE.sub("", text).replace("![", "! [")


def addresses(text: str) -> frozenset[str]:
    """The addresses in a source, word for word, with what stands before a host's dots."""
    return frozenset(_word(text, found)[0] for found in _URL.finditer(text))


@dataclass(slots=True)
class Cleaner:
    """Cleans sentences of a reply to a prompt whose instructions are `secret`.

    `removed` counts what was taken out, by what it was.
    """

    secret: str = ""
    removed: dict[str, int] = field(default_factory=dict)
    _prompt: str = ""

    def __post_init__(self) -> None:
        self._prompt = f" {' '.join(_WORD.findall(self.secret.casefold()))} "

    def cleaned(self, text: str, sources: Iterable[str] = ()) -> str:
        """`text` without what no text of `sources` has; images never stay."""
        sources = tuple(sources)
        allowed = frozenset[str]().union(*(addresses(one) for one in sources))
        text, kept, before = _ABSTAINS.sub("", self._cut(text)), list[str](), ""
        while text != before:  # what is taken out may have parted what is to be taken out
            before = text
            text = self._unmarked(text, sources, kept)
        text = _URL.sub(lambda found: self._address(found, allowed, kept), text)
        # What is left of a link that began in another sentence.
        return _OPEN_LINK.sub("] ", text).replace("![", "! [")

    def steady(self, text: str) -> int:
        """How many characters of an unfinished sentence stay as they are, whatever follows."""
        end = self._leak(text, whole=False)
        if (found := _PLACE.search(text)) is not None:
            end = min(end, found.start())
        last = _LAST_WORD.search(text)
        if last is not None and (last[0].lower() in _BEGINNINGS or NO_ANSWER.startswith(last[0])):
            end = min(end, last.start())
        if (found := _ABSTAINS.search(text)) is not None:
            end = min(end, found.start())
        return len(text[:end].rstrip())

    def _unmarked(self, text: str, sources: tuple[str, ...], kept: list[str]) -> str:
        """`text` with less markup."""
        for pattern, name in ((_IMAGE, "image"), (_TOKEN, "token"), (_DEFINITION, "link")):
            text = self._without(pattern, name, text)
        text = _LINK.sub(lambda found: self._link(found, sources, kept), text)
        return _TAG.sub(lambda found: self._tag(found, sources), text)

    def _without(self, pattern: re.Pattern[str], name: str, text: str) -> str:
        text, count = pattern.subn("", text)
        self._count(name, count)
        return text

    def _link(self, found: re.Match[str], sources: tuple[str, ...], kept: list[str]) -> str:
        if any(found[0] in source for source in sources):
            kept.append(found[0])
            return found[0]
        self._count("link")
        return found["text"]

    def _tag(self, found: re.Match[str], sources: tuple[str, ...]) -> str:
        if any(found[0] in source for source in sources):
            return found[0]
        self._count("tag")
        return ""

    def _address(self, found: re.Match[str], allowed: frozenset[str], kept: list[str]) -> str:
        address, rest = _word(found.string, found)
        if address in allowed or any(address in link for link in kept):
            return found[0]
        self._count("link")
        return f"{'' if found['scheme'] else ' '}{REMOVED}{rest}"

    def _count(self, name: str, times: int = 1) -> None:
        if times:
            self.removed[name] = self.removed.get(name, 0) + times

    def _cut(self, text: str) -> str:
        end = self._leak(text, whole=True)
        if end < len(text):
            self._count("quote of the instructions")
        return text[:end].rstrip() if end < len(text) else text

    def _leak(self, text: str, *, whole: bool) -> int:
        """Where `text` goes on with words of the prompt; its length where it does not.

        Of an unfinished sentence a short run counts, if it is at the end.
        """
        run: list[re.Match[str]] = []
        for word in _WORD.finditer(text):
            run.append(word)
            half = not whole and word.end() == len(text)
            while run and not self._has(run, half=half):
                run.pop(0)
            if len(run) >= _CHANCE:
                return run[_SHOWN - 1].end()
        if not whole and len(run) >= _SHOWN:
            return run[_SHOWN - 1].end()
        return len(text)

    def _has(self, run: list[re.Match[str]], *, half: bool) -> bool:
        """Whether the prompt has these words in a row, the last of which may be `half` there."""
        words = " ".join(one[0].casefold() for one in run)
        return (f" {words}" if half else f" {words} ") in self._prompt


def told(removed: dict[str, int]) -> Iterator[str]:
    """What was taken out of a reply, a line for each kind."""
    for name, count in removed.items():
        what = f"{count} {name} is" if count == 1 else f"{count} {name}s are"
        yield f"{what} not shown: no source that was cited has it so"


def _word(text: str, found: re.Match[str]) -> tuple[str, str]:
    """The address of a match with what stands before it, and the punctuation that ends it."""
    address = found[0].rstrip(".,;:!?'\"*_)]}")
    if address.count("(") > address.count(")") and found[0][len(address) :].startswith(")"):
        address += ")"
    before = re.search(r"[\w.+%-]*$", text[: found.start()])
    start = "" if found["scheme"] or before is None else before[0]
    return start + address, found[0][len(address) :]

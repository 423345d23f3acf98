"""The abstracts that the founding papers left, and lines that no reader looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.protocols import TokenVectors, Vectors
from rag.types import Passage

SEEDS = sorted((Path(__file__).parents[2] / "shared" / "seeds").glob("*.txt"))

_MENU = """\
Home | Products | Pricing | About us | Contact
Skip to main content
Log in or sign up
Toggle navigation
Menu
Back to top
Next page
Previous page
Share on social media
Print this page
Download as PDF
Read more
Show all
Subscribe to our newsletter
Follow us
Related articles
You may also like
Breadcrumb: Home > Library > Papers
Search this site
Sitemap
Careers
Help centre
Change language: English, Deutsch, Français
Forgot your password?
Add to basket
View cart (0 items)
"""
_NOTICES = """\
This website uses cookies to give you the best experience. Accept all cookies?
By continuing to use this site you agree to our privacy policy.
Manage your cookie preferences
Reject all | Accept all | Settings
We value your privacy
Strictly necessary cookies are always active.
Copyright 2024. All rights reserved.
Terms of use | Privacy | Imprint
No part of this site may be reproduced without written permission.
Please enable JavaScript to view this page.
Your browser is out of date. Please update it.
This page was last updated on 3 March 2024.
Advertisement
Loading, please wait...
Click here if you are not redirected within five seconds.
"""
_PAGES = (*(f"Page {number} of 12" for number in range(1, 13)), "- 7 -", "iv", "[page 88]")

BOILERPLATE = (*_MENU.splitlines(), *_NOTICES.splitlines(), *_PAGES)


def titles_and_abstracts() -> list[tuple[str, str]]:
    """The papers in file order; the first title carries a word of the page it came from."""
    lines = SEEDS[0].read_text(encoding="utf-8").splitlines()[2:]
    lines[0] = lines[0].removeprefix("Subscribe")
    return list(zip(lines[0::2], lines[1::2], strict=True))


def boilerplate() -> list[str]:
    """58 lines: those above, and the two at the head of the file."""
    return [*BOILERPLATE, *SEEDS[0].read_text(encoding="utf-8").splitlines()[:2]]


class Remembering(SentenceTransformersEncoder):
    """Encodes each text once, whether its vector or those of its tokens are wanted."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._means(self.encode_tokens(texts))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._means(self.encode_query_tokens(texts))

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        return self._remembered("passages", texts, super().encode_tokens)

    def encode_query_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        return self._remembered("queries", texts, super().encode_query_tokens)

    def _means(self, tokens: Iterator[TokenVectors]) -> Vectors:
        rows = [one.vectors.mean(axis=0) for one in tokens]
        return self.pooled(np.array(rows, np.float32).reshape(-1, self.dimension))

    def _remembered(
        self,
        kind: str,
        texts: Sequence[str],
        encode: Callable[[Sequence[str]], Iterator[TokenVectors]],
    ) -> Iterator[TokenVectors]:
        known = self.__dict__.setdefault(f"known_{kind}", {})
        if new := list(dict.fromkeys(text for text in texts if text not in known)):
            known.update(zip(new, encode(new), strict=True))
        return iter([known[text] for text in texts])


@cache
def encoder() -> Remembering:
    """all-MiniLM-L6-v2 with all that it has encoded: the abstracts, once for all tests.

    Whoever is first waits for them, on a busy machine for minutes.
    """
    made = Remembering(device="cpu")
    titles, abstracts = zip(*titles_and_abstracts(), strict=True)
    made.encode_passages(abstracts)
    made.encode_queries(titles)
    return made


def passage(name: str, text: str) -> Passage:
    """A document of one passage."""
    return Passage(name, 0, len(text), text, source=name)

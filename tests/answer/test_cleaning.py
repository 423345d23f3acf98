"""What a model wrote, made fit to be shown."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer.cleaning import REMOVED, Cleaner, abstains, printable, told

RULES = "You must quote, every word of these rules for ever and answer the question"
SOURCE = (
    "See https://good.example/a, mail desk@ferry.example or [ask](http://x.example), <b>now</b>."
)

FRAGMENTS = st.one_of(
    st.sampled_from(list("[]()!<>.:/@ a5\"|_-,*看é")),
    st.sampled_from(
        ["//", "http", "https", "www", "data", "img", " src=", "evil", "com", "NO_", "ANSWER", "NO",
         "?x=", "INST", "file", "<b>", "![", "](", "you must quote every word", " of these ru",
         "les for", " ever ", "quote, "],
    ),
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=25).map("".join).map(str.strip)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from([(), (SOURCE,)]))
def test_what_was_shown_stays(text: str, sources: tuple[str, ...]) -> None:
    cleaner = Cleaner(RULES)
    whole = cleaner.cleaned(text, sources)
    for size in range(len(text) + 1):
        begun = text[:size].rstrip()
        assert whole.startswith(begun[: cleaner.steady(begun)])


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_nothing_that_can_be_fetched_is_left(text: str) -> None:
    cleaned = Cleaner(RULES).cleaned(text)
    assert not re.search(r"!\[|(?<![\w-])https?:[^\s<>\"`]|<b>", cleaned)
    # What ends a word of these begins no address; other letters do not keep one from beginning.
    assert not re.search(r"(?<![A-Za-z0-9_-])www\.[^\s<>\"`]", cleaned)
    assert RULES not in cleaned


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("A ![x](http://e.example/a.png) b", "A  b"),
        ("![x][r]", ""),
        ("[![x](http://e.example/a)](http://e.example)", ""),
        ("Go [there](http://e.example).", "Go there."),
        ("Go [there][r].", "Go there."),
        ("[r]: http://e.example", ""),
        ("Go to http://e.example/a?b=c, now.", f"Go to {REMOVED}, now."),
        ("Go to www.e.example.", f"Go to {REMOVED}."),
        ("Go to <http://e.example>.", "Go to ."),
        ("Go to //e.example/a", f"Go to  {REMOVED}"),
        ("Open data:text/html;base64,AAAA==", f"Open {REMOVED}"),
        ("javascript:alert(1)", REMOVED),
        ("Mail me@e.example today", f"Mail me {REMOVED} today"),
        ("Go to evil.com today", f"Go to evil {REMOVED} today"),
        ("A <img src=x onerror=y> b", "A  b"),
        ("A <<b>img src=x> b", "A  b"),
        ("A <!-- c --> b", "A  b"),
        ("<|im_end|> a [INST] b [/INST]", " a  b "),
        ("看http://e.example/a。好", f"看{REMOVED}。好"),
        ("It is NO_ANSWER then", "It is  then"),
        (f"Sure: {RULES}.", "Sure: You must quote"),
    ],
)
def test_what_no_source_has_is_taken_out(written: str, shown: str) -> None:
    assert Cleaner(RULES).cleaned(written) == shown


@pytest.mark.parametrize(
    "written",
    [
        "The fee is 3.50, e.g. for a dog, at 09.40 a.m. on the U.S. pier.",
        "Where x < 5 and y > 3, a[0] is [sic] and 1/2 of a/b.",
        "Data: the file config.yaml and the section rag.answer of Node.js!",
        "Note: it opens at 9:40; who must quote every fee?",
        "费用是五元。它在九点开。",
    ],
)
def test_plain_text_stays(written: str) -> None:
    assert Cleaner(RULES).cleaned(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "See https://good.example/a.",
        "Mail desk@ferry.example today.",
        "You may [ask](http://x.example) <b>now</b>.",
    ],
)
def test_what_a_source_has_word_for_word_stays(written: str) -> None:
    assert Cleaner(RULES).cleaned(written, [SOURCE]) == written


@pytest.mark.parametrize(
    "written", ["https://good.example/a?q=secret", "https://good.example", "me.desk@ferry.example"]
)
def test_another_address_does_not(written: str) -> None:
    assert written not in Cleaner(RULES).cleaned(written, [SOURCE])


def test_a_plain_text_is_shown_at_once() -> None:
    text = "The ferry leaves at nine"
    assert [Cleaner(RULES).steady(text[:size]) for size in (3, 9, len(text))] == [3, 9, len(text)]


def test_it_counts_what_it_took_out() -> None:
    cleaner = Cleaner(RULES)
    cleaner.cleaned("![a](b) http://e.example http://f.example")
    assert [line.split(" not")[0] for line in told(cleaner.removed)] == [
        "1 image is",
        "2 links are",
    ]


def test_characters_that_nothing_shows() -> None:
    assert printable("a\x1b[31m\u202eb\u200bc\U000e0041\nd\te") == "a[31mbc\nd\te"


def test_the_word_of_abstention() -> None:
    assert abstains("NO_ANSWER.")
    assert abstains("**NO_ANSWER**")
    assert not abstains("There is no answer; see NO_ANSWERS.")


@pytest.mark.parametrize("part", ["a.b", "![", "[a](", "<a", "a@", "//a", "http:", "[", "x-"])
def test_no_reply_takes_long_to_clean(part: str) -> None:
    text = (part + ".c-") * 500
    began = time.process_time()
    Cleaner(RULES).cleaned(text)
    Cleaner(RULES).steady(text)
    assert time.process_time() - began < 2

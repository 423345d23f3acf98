"""Filters on a real index, compared with an evaluator of their own."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from embedded import Embedded, whole
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.errors import RequestError
from rag.filters import parse_filter
from rag.protocols import Ranked
from rag.store.comparison import Comparison
from rag.store.fields import Column, Kind
from rag.store.filters import MAX_COMPARISONS
from rag.types import AllOf, AnyOf, Condition, Document, Filter, Not, Scalar, Variant

QUESTION = "harbour winch lamp"
WORDS = ("harbour", "winch", "lamp", "rope", "tide")
NAN = float("nan")

METADATA: dict[str, tuple[Scalar | None, ...]] = {
    "year": (1999, 2000, 2000.5, 2024, None),
    "draft": (True, False, None),
    "mixed": (1, True, "1", "true", 0, False, 1.0, "", None),
    "score": (0.1, -3, 2**53, 2.0**53, 1e-9, 7, None),
    "author": ("Zoë Ann", "ZOE\u0308 ANN", "Straße", "straSSe", "o'brien", "100%", "_", None),
    "created": ("2024-01-05", "2024-01-05T09:30:00Z", "2023-12-31", None),
    "odd key": ("a", 'b"', None),
}


def _documents() -> Iterator[Document]:
    for number in range(60):
        words = [WORDS[(number * step + step) % len(WORDS)] for step in range(1, 2 + number % 9)]
        held = {key: values[(number * 11 + 1) % len(values)] for key, values in METADATA.items()}
        told = {key: value for key, value in held.items() if value is not None}
        yield whole(f"d{number:02}", " ".join(words), **told)


DOCUMENTS = {document.id: document for document in _documents()}
# SQLite takes no record with such a number for JSON.
ODD = whole("odd", "harbour winch", score=NAN, year=float("inf"), draft=True, mixed="1")


@pytest.fixture(scope="module", params=[(), (ODD,)], ids=["plain", "odd"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Embedded]:
    store = Embedded(tmp_path_factory.mktemp("fields") / "index")
    store.put(*DOCUMENTS.values(), *request.param)
    yield store
    store.close()


# An evaluator of its own


def holds(test: Filter, document: Document) -> bool:
    match test:
        case AllOf(parts):
            return all(holds(part, document) for part in parts)
        case AnyOf(parts):
            return any(holds(part, document) for part in parts)
        case Not(part):
            return not holds(part, document)
        case Condition(key, operator, value):
            fields: dict[str, Scalar] = {
                **document.metadata,
                "id": document.id,
                "source": document.source,
                "title": document.title,
                "language": "en",
            }
            return _compares(fields, key, operator, value)


def _compares(fields: Mapping[str, Scalar], key: str, operator: str, value: Scalar) -> bool:
    held: Any = fields.get(key)
    if operator == "!=":
        return not _compares(fields, key, "=", value)
    if held is None:
        return False
    if operator == "~":
        return _plain(value) in _plain(held)
    both = (held, value)
    texts = all(isinstance(one, str) for one in both)
    truths = all(isinstance(one, bool) for one in both)
    numbers = not any(isinstance(one, str | bool) for one in both)
    if not (texts or truths or numbers) or (truths and operator != "="):
        return False
    wanted: Any = value
    held_so: dict[str, bool] = {
        "=": held == wanted,
        "<": held < wanted,
        "<=": held <= wanted,
        ">": held > wanted,
        ">=": held >= wanted,
    }
    return held_so[operator]


def _plain(value: Scalar) -> str:
    return unicodedata.normalize("NFC", str(value).casefold())


KEYS = st.sampled_from([*METADATA, "id", "source", "title", "language", "nowhere"])
VALUES = (
    st.sampled_from(sorted({str(one) for some in METADATA.values() for one in some}))
    | st.sampled_from([one for some in METADATA.values() for one in some if one is not None])
    | st.sampled_from(
        ["d07", "d31.txt", "en", "2024", "e\u0308", "É", "%", "", "\udc80", 2**70, -1]
    )
)
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "~"])
FILTERS = st.recursive(
    st.builds(Condition, KEYS, OPERATORS, VALUES),
    lambda parts: (
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(parts, max_size=4).map(tuple))
        | st.builds(Not, parts)
    ),
    max_leaves=6,
)


@dataclass(repr=False)  # Hypothesis would write all of it out
class Exhaustive:
    lexical: list[tuple[str, float]]
    dense: list[tuple[str, float]]


@pytest.fixture(scope="module")
def exhaustive(store: Embedded) -> Exhaustive:
    """What each arm finds without a filter, all of it."""
    with store.view() as view:
        vector = store.encoder.encode_queries([QUESTION])[0]
        lexical = view.lexical([Variant(QUESTION)], 1_000)
        return Exhaustive(_named(lexical), _named(view.dense(vector, 1_000)))


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@example(test=Condition("mixed", "~", "0"), k=60)
@given(test=FILTERS, k=st.sampled_from([1, 5, 60]))
def test_both_arms_find_what_an_exhaustive_search_has(
    store: Embedded, exhaustive: Exhaustive, test: Filter, k: int
) -> None:
    with store.view() as view:
        vector = store.encoder.encode_queries([QUESTION])[0]
        lexical = _named(view.lexical([Variant(QUESTION)], k, [test]))
        assert lexical == _kept(exhaustive.lexical, test)[:k]
        assert _named(view.dense(vector, k, [test])) == _kept(exhaustive.dense, test)[:k]


def _named(found: Ranked) -> list[tuple[str, float]]:
    return [(passage.document_id, score) for passage, score in found]


def _kept(found: list[tuple[str, float]], test: Filter) -> list[tuple[str, float]]:
    known = DOCUMENTS | {"odd": ODD}
    return [(name, score) for name, score in found if holds(test, known[name])]


def test_an_exhaustive_search_is_one(exhaustive: Exhaustive) -> None:
    assert len(exhaustive.lexical) > 40
    assert len(exhaustive.dense) >= len(DOCUMENTS)


def selected(store: Embedded, *filters: Filter) -> set[str]:
    with store.view() as view:
        vector = store.encoder.encode_queries([QUESTION])[0]
        return {passage.document_id for passage, _ in view.dense(vector, 1_000, filters)}


def test_one_is_not_true(store: Embedded) -> None:
    # Asked for one after the other: equal keys must not be taken for the same filter.
    ones = selected(store, Condition("mixed", "=", 1))
    truths = selected(store, Condition("mixed", "=", True))
    assert ones and truths and not ones & truths
    assert ones == selected(store, Condition("mixed", "=", 1.0))


@pytest.mark.parametrize(
    ("key", "part", "kept"),
    [
        ("author", "ZO\u00cb", {"Zoë Ann", "ZOE\u0308 ANN"}),
        ("author", "zoe\u0308", {"Zoë Ann", "ZOE\u0308 ANN"}),
        ("author", "STRASSE", {"Straße", "straSSe"}),
        ("author", "%", {"100%"}),
        ("author", "_", {"_"}),
        ("year", "20", {2000, 2000.5, 2024}),
        ("draft", "RU", {True}),
    ],
)
def test_contains_without_regard_to_case(
    store: Embedded, key: str, part: str, kept: set[Scalar]
) -> None:
    found = selected(store, Condition(key, "~", part)) - {"odd"}
    held = {DOCUMENTS[name].metadata[key] for name in found}
    assert held == kept
    assert found == {one.id for one in DOCUMENTS.values() if one.metadata.get(key) in kept}


def test_many_values_are_one_comparison(store: Embedded) -> None:
    values = [f"d{number:02}" for number in range(30, 90)] + [f"x{n}" for n in range(5_000)]
    for key, ending in (("id", ""), ("source", ".txt"), ("title", "")):
        some = AnyOf(tuple(Condition(key, "=", f"{value}{ending}") for value in values))
        assert selected(store, some) == {f"d{number:02}" for number in range(30, 60)}
        assert selected(store, Not(some)) - {"odd"} == {f"d{number:02}" for number in range(30)}


@pytest.mark.parametrize(("kind", "value"), [("text", 1), ("number", "1"), ("boolean", "no")])
def test_a_name_of_two_lines_is_told_on_one(kind: Kind, value: Scalar) -> None:
    column = Column({kind: [1]}, {kind: [True]})
    with pytest.raises(RequestError, match="the field 'two lines' holds") as caught:
        Comparison("two\nlines", "=", (value,)).check(column)
    assert "\n" not in str(caught.value)


def test_comparisons_have_a_bound(store: Embedded) -> None:
    parts = tuple(Condition("author", "~", f"<{n}>") for n in range(MAX_COMPARISONS + 1))
    with pytest.raises(RequestError, match=r"1,001 comparisons, and up to 1,000 are taken: 'in'"):
        selected(store, AllOf(parts))
    assert selected(store, AnyOf(parts[:MAX_COMPARISONS])) == set()


# Checks

GOOD = (
    'year>=2024 and source~"handbook"',
    "has draft and draft=false",
    "mixed=1 or mixed='1' or mixed=true",
    "created>=2024-01-05",
    "id!=x and title!=d01 and language in (en, de)",
    "author~2024",
    "`odd key`=a",
)
BAD = [
    (
        "yaer=2024",
        "no document has a field 'yaer'; did you mean 'year'? (there are: id, source, title, "
        "language, author, created, draft, mixed, odd key, score, year)",
    ),
    (
        "not (id=d01 or has page)",
        "no document has a field 'page' (there are: id, source, title, language, author, created, "
        "draft, mixed, odd key, score, year)",
    ),
    (
        "created>=2024",
        "the field 'created' holds text: put 2024 in quotes, as in created>=\"2024\"",
    ),
    ("author=true", "the field 'author' holds text: put true in quotes, as in author=\"true\""),
    ("title=2024", "the field 'title' holds text: put 2024 in quotes, as in title=\"2024\""),
    ("source in (a, 7)", "the field 'source' holds text: put 7 in quotes, as in source=\"7\""),
    (
        "year='2024' or year=1999",
        "the field 'year' holds numbers: leave out the quotes, as in year=2024",
    ),
    ("year!=abc", "the field 'year' holds numbers: 'abc' is no such value"),
    ("draft=1", "the field 'draft' holds true or false: '1' is no such value"),
    (
        "draft='TRUE'",
        "the field 'draft' holds true or false: leave out the quotes, as in draft=TRUE",
    ),
    ("draft>=true", "true and false have no order: compare the field 'draft' with = or !="),
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_what_the_index_has_is_taken(store: Embedded, text: str) -> None:
    with store.view() as view:
        view.check([parse_filter(text)])


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_the_index_has_not_is_told(store: Embedded, text: str, message: str) -> None:
    for _ in range(2):
        with store.view() as view, pytest.raises(RequestError) as caught:
            view.check([parse_filter(text)])
        assert str(caught.value) == message


def test_an_update_changes_what_is_there(store: Embedded) -> None:
    pages = parse_filter("pages=3")
    for _ in range(2):
        with (
            store.view() as view,
            pytest.raises(RequestError, match="no document has a field 'pages'"),
        ):
            view.check([pages])
        store.put(whole("new", "harbour", pages=3))
        with store.view() as view:
            view.check([pages])
        assert selected(store, pages) == {"new"}
        store.commit([], ["new"])
    assert selected(store, pages) == set()


def test_an_empty_index_is_asked_anything(store: Embedded, tmp_path: Any) -> None:
    empty = Embedded(tmp_path / "empty")
    with empty.view() as view:
        view.check([parse_filter("year>=2024")])
        assert view.lexical([Variant(QUESTION)], 5, [parse_filter("year>=2024")]) == []
    empty.close()


def test_a_nan_equals_nothing(store: Embedded) -> None:
    assert selected(store, Condition("score", "=", NAN)) == set()
    assert selected(store, Condition("score", "!=", NAN)) >= {*DOCUMENTS}

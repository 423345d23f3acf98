"""Filters as text: what is taken, and what is said of the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.errors import RequestError
from rag.filters import MAX_DEPTH, as_filters, check_form, parse_filter
from rag.types import AllOf, AnyOf, Condition, Filter, Not, Scalar

ROOT = Path(__file__).parents[1]
A, B, C = (Condition(name, "=", 1) for name in "abc")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("year=2024", Condition("year", "=", 2024)),
        ("year==2024", Condition("year", "=", 2024)),
        ("year!=2024", Condition("year", "!=", 2024)),
        ("year>=-3", Condition("year", ">=", -3)),
        ("year<=+3", Condition("year", "<=", 3)),
        (" score > 0.5 ", Condition("score", ">", 0.5)),
        ("score<1.5e3", Condition("score", "<", 1500.0)),
        ("title~winch", Condition("title", "~", "winch")),
        ("title~2024", Condition("title", "~", "2024")),
        ("title~1.10", Condition("title", "~", "1.10")),
        ('title~"Winch & rope = safe"', Condition("title", "~", "Winch & rope = safe")),
        ("year='2024'", Condition("year", "=", "2024")),
        ('note=""', Condition("note", "=", "")),
        ("note='it''s'", Condition("note", "=", "it's")),
        ('note="say ""no"" \'now\'"', Condition("note", "=", "say \"no\" 'now'")),
        ("author~o'brien", Condition("author", "~", "o'brien")),
        ("draft=true", Condition("draft", "=", True)),
        ("draft=False", Condition("draft", "=", False)),
        ("version=1.2.3", Condition("version", "=", "1.2.3")),
        ("code=007", Condition("code", "=", "007")),
        ("date>=2024-05-01", Condition("date", ">=", "2024-05-01")),
        ("at=2024-05-01T10:00:00+02:00", Condition("at", "=", "2024-05-01T10:00:00+02:00")),
        ("link=https://x.org/a?b=c&d=e", Condition("link", "=", "https://x.org/a?b=c&d=e")),
        ("tags~a,b", Condition("tags", "~", "a,b")),
        ("serial=9223372036854775807", Condition("serial", "=", 2**63 - 1)),
        ("serial=9223372036854775808", Condition("serial", "=", "9223372036854775808")),
        ("dc:date.år-1=x", Condition("dc:date.år-1", "=", "x")),
        ("`reviewed by`=Ann", Condition("reviewed by", "=", "Ann")),
        ('"a ""b"" (c)"=Ann', Condition('a "b" (c)', "=", "Ann")),
        ("`a``b`=1", Condition("a`b", "=", 1)),
        ("state=or", Condition("state", "=", "or")),
        ("in=3", Condition("in", "=", 3)),
        ("not = 3", Condition("not", "=", 3)),
        ("has=3", Condition("has", "=", 3)),
        ("has reviewer", Condition("reviewer", "~", "")),
        ("HAS `reviewed by`", Condition("reviewed by", "~", "")),
        ("has title", Condition("title", "!=", "")),
        ("year in (2024)", Condition("year", "=", 2024)),
    ],
)
def test_comparisons(text: str, condition: Condition) -> None:
    parsed = parse_filter(text)
    assert parsed == condition
    assert isinstance(parsed, Condition)
    assert type(parsed.value) is type(condition.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1 and b=1 and c=1", AllOf((A, B, C))),
        ("a=1 or b=1 and c=1", AnyOf((A, AllOf((B, C))))),
        ("a=1 and b=1 or c=1", AnyOf((AllOf((A, B)), C))),
        ("a=1 and (b=1 or c=1)", AllOf((A, AnyOf((B, C))))),
        ("(a=1 and b=1)and c=1", AllOf((AllOf((A, B)), C))),
        ("not a=1 and b=1", AllOf((Not(A), B))),
        ("NOT (a=1 AND b=1)", Not(AllOf((A, B)))),
        ("not not a=1", Not(Not(A))),
        ("((a=1))", A),
        ("a=1\nOr\tb=1", AnyOf((A, B))),
        ("not has a or b=1", AnyOf((Not(Condition("a", "~", "")), B))),
        ("s=or and not=1", AllOf((Condition("s", "=", "or"), Condition("not", "=", 1)))),
        (
            "f in (pdf,'a b' , 3,or)",
            AnyOf(tuple(Condition("f", "=", value) for value in ("pdf", "a b", 3, "or"))),
        ),
        (
            "f NOT IN(1, 2)",
            Not(AnyOf((Condition("f", "=", 1), Condition("f", "=", 2)))),
        ),
    ],
)
def test_trees(text: str, expected: Filter) -> None:
    assert parse_filter(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a comparison, such as year>=2024, at character 1: <here>"),
        (
            'year>= and source~"x"',
            "expected a value after '>=' at character 7: year>= <here> and source~\"x\""
            "; as text a keyword goes in quotes",
        ),
        ("year", "expected = != < <= > >= ~ or in after 'year' at character 5: year <here>; a name "
         "with spaces goes in backquotes"),
        ("=2024", "expected a comparison, such as year>=2024, at character 1: <here> =2024"),
        ("year=", "expected a value after '=' at character 6: year= <here>"),
        ("year=>3", "expected a value after '=' at character 6: year= <here> >3"),
        ("a=1 and", "expected a comparison, such as year>=2024, at character 8: a=1 and <here>"),
        ("a=1 or or b=1", "expected a comparison, such as year>=2024, at character 7: a=1 or "
         "<here> or b=1"),
        ("title~big winch", "expected 'and', 'or' or the end at character 10: title~big <here> "
         "winch; text with spaces or parentheses goes in quotes"),
        ("title~f(x)", "expected 'and', 'or' or the end at character 8: title~f <here> (x); text "
         "with spaces or parentheses goes in quotes"),
        ("a='x' b=1", "expected 'and', 'or' or the end at character 6: a='x' <here> b=1"),
        ("reviewed by=Ann", "expected = != < <= > >= ~ or in after 'reviewed' at character 9: "
         "reviewed <here> by=Ann; a name with spaces goes in backquotes"),
        ("(a=1", "expected 'and', 'or' or ')' at character 5: (a=1 <here>"),
        ("(title~big winch)", "expected 'and', 'or' or ')' at character 11: (title~big <here> "
         "winch); text with spaces or parentheses goes in quotes"),
        ("a=1)", "expected 'and', 'or' or the end at character 4: a=1 <here> )"),
        ("a in 3", "expected '(' after 'in' at character 5: a in <here> 3"),
        ("a in ()", "expected a value after '(' at character 7: a in ( <here> )"),
        ("a in (1,", "expected a value after ',' at character 9: a in (1, <here>"),
        ("a in (big winch)", "expected ',' or ')' at character 10: a in (big <here> winch); text "
         "with spaces goes in quotes"),
        ("a not 3", "expected 'in' after 'not' at character 6: a not <here> 3"),
        ("has", "expected a field's name after 'has' at character 4: has <here>"),
        ("a='x", "the ' has no other one to close it at character 3: a= <here> 'x"),
        ("a='it's'", "expected a space at character 7: a='it' <here> s'; a ' inside quotes is "
         "written twice"),
        ("a=1 " + "x" * 100, f"expected 'and', 'or' or the end at character 4: a=1 <here> "
         f"{'x' * 40}…; text with spaces or parentheses goes in quotes"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_shown_where_it_goes_wrong(text: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_filter(text, "--where")
    assert str(caught.value) == f"--where: {message}"


@pytest.mark.parametrize("text", ["(" * 100_000, "not " * 20_000, "a=" + "x" * 100_000])
def test_size_and_depth_have_bounds(text: str) -> None:
    with pytest.raises(RequestError, match=r"nest deeper than 50|up to 100,000 are taken"):
        parse_filter(text)


def test_depth_within_the_bound_is_taken() -> None:
    depth = MAX_DEPTH - 1
    assert parse_filter("(" * depth + "a=1" + ")" * depth) == A
    tree: Filter = A
    for _ in range(depth):
        tree = Not(tree)
    assert parse_filter("not " * depth + "a=1") == tree
    assert as_filters(tree) == (tree,)


def test_filters_of_many_kinds() -> None:
    assert as_filters("a=1 or b=1") == (AnyOf((A, B)),)
    assert as_filters(A) == (A,)
    assert as_filters([A, "b=1"]) == (A, B)
    assert as_filters(()) == ()


DEEP: Filter = A
for _ in range(5_000):
    DEEP = Not(DEEP)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (7, "a filter is an expression, or a Condition, AllOf, AnyOf or Not, but not 7"),
        (AllOf(("a=1",)), "but not 'a=1'"),  # type: ignore[arg-type]
        (Condition("a", "==", 1), "no operator '==' in filters: take = != < <= > >= ~"),  # type: ignore[arg-type]
        (Condition("a", "=", None), "needs a field's name, and text, a number, true or false"),  # type: ignore[arg-type]
        (Condition(3, "=", 1), "needs a field's name"),  # type: ignore[arg-type]
        (DEEP, "nests deeper than 50"),
    ],
    ids=range(6),
)
def test_what_programs_get_wrong_is_told(wrong: Any, message: str) -> None:
    for one in (wrong, [A, wrong]):
        with pytest.raises(RequestError) as caught:
            as_filters(one)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


# Random filters as text

_KEYS = st.sampled_from(["a", "year", "id", "in", "not", "has", "AND", "x y", "a`b", "år.1", "p=q"])
_NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(
    allow_nan=False, allow_infinity=False, width=32
).map(lambda value: value + 0.0)
_VALUES = st.text(max_size=8) | _NUMBERS | st.booleans()
_TEXTS = st.sampled_from(["or", "true", "7", "1.5", "2024-01-05", "it's", 'a"b', "", "é é"])


def _conditions() -> st.SearchStrategy[Filter]:
    compared = st.builds(
        Condition, _KEYS, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), _VALUES | _TEXTS
    )
    contained = st.builds(Condition, _KEYS, st.just("~"), st.text(max_size=8) | _TEXTS)
    return compared | contained


def _joined(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    return st.builds(AllOf, several) | st.builds(AnyOf, several) | st.builds(Not, parts)


FILTERS = st.recursive(_conditions(), _joined, max_leaves=12)


def written(test: Filter) -> str:
    """A filter as somebody could write it, with more parentheses than it needs."""
    match test:
        case Condition(key, operator, value):
            name = key if re.fullmatch(r"[\w.]+", key) else f"`{key.replace('`', '``')}`"
            return f"{name} {operator}{_written(value, operator)}"
        case Not(part):
            return f"not ({written(part)})"
        case AllOf(parts):
            return " and ".join(f"({written(part)})" for part in parts)
        case AnyOf(parts):
            return " OR ".join(f"({written(part)})" for part in parts)


def _written(value: Scalar, operator: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if "." in repr(value) else repr(value).replace("e", ".0e")
    plain = re.fullmatch(r"[a-z]+", value) and (value not in {"true", "false"} or operator == "~")
    return value if plain else f"'{value.replace(chr(39), chr(39) * 2)}'"


@settings(max_examples=500, deadline=None)
@given(FILTERS)
def test_text_is_parsed_to_the_tree_that_it_states(test: Filter) -> None:
    parsed = parse_filter(written(test))
    # Unlike equality it tells 1 from true.
    assert repr(parsed) == repr(test)
    check_form([parsed])


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab1.=!<>~()'\"`, \nandornthsi", max_size=30) | st.text(max_size=30))
@example('"\n"')
def test_anything_is_parsed_or_refused_on_one_line(text: str) -> None:
    try:
        parse_filter(text)
    except RequestError as error:
        assert len(str(error).splitlines()) == 1


def test_filters_in_the_documentation_are_filters() -> None:
    page = (ROOT / "docs/formats.md").read_text("utf-8").partition("\n## Filters\n")[2]
    (shown,) = re.findall(r"^```text\n(.*?)^```", page, re.M | re.S)
    assert len(shown.splitlines()) > 3
    for line in shown.splitlines():
        parse_filter(line)

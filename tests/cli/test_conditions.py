import pytest

from rag.cli.conditions import parse_condition
from rag.errors import RequestError
from rag.types import Condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("year=2024", Condition("year", "=", 2024)),
        ("year!=2024", Condition("year", "!=", 2024)),
        ("year>=-3", Condition("year", ">=", -3)),
        ("year<=3", Condition("year", "<=", 3)),
        ("score > 0.5", Condition("score", ">", 0.5)),
        ("score<1.5e3", Condition("score", "<", 1500.0)),
        ("title~Winch & rope = safe", Condition("title", "~", "Winch & rope = safe")),
        ("year='2024'", Condition("year", "=", "2024")),
        ('note=""', Condition("note", "=", "")),
        ("draft=true", Condition("draft", "=", True)),
        ("version=1.2.3", Condition("version", "=", "1.2.3")),
        ("date>=2024-05-01", Condition("date", ">=", "2024-05-01")),
        ("serial=1234567890123456789012", Condition("serial", "=", "1234567890123456789012")),
        ("reviewed by=Ann", Condition("reviewed by", "=", "Ann")),
    ],
)
def test_conditions(text: str, condition: Condition) -> None:
    parsed = parse_condition(text)
    assert parsed == condition
    assert type(parsed.value) is type(condition.value)


@pytest.mark.parametrize("text", ["", "year", "=2024", "year=", "year==2024", "year=>3", " ~x"])
def test_what_is_no_condition_shows_what_is_taken(text: str) -> None:
    with pytest.raises(RequestError, match="KEY=VALUE, with one of = != < <= > >= ~"):
        parse_condition(text)

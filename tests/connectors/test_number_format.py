from __future__ import annotations

import pytest

from rag.connectors.formats.zipped.number_format import formatter, plain


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("General", 3.0, "3"),
        ("General", 1 / 3, "0.333333333333333"),
        ("General", 1e20, "1e+20"),
        ("0.##", 2.5, "2.5"),
        ("0.##", 2.0, "2"),
        ("#,##0", 1234567.5, "1,234,568"),
        ("#,##0,", 1234567, "1,235"),
        ('#,##0.0,,"M"', 1234567, "1.2M"),
        ("0%", 0.125, "13%"),
        ("0.00%", -0.125, "-12.50%"),
        ("0.00E+00", 12345, "12345"),
        ("# ?/?", 0.5, "0.5"),
        ('"about "0', 3, "about 3"),
        ("[$€-407]#,##0.00", 5, "€5.00"),
        ("#,##0.00\\ [$kr-414]", 5, "5.00 kr"),
        ("[Red]0;[Blue]-0", -7, "-7"),
        ("[<100]0;0.0", 7, "7"),
        ("yyyy-mm-dd", 45352, "2024-03-01"),
        ("d. mmmm yyyy", 45352, "2024-03-01"),
        ("[$-409]d-mmm-yy;@", 45352, "2024-03-01"),
        ("mmm-yy", 45352, "2024-03"),
        ("yyyy", 45352, "2024"),
        ("dd.mm.yyyy hh:mm", 45352.5, "2024-03-01 12:00"),
        ("h:mm AM/PM", 0.75, "18:00"),
        ("yyyy-mm-dd", 1, "1900-01-01"),
        ("yyyy-mm-dd", -1, "-1"),
        ("yyyy-mm-dd", 1e9, "1000000000"),
        ("[mm]:ss", 0.5, "12:00"),
        ("[h]:mm", 1e12, "1000000000000"),
        ("0.000000000000000000000000000000", 1e14, "100000000000000.0000000000"),
        ('"', 1, "1"),
        ("", 1, "1"),
    ],
)
def test_numbers_are_shown_as_their_format_has_them(code: str, value: float, shown: str) -> None:
    assert formatter(code)(value) == shown


def test_days_since_1904() -> None:
    assert formatter("yyyy-mm-dd", True)(43890) == "2024-03-01"


def test_fifteen_digits_are_what_a_sheet_keeps() -> None:
    assert plain(0.1 + 0.2) == "0.3"
    assert plain(123456789012345.0) == "123456789012345"

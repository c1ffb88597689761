"""Values in messages can be written to any log, in one line."""

from pathlib import Path

import pytest

from scripts.lib.jobs.errors import MOST_CHARACTERS, first_line, not_among, printable, shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photos/naïve cat 猫.png", "photos/naïve cat 猫.png"),
        ("a\nb\tc\x00", "a\\nb\\tc\\x00"),
        ("a\u2028b\x85", "a\\u2028b\\x85"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "\\ud800"),
    ],
)
def test_names_are_shown_in_one_line_of_utf8(text: str, shown: str) -> None:
    assert printable(text) == printable(Path(text)) == shown
    assert printable(text).encode("utf-8").splitlines() == [shown.encode()]


def test_the_first_line_of_an_error_without_words_is_its_name() -> None:
    assert first_line(ValueError("  one\ntwo")) == "one"
    assert first_line(ValueError("x" * 300)) == "x" * 200
    assert first_line(EOFError()) == first_line(EOFError(" \n ")) == "EOFError"


def test_a_long_value_is_cut() -> None:
    assert shown("ab") == "'ab'"
    assert shown("x" * 500) == f"'{'x' * (MOST_CHARACTERS - 1)} …"


def test_a_value_that_is_not_allowed_is_shown_with_the_one_that_it_resembles() -> None:
    assert not_among("supervized", ["supervised", "dino"]) == (
        "'supervized' is not one of supervised, dino; did you mean 'supervised'?"
    )
    assert not_among(3, ["a", "b"]) == "3 is not one of a, b"
    assert not_among("none", ["a", None]) == "'none' is not one of a, null"
    assert not_among("ee", ["a", "b", "e"], most=2) == "'ee' is not one of a, b and 1 more; did you mean 'e'?"

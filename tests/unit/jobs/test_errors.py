"""What a message shows can be written to any log, in one line."""

from pathlib import Path

import pytest

from scripts.lib.jobs.errors import first_line, printable


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

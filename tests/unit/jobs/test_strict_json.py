"""JSON with a key given twice is refused, by the place of the key."""

import json

import pytest

from scripts.lib.jobs.strict_json import parsed_json


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"a": 1, "a": 2}', "a"),
        ('{"a": [{"b": 1}, {"b": 1, "b": 1}]}', "a/1/b"),
        ('{"a": {"b": 1, "b": 1}, "a": 2}', "a"),
        ('{"a": {"b": 1, "b": 1}, "c": {"b": {}}}', "a/b"),
    ],
)
def test_a_key_given_twice_is_named_with_those_above_it(text: str, key: str) -> None:
    with pytest.raises(ValueError, match=f"the key '{key}' is given twice"):
        parsed_json(text)


def test_other_text_is_read_as_by_the_library() -> None:
    assert parsed_json('{"a": [1, {"b": null}], "b": "a"}') == {"a": [1, {"b": None}], "b": "a"}
    with pytest.raises(json.JSONDecodeError):
        parsed_json("{")

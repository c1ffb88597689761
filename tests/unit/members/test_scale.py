"""A member's own precision, in place of the study's."""

from typing import Any

import pytest

from scripts.lib.members.scale import scale_of

TRAINING = {"precision": "float16", "images_at_once": 8, "compile": True, "gpus": 2}


@pytest.mark.parametrize("member", [{}, {"precision": None}])
def test_without_its_own_precision_a_member_has_that_of_the_study(member: dict[str, Any]) -> None:
    assert scale_of(member, TRAINING) == TRAINING


def test_only_the_precision_is_replaced() -> None:
    assert scale_of({"precision": "bfloat16"}, TRAINING) == TRAINING | {"precision": "bfloat16"}
    assert TRAINING["precision"] == "float16"

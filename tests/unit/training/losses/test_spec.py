"""The terms of losses: each is found, described, and has a test file of its own."""

from pathlib import Path

from scripts.lib.training.losses.spec import LOSS_TERMS, double_backward


def test_every_term_has_a_test() -> None:
    assert len(LOSS_TERMS) >= 5
    for name in LOSS_TERMS:
        assert Path(__file__).with_name(f"test_{name}.py").exists()


def test_only_attributions_are_differentiated_twice() -> None:
    assert double_backward(["ncl", "attribution"])
    assert not double_backward(["ncl", "activation"])
    assert not double_backward([])

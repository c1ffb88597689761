"""Effects on NLL of simulated members of different confidence; docs/statistics.md has larger shares."""

from tests.simulations.effects_on_nll import DISAGREEMENT, FAMILY, HEADER, SKILL, rows, table_row


def test_with_only_nll_held_fixed_disagreement_would_have_effects_that_are_not_there() -> None:
    """Which is why the members' mean confidence is held fixed, too."""
    found = {fixed: table.filter(measure=DISAGREEMENT) for fixed, table in rows(SKILL, 2.5, 12, 0).items()}
    assert (found["NLL"]["p_value"] < 0.05).sum() >= 6
    assert (found["NLL and confidence"]["p_value"] < 0.05).sum() <= 3


def test_families_that_err_together_gain_less() -> None:
    """A smaller NLL is better, so the effect of diversity is positive."""
    found = rows(FAMILY, 2.5, 6, 0)["NLL and confidence"].filter(measure=DISAGREEMENT)
    assert (found["p_value"] < 0.05).all()
    assert (found["partial"] > 0).all()
    row = table_row(("families", "overconfident", DISAGREEMENT, "NLL and confidence"), found)
    assert row.count("|") == HEADER.splitlines()[0].count("|")

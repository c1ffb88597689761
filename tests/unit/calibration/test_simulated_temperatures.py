"""The direction of what docs/measures.md says of simulated temperatures."""

from tests.simulations.temperatures import TRUTHS, simulate, table


def test_fifty_samples_know_a_temperature_and_ten_do_not() -> None:
    few, enough = (simulate(TRUTHS[0], samples, 40) for samples in (10, 50))
    assert few.at_limit > 0.1
    assert enough.at_limit == 0
    assert enough.high / enough.low < 5
    assert few.high / few.low > 10


def test_more_samples_know_it_better_and_the_interval_holds() -> None:
    found = simulate(TRUTHS[1], 500, 60)
    assert 0.85 < found.low < 1 < found.high < 1.15
    assert found.covered > 0.85


def test_the_table_has_one_row_for_each_number_of_samples() -> None:
    lines = table(TRUTHS[:1], (50,), 3).splitlines()
    assert len(lines) == 3
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| 2 | ")

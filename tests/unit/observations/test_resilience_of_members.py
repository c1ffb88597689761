"""Whether family, size or accuracy explains resilience: against least squares, and on members whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from scripts.lib.observations.claims import CONTRADICTED, SUPPORTED, UNDECIDED
from scripts.lib.observations.resilience_of_members import Members, Regression, omega_squared, verdict
from scripts.lib.statistics.robustness import Counts

SAMPLES = 100_000


def counts(abilities: np.ndarray, generator: np.random.Generator) -> tuple[Counts, Counts]:
    shares = 1 / (1 + np.exp(-1.7 * abilities))
    even, odd = (Counts(generator.binomial(SAMPLES, shares), SAMPLES) for _ in range(2))
    return even, odd


def members(count: int = 15, families: int = 3, seed: int = 0, **effects: float) -> Members:
    """Members whose resilience depends on `family`, `size` and `accuracy` as strongly as stated, and on chance."""
    generator = np.random.default_rng(seed)
    places = np.arange(count) % families
    size, ability = generator.normal(15, 1, count), generator.normal(0.6, 0.4, count)
    left = effects.get("family", 0) * np.linspace(-1, 1, families)[places] + effects.get("size", 0) * (size - 15)
    left += effects.get("accuracy", 0) * (ability - 0.6) + 0.1 * generator.normal(size=count)
    shifted = [counts(ability - 0.5 + left, generator) for _ in range(3)]
    names: list[str | None] = [f"family {place}" for place in places]
    return Members(names, np.exp(size), counts(ability, generator), shifted)


@pytest.mark.parametrize("families", [2, 4])
def test_shares_are_those_of_type_iii_sums_of_squares(families: int) -> None:
    generator = np.random.default_rng(families)
    count, places = 14, np.arange(14) % families
    family, size, accuracy = np.eye(families)[places][:, 1:], generator.normal(size=(14, 1)), generator.normal(size=14)
    terms = [family, size, accuracy[:, None]]
    y = generator.normal(size=14) + places
    found = omega_squared(Regression(y, terms))

    def residual(kept: list[np.ndarray]) -> float:
        design = np.concatenate([np.ones((14, 1)), *kept], axis=1)
        return float(((y - design @ np.linalg.lstsq(design, y)[0]) ** 2).sum())

    error = residual(terms) / (count - families - 2)
    total = ((y - y.mean()) ** 2).sum()
    for place, freedom in enumerate((families - 1, 1, 1)):
        explained = residual([term for other, term in enumerate(terms) if other != place]) - residual(terms)
        assert found[place] == pytest.approx((explained - freedom * error) / (total + error))


def test_a_term_that_the_others_contain_explains_nothing() -> None:
    generator = np.random.default_rng(0)
    family, y = np.repeat(np.eye(2), 6, axis=0)[:, 1:], generator.normal(size=12)
    shares = omega_squared(Regression(y, [family, 3 * family, generator.normal(size=(12, 1))]))
    assert shares[0] == pytest.approx(0)
    assert shares[1] == pytest.approx(0)


@pytest.mark.parametrize("families", [2, 3])
def test_families_of_one_size_each_are_undecided(families: int) -> None:
    some = members(family=0.5, families=families)
    sizes = np.exp(15 + np.arange(15) % families)
    found = verdict(replace(some, parameters=sizes), 19, 0)
    assert found.verdict == UNDECIDED
    assert "families and sizes cannot be told apart" in found.reason


def test_families_that_matter_are_found() -> None:
    found = verdict(members(family=0.5), 199, 0)
    assert found.verdict == SUPPORTED
    assert found.deciding.low > 0
    assert found.deciding.p_value == pytest.approx(1 / 200)
    assert found.members == 15
    family, size, accuracy = found.others
    assert family.value > 0.8
    assert found.deciding.value == pytest.approx(family.value - max(size.value, accuracy.value))


@pytest.mark.parametrize("effect", ["size", "accuracy"])
def test_where_something_else_matters_the_observation_is_contradicted(effect: str) -> None:
    found = verdict(members(**{effect: 0.7}), 199, 0)
    assert found.verdict == CONTRADICTED
    assert found.deciding.p_value > 0.05


def test_where_nothing_matters_it_is_undecided() -> None:
    verdicts = [verdict(members(seed=seed), 19, seed).verdict for seed in range(20)]
    assert verdicts.count(UNDECIDED) >= 17


def test_the_seed_decides_p_only() -> None:
    first, other = (verdict(members(seed=3), 199, seed) for seed in (0, 1))
    assert first.others == other.others
    assert first.deciding.p_value != other.deciding.p_value
    assert replace(first.deciding, p_value=0) == replace(other.deciding, p_value=0)


def test_members_without_a_family_or_size_do_not_count() -> None:
    whole = members(count=18, family=0.5)
    families = [None if place == 17 else name for place, name in enumerate(whole.families)]
    parameters = np.where(np.arange(18) == 16, np.nan, whole.parameters)
    found = verdict(replace(whole, families=families, parameters=parameters), 99, 0)
    assert found.members == 16
    assert np.isfinite(found.deciding.low)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"shifted": []}, "no shifted validation set"),
        ({"families": ["one"] * 15}, "two architecture families with at least two members"),
        ({"families": [f"{place}" for place in range(15)]}, "two architecture families with at least two members"),
        ({"families": [None] * 15}, "two architecture families with at least two members"),
    ],
)
def test_what_cannot_be_computed_says_why(changed: dict[str, object], reason: str) -> None:
    found = verdict(replace(members(), **changed), 9, 0)  # type: ignore[arg-type]
    assert found.verdict == UNDECIDED
    assert reason in found.reason
    assert np.isnan(found.deciding.value)


def test_many_families_need_more_members() -> None:
    whole = members(count=10)
    found = verdict(replace(whole, families=[f"{place // 2}" for place in range(10)]), 9, 0)
    assert found.verdict == UNDECIDED
    assert found.reason == "5 families need at least 11 members whose family and size are known"


def test_equally_accurate_members_have_no_verdict() -> None:
    same = tuple(Counts(np.full(15, 60), 100) for _ in range(2))
    found = verdict(replace(members(), clean=same, shifted=[same]), 9, 0)  # type: ignore[arg-type]
    assert found.verdict == UNDECIDED
    assert np.isnan(found.deciding.low)

"""Sums over all ensembles, from moments and from a pass over the ensembles, against sums over the rows of a table."""

from collections.abc import Iterator

import numpy as np
import pytest

from scripts.lib.ensembles.subsets import mean_pairwise
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.permutations import random_orders
from scripts.lib.statistics.scatter import Scatter, scatter_of
from scripts.lib.statistics.semi_partial import controls_of, permuted_partial, residuals
from tests.unit.conftest import subsets

SIZES = {members: [range(2, members + 1)] for members in (2, 3, 4, 5, 9)}
SIZES |= {6: [range(2, 7), [2], [6], [5, 6]], 7: [[3, 5], [4]], 8: [[2, 3, 4, 8], range(2, 9)]}


def symmetric(generator: np.random.Generator, count: int, members: int) -> np.ndarray:
    """With a diagonal that nobody may look at."""
    values = generator.random((count, members, members))
    values = values + values.transpose(0, 2, 1)
    values[:, range(members), range(members)] = np.nan
    return values


def chosen_of(members: int, sizes: range | list[int]) -> np.ndarray:
    return subsets(members, list(sizes))


def cases() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """All ensembles of some sizes, three matrices, and two outcomes that follow one of them."""
    for members, choices in SIZES.items():
        for number, sizes in enumerate(choices):
            generator = np.random.default_rng([members, number])
            chosen, matrices = chosen_of(members, sizes), symmetric(generator, 3, members)
            outcomes = generator.standard_normal((2, len(chosen))) + 80 + chosen.sum(1)
            outcomes[0] += 20 * mean_pairwise(chosen, matrices[1])
            yield chosen, matrices, outcomes


def plain(chosen: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scatter within and between sizes of the `columns` of these ensembles."""
    within, between = np.zeros((2, len(columns), len(columns)))
    for size in set(chosen.sum(1).tolist()):
        rows = columns[:, chosen.sum(1) == size]
        deviations = rows - rows.mean(1, keepdims=True)
        within += deviations @ deviations.T
        from_all = rows.mean(1) - columns.mean(1)
        between += rows.shape[1] * np.outer(from_all, from_all)
    return within, between


def assert_is_scatter(found: Scatter, chosen: np.ndarray, columns: np.ndarray) -> None:
    for index in range(1 + chosen.shape[1]):
        kept = np.ones(len(chosen), bool) if index == 0 else ~chosen[:, index - 1]
        sizes = set(chosen[kept].sum(1).tolist())
        assert (found.numbers[index], found.sizes[index]) == (kept.sum(), len(sizes))
        for values, expected in zip((found.within, found.between), plain(chosen[kept], columns[:, kept]), strict=True):
            np.testing.assert_allclose(values[index], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", range(len(list(cases()))))
def test_sums_over_all_ensembles_are_those_over_their_rows(case: int) -> None:
    chosen, matrices, outcomes = list(cases())[case]
    ensembles = Ensembles(chosen)
    assert ensembles.complete
    columns = np.stack([*(mean_pairwise(chosen, matrix) for matrix in matrices), *outcomes])
    found = scatter_of(ensembles, matrices, outcomes)
    assert_is_scatter(found, chosen, columns)
    largest = [*np.nanmax(matrices, axis=(1, 2)), *np.abs(outcomes).max(1)]
    np.testing.assert_allclose(found.smallest, 1e-9 * np.sqrt(len(chosen)) * np.maximum(1, largest))


@pytest.mark.parametrize("lost", [0, 3, -1])
def test_ensembles_that_are_not_all_are_summed_by_their_rows(lost: int) -> None:
    generator = np.random.default_rng(1)
    chosen = np.delete(subsets(6, "all"), lost, axis=0)
    matrices, outcomes = symmetric(generator, 2, 6), generator.random((2, len(chosen)))
    ensembles = Ensembles(chosen)
    assert ensembles.complete == (lost == -1)  # the last one is the only one of its size
    columns = np.stack([*(mean_pairwise(chosen, matrix) for matrix in matrices), *outcomes])
    assert_is_scatter(scatter_of(ensembles, matrices, outcomes), chosen, columns)


def test_an_ensemble_that_is_there_twice_does_not_stand_for_another_one() -> None:
    chosen = subsets(5, [2, 3])
    chosen[1] = chosen[0]
    assert not Ensembles(chosen).complete


def test_the_ensembles_of_some_members_are_all_of_theirs() -> None:
    chosen, generator = subsets(7, "all"), np.random.default_rng(2)
    rows, part = Ensembles(chosen).part((0, 2, 3, 6))
    matrices, outcomes = symmetric(generator, 2, 4), generator.random((1, len(rows)))
    assert part.complete
    columns = np.stack([*(mean_pairwise(part.chosen, matrix) for matrix in matrices), *outcomes])
    assert_is_scatter(scatter_of(part, matrices, outcomes), part.chosen, columns)


@pytest.mark.parametrize("complete", [True, False])
def test_a_value_that_is_missing_makes_only_its_own_column_undefined(complete: bool) -> None:
    generator = np.random.default_rng(3)
    chosen = subsets(6, "all")[0 if complete else 1 :]
    matrices, outcomes = symmetric(generator, 3, 6), generator.random((2, len(chosen)))
    whole = scatter_of(Ensembles(chosen), matrices, outcomes)
    matrices[1, 2, 4] = matrices[1, 4, 2] = outcomes[1, 5] = np.nan
    found = scatter_of(Ensembles(chosen), matrices, outcomes)
    undefined = np.array([False, True, False, False, True])
    for values, expected in ((found.within, whole.within), (found.between, whole.between)):
        assert np.isnan(values[:, undefined]).all()
        assert np.isnan(values[:, :, undefined]).all()
        np.testing.assert_array_equal(
            values[:, ~undefined][:, :, ~undefined], expected[:, ~undefined][:, :, ~undefined]
        )
    np.testing.assert_array_equal(np.isnan(found.smallest), undefined)


@pytest.mark.parametrize("sizes", [range(2, 8), [3], [7]])
def test_what_does_not_vary_is_smaller_than_rounding(sizes: range | list[int]) -> None:
    """A constant matrix, one whose means do not vary because there is one ensemble, and a constant outcome."""
    chosen = chosen_of(7, sizes)
    matrices, outcomes = np.full((1, 7, 7), 1 / 3), np.full((1, len(chosen)), 76.543)
    found = scatter_of(Ensembles(chosen), matrices, outcomes)
    squares = (found.within + found.between).diagonal(axis1=1, axis2=2)
    assert (np.abs(squares) < found.smallest**2).all()
    alone = scatter_of(Ensembles(chosen_of(7, [7])), symmetric(np.random.default_rng(4), 1, 7), outcomes[:, :1])
    assert (alone.within[:, 0, 0] == 0).all()


def test_equal_members_are_no_special_case() -> None:
    """Two groups of equal members: only whether both are of one group matters."""
    group = np.array([0, 0, 0, 1, 1, 1])
    matrices = (group[:, None] != group).astype(np.float64)[None]
    chosen = subsets(6, "all")
    columns = np.stack([mean_pairwise(chosen, matrices[0]), chosen[:, 0].astype(np.float64)])
    assert_is_scatter(scatter_of(Ensembles(chosen), matrices, columns[1:]), chosen, columns)


@pytest.mark.parametrize("members", [2, 3, 4, 7])
def test_how_often_members_and_pairs_are_together_is_counted_or_follows(members: int) -> None:
    every = subsets(members, "all")
    ensembles = Ensembles(every)
    for size, rows in ensembles.of_size.items():
        first, second = np.triu_indices(members, 1)
        for pairs, inside in ((False, every), (True, every[:, first] & every[:, second])):
            items = size * (size - 1) / 2 if pairs else size
            weights = inside[rows] / items - inside[rows].mean(0) / items
            scatter = ensembles.scatter_of_pairs if pairs else ensembles.scatter_of_members
            np.testing.assert_allclose(scatter[str(size)], weights.T @ weights, rtol=1e-12, atol=1e-12)


def test_one_pair_that_is_left_does_not_vary() -> None:
    """With three members, each of the three pairs is left once."""
    chosen = subsets(3, [2, 3])
    found = scatter_of(Ensembles(chosen), symmetric(np.random.default_rng(5), 2, 3), np.arange(4.0)[None])
    assert (found.within[1:] == 0).all()
    assert found.numbers.tolist() == [4, 1, 1, 1]


def test_there_may_be_no_ensemble() -> None:
    found = scatter_of(Ensembles(np.zeros((0, 4), bool)), symmetric(np.random.default_rng(6), 2, 4), np.zeros((1, 0)))
    assert not found.within.any()
    assert not found.numbers.any()


@pytest.mark.parametrize("sizes", [[2, 3, 4, 5, 6, 7], [3, 6]])
def test_permutations_do_not_ask_how_the_ensembles_are_summed(
    monkeypatch: pytest.MonkeyPatch, sizes: list[int]
) -> None:
    generator = np.random.default_rng(7)
    chosen, matrices, orders = subsets(7, sizes), symmetric(generator, 3, 7), random_orders(7, 30, 0)
    controls, outcomes = controls_of(generator.random((1, 7))), generator.random((2, len(chosen)))
    matrices = np.stack([residuals(np.nan_to_num(matrix), controls) for matrix in matrices])
    matrices[2] = 0  # nothing is left of it
    from_sums = permuted_partial(matrices, controls, outcomes, Ensembles(chosen), orders)
    monkeypatch.setattr(Ensembles, "complete", False)
    from_rows = permuted_partial(matrices, controls, outcomes, Ensembles(chosen), orders)
    np.testing.assert_allclose(from_sums, from_rows, rtol=1e-9, atol=1e-12)
    assert np.isfinite(from_sums[:2]).all()
    assert np.isnan(from_sums[2]).all()

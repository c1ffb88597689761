"""Which diversity goes with improvement, and how sure that is.

Ensembles share members, so they are not independent and an ordinary p-value or interval would be far too optimistic.
What is exchangeable are the members. Hence
- the interval leaves out one member (and all of its ensembles) at a time: delete-one jackknife on Fisher's z;
- the p-value permutes the labels of the members (Mantel 1967): the pairwise matrix is shuffled as a whole, and every
  ensemble gets the diversity of other members;
- the partial correlation holds the mean member accuracy fixed: a measure that only follows accuracy explains nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control, rankdata, t

from scripts.lib.ensembles import mean_pairwise
from scripts.lib.measures import Measure
from scripts.lib.randomness import derive

INTERVAL = "95 %, delete-one-member jackknife on Fisher's z"
ACCURACY = "mean_member_accuracy"
FEWEST_ENSEMBLES = 3
# A constant input has no correlation, but rounding makes its deviations differ from zero by about this share.
CONSTANT = 1e-12

SCHEMA = {
    "dataset": pl.String,
    "consensus": pl.String,
    "measure": pl.String,
    "improvement": pl.String,
    "size": pl.String,
    "pearson": pl.Float64,
    "spearman": pl.Float64,
    "partial_pearson": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "p_value": pl.Float64,
    "ensembles": pl.Int64,
    "interval": pl.String,
}


def pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of each row of `x` [..., E] with `y` [E]; NaN for a constant input or fewer than three values."""
    if x.shape[-1] < FEWEST_ENSEMBLES:
        return np.full(x.shape[:-1], np.nan)
    centred_x, centred_y = x - x.mean(-1, keepdims=True), y - y.mean()
    norm_x, norm_y = np.linalg.norm(centred_x, axis=-1), np.linalg.norm(centred_y)
    varies = (norm_x > CONSTANT * np.linalg.norm(x, axis=-1)) & (norm_y > CONSTANT * np.linalg.norm(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(varies, np.clip(centred_x @ centred_y / (norm_x * norm_y), -1, 1), np.nan)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Correlation of the ranks of `x` [E] and `y` [E]; ties have their mean rank."""
    return float(pearson(rankdata(x), rankdata(y)))


def partial_pearson(x: np.ndarray, y: np.ndarray, fixed: np.ndarray) -> float:
    """Correlation of `x` and `y` after their linear dependence on `fixed` is taken out; NaN where nothing is left."""
    x_y, x_fixed, y_fixed = (float(pearson(*pair)) for pair in ((x, y), (x, fixed), (y, fixed)))
    left = (1 - x_fixed**2) * (1 - y_fixed**2)
    return (x_y - x_fixed * y_fixed) / np.sqrt(left) if left > CONSTANT else float("nan")


def jackknife_interval(x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """95 % interval of the correlation from leaving out one member at a time (Efron & Tibshirani 1993, chapter 11).

    `chosen` is bool [E, M]. Computed on Fisher's z and Student's t with M - 1 degrees of freedom. NaN where leaving out
    some member leaves no correlation to compute.
    """
    members = chosen.shape[1]
    left_out = np.array([float(pearson(x[~chosen[:, m]], y[~chosen[:, m]])) for m in range(members)])
    with np.errstate(divide="ignore", invalid="ignore"):
        z, whole = np.arctanh(left_out), np.arctanh(float(pearson(x, y)))
        error = np.sqrt((members - 1) / members * ((z - z.mean()) ** 2).sum())
        half = t.ppf(0.975, members - 1) * error
    return float(np.tanh(whole - half)), float(np.tanh(whole + half))


@dataclass(frozen=True)
class Diversity:
    """A measure whose value for every ensemble follows from a matrix [M, M] or from one number for each member [M]."""

    name: str
    source: np.ndarray

    @classmethod
    def of_measure(cls, measure: Measure, matrix: np.ndarray) -> "Diversity":
        """A pairwise measure, turned so that more means more diverse."""
        return cls(measure.diversity, 1 - matrix if measure.similarity else matrix)

    def of(self, chosen: np.ndarray) -> np.ndarray:
        """The value of each ensemble of `chosen` [E, M]."""
        if self.source.ndim == 2:
            return mean_pairwise(chosen, self.source)
        return chosen @ self.source / chosen.sum(1)

    def permuted(self, order: np.ndarray) -> "Diversity":
        """The same values with the members' labels permuted."""
        return Diversity(self.name, self.source[np.ix_(*[order] * self.source.ndim)])


def mantel_p_values(
    diversity: Diversity, chosen: np.ndarray, outcomes: np.ndarray, groups: np.ndarray, permutations: int, seed: int
) -> np.ndarray:
    """Two-sided p-values [G, K] of the correlation with each outcome [K, E] within each group of ensembles [G, E].

    p = (1 + permutations at least as extreme) / (1 + permutations): the observed labelling is one of the possible ones.
    """
    observed = _in_groups(diversity.of(chosen), outcomes, groups)
    generator = np.random.default_rng(seed)
    extreme = np.zeros(observed.shape, dtype=np.int64)
    for _ in range(permutations):
        order = generator.permutation(chosen.shape[1])
        permuted = _in_groups(diversity.permuted(order).of(chosen), outcomes, groups)
        extreme += np.abs(permuted) >= np.abs(observed) - CONSTANT
    return np.where(np.isnan(observed), np.nan, (1 + extreme) / (1 + permutations))


def _in_groups(values: np.ndarray, outcomes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return np.stack([pearson(outcomes[:, group], values[group]) for group in groups])


def correlations_table(
    datasets: dict[str, tuple[pl.DataFrame, list[Diversity]]], members: int, permutations: int, seed: int
) -> pl.DataFrame:
    """One row for each dataset, consensus, measure, improvement and size ("all" first).

    `datasets` has the ensembles' table and the pairwise measures (as diversities) of each dataset. What is not defined
    (a constant input, fewer than three ensembles) is null. `q_value` controls the false discovery rate (Benjamini &
    Hochberg 1995) over all rows of the same size.
    """
    rows = [
        row
        for dataset, (table, diversities) in datasets.items()
        for (consensus,), part in table.group_by("consensus", maintain_order=True)
        for diversity in [*diversities, _accuracy(part, members)]
        for row in _rows(dataset, str(consensus), part, diversity, members, permutations, seed)
    ]
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.selectors.float().fill_nan(None)).pipe(_with_q_values)


def _accuracy(table: pl.DataFrame, members: int) -> Diversity:
    """The members' accuracies, recovered from the ensembles' means (a linear system with a unique solution)."""
    chosen = _chosen(table, members)
    means = table[ACCURACY].to_numpy() * chosen.sum(1)
    return Diversity(ACCURACY, np.linalg.lstsq(chosen.astype(np.float64), means, rcond=None)[0])


def _chosen(table: pl.DataFrame, members: int) -> np.ndarray:
    chosen = np.zeros((len(table), members), dtype=bool)
    for row, positions in enumerate(table["members"].to_list()):
        chosen[row, positions] = True
    return chosen


def _rows(
    dataset: str, consensus: str, table: pl.DataFrame, diversity: Diversity, members: int, permutations: int, seed: int
) -> Iterator[dict[str, object]]:
    chosen = _chosen(table, members)
    improvements = [name for name in table.columns if name.startswith("improvement_")]
    outcomes = table.select(improvements).to_numpy().T
    size = table["size"].to_numpy()
    sizes = sorted(set(size.tolist()) - {1})
    groups = np.stack([size > 1, *(size == wanted for wanted in sizes)])
    stream = derive(seed, "permutations", dataset, diversity.name)
    p_values = mantel_p_values(diversity, chosen, outcomes, groups, permutations, stream)
    values, accuracy = diversity.of(chosen), table[ACCURACY].to_numpy()
    for group, name, p_of_group in zip(groups, ["all", *map(str, sizes)], p_values, strict=True):
        x, fixed, within = values[group], accuracy[group], chosen[group]
        for improvement, y, p_value in zip(improvements, outcomes[:, group], p_of_group, strict=True):
            low, high = jackknife_interval(x, y, within)
            yield {
                "dataset": dataset,
                "consensus": consensus,
                "measure": diversity.name,
                "improvement": improvement.removeprefix("improvement_"),
                "size": name,
                "pearson": float(pearson(x, y)),
                "spearman": spearman(x, y),
                "partial_pearson": float("nan") if diversity.name == ACCURACY else partial_pearson(x, y, fixed),
                "ci_low": low,
                "ci_high": high,
                "p_value": float(p_value),
                "ensembles": len(x),
                "interval": INTERVAL,
            }


def _with_q_values(table: pl.DataFrame) -> pl.DataFrame:
    """Benjamini-Hochberg over the whole grid of one size: all datasets, consensus, measures and improvements."""
    q_values = np.full(len(table), np.nan)
    p_values = table["p_value"].fill_null(float("nan")).to_numpy()
    for size in table["size"].unique().to_list():
        rows = np.flatnonzero((table["size"] == size).to_numpy() & ~np.isnan(p_values))
        if len(rows):
            q_values[rows] = false_discovery_control(p_values[rows])
    position = table.columns.index("p_value") + 1
    return table.insert_column(position, pl.Series("q_value", q_values).fill_nan(None))

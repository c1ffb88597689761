"""What clean diversity and clean accuracy foretell of simulated members under shift, and whether intervals are true.

    python -m tests.simulations.predictors [--studies 40] [--samples 1000] [--seed 0]

prints a table of docs/under-shift.md. Studies are those of `tests.simulations.shift`, with one measure (disagreement).
The intervals are about other members and images, so the truth is the mean over all studies of a kind.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import polars as pl

from scripts.lib.ensembles.subsets import subsets
from scripts.lib.statistics.names import ENSEMBLE_ACCURACY, GAINS
from scripts.lib.statistics.predictors import predictors_table
from tests.simulations.shift import MEMBERS, SHIFTS, Shift, simulated

TITLES = ("members differ in", "members", "gain", "r of disagreement, mean ± SD", "r of accuracy, mean ± SD")
TITLES += ("difference, mean ± SD", "interval covers the mean difference", "interval above 0", "interval below 0")
HEADER = f"| {' | '.join(TITLES)} |\n{'|---' * len(TITLES)}|"


def tables(shift: Shift, members: int, studies: int, samples: int = 1000, seed: int = 0) -> pl.DataFrame:
    """The rows of `predictors.parquet` of each study."""
    chosen, found = subsets(members, "all", 0, 0), []
    for number in range(studies):
        datasets = simulated(shift, members, samples, chosen, np.random.default_rng([seed, number]))
        found.append(predictors_table(lambda both=datasets: iter(both), chosen))
    return pl.concat(found)


def rows(studies: int, samples: int, seed: int) -> Iterator[str]:
    """The rows of the table in Markdown, one kind of study and number of members after the other."""
    for shift in SHIFTS:
        for members in MEMBERS:
            found = tables(shift, members, studies, samples, seed)
            for gain in GAINS:
                diversity = found.filter(gain=gain, predictor="disagreement")
                accuracy = found.filter(gain=gain, predictor=ENSEMBLE_ACCURACY)
                difference, low, high = (diversity[f"over_accuracy{end}"].to_numpy() for end in ("", "_low", "_high"))
                truth = difference.mean()
                shares = [((low <= truth) & (truth <= high)).mean(), (low > 0).mean(), (high < 0).mean()]
                numbers = [diversity["correlation"].to_numpy(), accuracy["correlation"].to_numpy(), difference]
                means = [f"{values.mean():+.2f} ± {values.std():.2f}" for values in numbers]
                cells = [shift.name, str(members), gain, *means, *(f"{share:.0%}" for share in shares)]
                yield f"| {' | '.join(cells)} |".replace("-", "−").replace("%", " %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("studies", 40), ("samples", 1000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    print(HEADER)
    for row in rows(**vars(parser.parse_args())):
        print(row, flush=True)

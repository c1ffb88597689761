"""How often effects, intervals and p-values are right in simulated studies whose truth is known.

python -m benchmarks.statistics FOLDER [--studies 200] [--members 6 8] [--samples 200] [--seed 0]
python -m benchmarks.statistics FOLDER --summarise
python -m benchmarks.statistics --tables

Simulates studies (tests/simulations/members.py) and analyses them with the library's own functions, cell by cell: a
cell is one truth, number of members, number of images in a validation set, and number of validation sets. Results are
kept in FOLDER, 50 studies of one cell in a file (less where they take long), so a run that was killed continues with
the files that are missing, and more studies can be added; files of other code or another seed are made again. At the
end, results/statistics.csv gets one row for each cell, consensus and measure (benchmarks/statistics_summary.py says
what is in it), and `--tables` writes the tables of docs/statistics.md and its figure from it. With 25 members,
ensembles are drawn as a study draws them: 200 of each size from 2 to 20.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import torch

from benchmarks.common import processor
from kernels import cpu
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.jobs.code_digest import code_digest
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.randomness import derive
from scripts.lib.jobs.storage import load_table, save_table
from scripts.lib.jobs.versions import versions
from scripts.lib.statistics.correlations import correlations_table
from scripts.lib.statistics.effects import effects_table
from scripts.lib.statistics.evidence import Evidence
from scripts.lib.statistics.split_evidence import SplitEvidence
from scripts.lib.statistics.variance_shares import variance_shares_table
from tests.simulations.members import (
    BROKEN,
    DISAGREEMENT,
    FAMILY,
    PERMUTATIONS,
    SKILL,
    UNRELATED,
    WEAK,
    WIDE,
    Study,
    Truth,
    simulated_study,
)

PER_SIZE = 200  # the default of studies
MEMBERS, SAMPLES = (6, 8, 15, 25), (200, 1000, 10_000)
# Some truths are simulated in fewer cells; votes, and measures other than disagreement, with some numbers of images.
SOME_MEMBERS, SOME_SAMPLES = (6, 8, 15), (1000, 10_000)
OTHER_MEASURES = {1000: ("js_divergence", "double_fault"), 10_000: ("js_divergence",)}
SAMPLES_OF_VOTES = 1000
SETS = 5
BATCH = 50  # studies in one file; a part of them in cells that take long
SHARES = {(15, 10_000): 0.5, (25, 200): 0.5, (25, 1000): 0.5, (25, 10_000): 0.12}


@dataclass(frozen=True)
class Cell:
    """One kind of simulated study: its truth, and the numbers of members, images in a validation set, and sets."""

    truth: Truth
    members: int
    samples: int
    sets: int = 1

    @property
    def name(self) -> str:
        name = self.truth.name.replace(",", "").replace(" ", "-")
        return f"{name}-{self.members}-{self.samples}-{self.sets}"

    @property
    def measures(self) -> tuple[str, ...]:
        return (DISAGREEMENT, *OTHER_MEASURES.get(self.samples, ()))

    @property
    def consensus(self) -> tuple[str, ...]:
        return ("average", "vote") if self.samples == SAMPLES_OF_VOTES else ("average",)

    def batch(self, number: int, studies: int) -> range:
        """The numbers of the studies in one file, if so many studies are asked for."""
        share = SHARES.get((self.members, self.samples), 1)
        first, last = (round(share * min(studies, BATCH * end)) for end in (number, number + 1))
        return range(max(first, min(number, 1)), max(last, 1))  # at least one study, in the first file


def cells() -> list[Cell]:
    """All cells, small ones first."""
    whole = [Cell(truth, members, samples) for truth in (SKILL, FAMILY) for members in MEMBERS for samples in SAMPLES]
    some = [
        Cell(truth, members, samples)
        for truth in (WIDE, BROKEN, WEAK)
        for members in SOME_MEMBERS
        for samples in SOME_SAMPLES
    ]
    several = [Cell(truth, 8, 1000, SETS) for truth in (SKILL, FAMILY)]
    return sorted(whole + some + several, key=lambda cell: cell.members * cell.samples * cell.sets)


def results_of(cell: Cell, numbers: Sequence[int], seed: int) -> pl.DataFrame:
    """One row for each study, validation set, consensus and measure.

    The columns of `effects.parquet`; `same_…`, what they would be if diversity and accuracy came from the same half of
    the images; `plain_…`, those of `correlations.parquet` over all sizes, for the improvement over the mean member; and
    `variance_…`, those of `variance_shares.parquet` for the measure in its own model. The last three are of averaging
    only, and of disagreement (`same_…`) or of this and of the diversity that is related to nothing. q is over all rows
    of the same study.
    """
    chosen, tables = ensembles(cell.members), []
    for number in numbers:
        stream = derive(seed, cell.name, number)
        sets = simulated_study(
            cell.truth,
            chosen,
            cell.samples,
            np.random.default_rng(stream),
            cell.sets,
            cell.measures,
            cell.consensus,
        )
        tables.append(analysed(sets, chosen, stream).with_columns(study=pl.lit(number, pl.Int32)))
    return pl.concat(tables)


@cache
def ensembles(members: int) -> np.ndarray:
    """The ensembles of every simulated study with so many members, bool [E, M]."""
    return subsets(members, "all", PER_SIZE, 0)


def analysed(sets: Sequence[Study], chosen: np.ndarray, seed: int) -> pl.DataFrame:
    """What the library says of one study; see `results_of`."""
    named = [(f"set {number}", study) for number, study in enumerate(sets, 1)]
    keys = ["dataset", "consensus", "measure"]
    effects = effects_table([(name, study.halves) for name, study in named], chosen, PERMUTATIONS, seed)
    same = effects_table([(name, on_same_images(study.halves)) for name, study in named], chosen, PERMUTATIONS, seed)
    plain = correlations_table([(name, plainly(study.whole)) for name, study in named], PERMUTATIONS, seed)
    shares = variance_shares_table([(name, of_two(study.halves)) for name, study in named], chosen)
    others = {
        "same": same.select(*keys, "partial", "per_sd", "p_value"),
        "plain": plain.filter(size="all").select(
            *keys, "pearson", "partial_pearson", "ci_low", "ci_high", "p_value", "q_value"
        ),
        "variance": shares.filter(pl.col("model") == pl.col("term")).select(
            *keys[:2], pl.col("term").alias("measure"), "share", "low", "high", "unique", "unique_low", "unique_high"
        ),
    }
    joined = effects.drop("outcome", "members", "ensembles")
    for prefix, table in others.items():
        table = table.rename({name: f"{prefix}_{name}" for name in table.columns if name not in keys})
        joined = joined.join(table, on=keys, how="left", maintain_order="left")
    return joined


def of_two(halves: SplitEvidence) -> SplitEvidence:
    """Averaging, disagreement and the diversity that is related to nothing."""
    diversities = {name: halves.diversities[name] for name in (DISAGREEMENT, UNRELATED)}
    return replace(halves, outcomes={"average": halves.outcomes["average"]}, diversities=diversities)


def on_same_images(halves: SplitEvidence) -> SplitEvidence:
    """Averaging and disagreement only, with the diversity of each half in place of that of the other."""
    disagreement = halves.diversities[DISAGREEMENT][::-1]
    return replace(of_two(halves), diversities={DISAGREEMENT: disagreement})


def plainly(evidence: Evidence) -> Evidence:
    """As `of_two`, for plain correlations."""
    diversities = {name: evidence.diversities[name] for name in (DISAGREEMENT, UNRELATED)}
    return replace(evidence, ensembles=evidence.ensembles.filter(consensus="average"), diversities=diversities)


def run(folder: Path, asked: Sequence[Cell], studies: int, seed: int) -> None:
    """Compute what is missing in `folder`: one file for each cell and batch; all cells before the next batch."""
    cpu.LEAST_OPERATIONS = 0  # compiled kernels for small studies too: numba is loaded once for all of them
    torch.set_num_threads(1)
    sources = [
        ROOT / "scripts/lib/statistics" / f"{name}.py" for name in ("effects", "correlations", "variance_shares")
    ]
    code = code_digest(Path(__file__), *sources, ROOT / "tests/simulations/members.py")
    for number in range(-(-studies // BATCH)):
        for cell in asked:
            numbers, path = cell.batch(number, studies), folder / f"{cell.name}-{number}.parquet"
            made = {"code": code, "seed": seed, "permutations": PERMUTATIONS, "batch": len(numbers)}
            if not numbers or (path.exists() and load_table(path, list(made)).row(0, named=True) == made):
                continue
            began = time.process_time()
            results = results_of(cell, numbers, seed)
            said = made | {"truth": cell.truth.name, "members": cell.members, "samples": cell.samples}
            said |= {"sets": cell.sets, "seconds": time.process_time() - began}
            said |= {"commit": versions()["commit"], "machine": processor()}
            save_table(path, results.with_columns(**{name: pl.lit(value) for name, value in said.items()}))
            print(f"{path.name}: {said['seconds']:.0f} s of processor time", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where the results of each cell are kept")
    parser.add_argument("--studies", type=int, default=200, help="in each cell (fewer where they take long)")
    parser.add_argument("--members", type=int, nargs="+", default=MEMBERS)
    parser.add_argument("--samples", type=int, nargs="+", default=SAMPLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--summarise", action="store_true", help="only write the CSV again from the folder")
    parser.add_argument("--tables", action="store_true", help="only write the tables of the page and its figure again")
    arguments = parser.parse_args()
    if arguments.folder is None and not arguments.tables:
        parser.error("name the folder in which the results of each cell are kept")
    from benchmarks import statistics_page, statistics_summary

    if arguments.tables:
        statistics_page.write()
        return
    if not arguments.summarise:
        asked = [c for c in cells() if c.members in arguments.members and c.samples in arguments.samples]
        run(arguments.folder, asked, arguments.studies, arguments.seed)
    statistics_summary.write(arguments.folder)


if __name__ == "__main__":
    main()

"""Whole studies of files of predictions, from `snakemake` to the report: seconds, memory and bytes of each stage.

python -m benchmarks.study FOLDER --members 10 12 14 16 18 20 --samples 10000 --classes 10 --datasets 5
python -m benchmarks.study --plot

Every study is made anew in FOLDER, with random members that resemble models (benchmarks/large_zoo.py), and removed
afterwards. A row of results/study.csv is one stage of one study: the seconds of its jobs, added, and the largest memory
of one of them. The stage "total" is the time of the command `snakemake`; the jobs of a study run side by side.

Peers compute in this process what a stage computes, in the plainest form, with numpy, scipy and scikit-learn: a loop
over subsets (as EnsembleBench does), over pairs, and over permutations. They are timed on as many subsets, pairs or
permutations as fit into some seconds, and their row is extrapolated to all of them (column `extrapolated_by`). What
they find is compared with the tables of the study.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from sklearn.metrics import accuracy_score

from benchmarks.common import RESULTS, processor
from benchmarks.large_zoo import write_zoo
from scripts.lib.ensembles.sizes import is_exhaustive
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.versions import versions

TABLE = RESULTS / "study.csv"
# Which rules belong to a stage; figures are the rules that begin with plot_.
STAGES = {
    "reading": ("import_predictions", "labelled_samples"),
    "pairwise": ("pairwise", "member_pairs"),
    "ensembles": ("ensembles", "best_ensembles"),
    "deployment": ("deployment", "deployment_summary", "held_out", "choices"),
    "calibration": ("temperatures", "calibration"),
    "statistics": ("effects", "effects_from_clean", "variance_shares", "robustness", "correlations", "verdicts"),
    "figures": ("plot_",),
    "report": ("csv_tables", "report", "provenance"),
}
OURS = "ours"


@dataclass(frozen=True)
class Size:
    """Size of a study of files of predictions."""

    members: int
    samples: int
    classes: int
    datasets: int


@dataclass(frozen=True)
class Row:
    """One stage of one study; `seconds` are those of all of its jobs, `peak_mib` the largest memory of one job."""

    stage: str
    implementation: str
    seconds: float
    jobs: int = 0
    peak_mib: float = 0
    result_mib: float = 0
    extrapolated_by: float = 1


def run_study(folder: Path, size: Size, cores: int) -> tuple[Path, list[Row]]:
    """Make and run a study in `folder`; returns the folder of its results and one row per stage."""
    path = write_zoo(folder, size.members, size.datasets, size.samples, size.classes)
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    study |= {"ensembles": {"consensus": ["average", "vote"]}, "baseline": "member-0000"}
    path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", str(cores)]
    began = time.perf_counter()
    subprocess.run([*command, "--configfile", path.name, "--quiet", "all"], cwd=folder, check=True)
    seconds = time.perf_counter() - began
    results = folder / "results" / "large-zoo"
    rows = [_stage(results / "benchmarks", stage, rules) for stage, rules in STAGES.items()]
    size_mib = sum(file.stat().st_size for file in results.rglob("*") if file.is_file()) / 2**20
    total = Row("total", OURS, seconds, sum(row.jobs for row in rows), max(row.peak_mib for row in rows), size_mib)
    return results, [*rows, total]


def _stage(benchmarks: Path, stage: str, rules: tuple[str, ...]) -> Row:
    """Sum and maximum over Snakemake's benchmark files of some rules."""
    measured = []
    for file in benchmarks.rglob("*.tsv"):
        rule = file.relative_to(benchmarks).parts[0].removesuffix(".tsv")
        if rule in rules or (rules == ("plot_",) and rule.startswith("plot_")):
            with file.open(encoding="utf-8", newline="") as lines:
                measured += list(csv.DictReader(lines, delimiter="\t"))
    seconds = sum(float(line["s"]) for line in measured)
    # Snakemake writes "-" for a job that ended before its memory was looked at.
    memory = [float(line["max_rss"]) for line in measured if line["max_rss"] not in ("-", "NA")]
    return Row(stage, OURS, seconds, len(measured), max(memory, default=0))


class Peers:
    """What the first validation set of a study holds, and plain computations of it."""

    def __init__(self, results: Path, size: Size, patience: float) -> None:
        self.results, self.size, self.patience = results, size, patience
        files = sorted((results / "predictions" / "set0").glob("*.npy"))
        self.scores = softmax(np.stack([np.load(file) for file in files]).astype(np.float64), axis=2)
        self.predicted, self.labels = self.scores.argmax(2), np.load(results / "labels" / "set0.npy")
        self.ensembles = pl.read_parquet(results / "ensembles" / "set0.parquet").filter(consensus="average")

    def rows(self) -> Iterator[Row]:
        """One row per peer, extrapolated to all ensembles, pairs or permutations of all validation sets."""
        tables = 2 * self.size.datasets  # average and vote, for which a peer computes the average as well
        pairs = [(a, b) for a in range(self.size.members) for b in range(a)]
        mixed = [pairs[row] for row in np.random.default_rng(0).permutation(len(pairs))]
        chosen = self.ensembles.sample(min(len(self.ensembles), 5000), seed=0)
        quantities = 4 + 1  # measures, and mean member accuracy
        loops = {
            ("ensembles", "numpy, subset by subset"): (self._accuracy(chosen), tables * len(self.ensembles)),
            ("pairwise", "scikit-learn and scipy, pair by pair"): (self._differences(mixed), tables // 2 * len(pairs)),
            ("statistics", "numpy, permutation by permutation"): (self._permutations(), tables * quantities * 999),
        }
        for (stage, name), (work, count) in loops.items():
            yield self._timed(stage, name, work, count)

    def _timed(self, stage: str, name: str, work: Iterator[None], count: int) -> Row:
        """Time as many steps of `work` as fit into the patience; `count` steps are the whole work."""
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < self.patience and next(work, "finished") is None:
            done += 1
        factor = count / done
        return Row(stage, name, (time.perf_counter() - began) * factor, extrapolated_by=factor)

    def _accuracy(self, chosen: pl.DataFrame) -> Iterator[None]:
        for positions, expected in zip(chosen["members"], chosen["accuracy"], strict=True):
            found = 100 * (self.scores[positions.to_numpy()].mean(0).argmax(1) == self.labels).mean()
            # The study averages probabilities of float32: a sample with two equal best classes may count otherwise.
            assert abs(found - expected) <= 100 * 2 / len(self.labels), (positions, found, expected)
            yield

    def _differences(self, pairs: list[tuple[int, int]]) -> Iterator[None]:
        names = ("disagreement", "js_divergence")
        tables = [pl.read_parquet(self.results / f"pairwise/set0/{name}.parquet") for name in names]
        disagreement, divergence = (
            table["value"].to_numpy().reshape(self.size.members, self.size.members) for table in tables
        )
        for a, b in pairs:
            found = 1 - accuracy_score(self.predicted[a], self.predicted[b])
            np.testing.assert_allclose(found, disagreement[a, b], atol=1e-12)
            mean = (jensenshannon(self.scores[a], self.scores[b], axis=1) ** 2).mean()
            np.testing.assert_allclose(mean, divergence[a, b], rtol=1e-4)
            yield

    def _permutations(self) -> Iterator[None]:
        """Mantel's permutations of one measure, over all sizes together: with the mean over pairs taken anew."""
        generator, matrix = np.random.default_rng(0), np.cov(self.predicted == self.labels)
        sizes = self.ensembles["members"].list.len().to_numpy()
        inside = np.zeros((len(sizes), self.size.members))
        inside[np.repeat(np.arange(len(sizes)), sizes), self.ensembles["members"].explode()] = 1
        improvement = self.ensembles["improvement_over_mean"].to_numpy()
        while True:
            order = generator.permutation(self.size.members)
            shuffled = matrix[np.ix_(order, order)]
            means = ((inside @ shuffled) * inside).sum(1) / sizes**2
            np.corrcoef(means, improvement)
            yield


def append(rows: list[Row], size: Size, cores: int) -> None:
    """Add rows to the table, with the commit and the machine."""
    machine = {"commit": versions()["commit"], "machine": processor(), "cores": cores}
    evaluated = "all" if is_exhaustive(size.members, "all") else "sampled"
    new = not TABLE.exists()
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        for row in rows:
            values = {name: _short(value) for name, value in asdict(row).items()}
            line = {**asdict(size), "ensembles": evaluated, **values, **machine}
            writer = csv.DictWriter(file, list(line))
            if new:
                writer.writeheader()
                new = False
            writer.writerow(line)
            print(line, flush=True)


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def measure(folder: Path, size: Size, cores: int, peers: bool, patience: float) -> None:
    """Run one study and its peers in a new folder, add their rows to the table, and remove the folder."""
    place = folder / f"{size.members}-{size.samples}-{size.classes}-{size.datasets}"
    shutil.rmtree(place, ignore_errors=True)
    results, rows = run_study(place, size, cores)
    if peers:
        rows += Peers(results, size, patience).rows()
    append(rows, size, cores)
    shutil.rmtree(place)


def plot() -> None:
    """Draw how each stage grows with the number of members, and with that of samples: docs/images/study_stages.png."""
    from benchmarks import plot as plots

    table = pl.read_csv(TABLE)
    along_members = table.filter(samples=10_000)
    panels = [
        ("members, all ensembles", "members", along_members.filter(ensembles="all")),
        ("members, a sample of ensembles", "members", along_members.filter(ensembles="sampled")),
        ("samples, 12 members", "samples", table.filter(members=12)),
    ]
    plots.draw_stages(panels, [*STAGES, "total"], OURS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where the studies are made; needs some GB")
    parser.add_argument("--members", type=int, nargs="+", default=[12])
    parser.add_argument("--samples", type=int, nargs="+", default=[10_000])
    for name, number in (("classes", 10), ("datasets", 5), ("cores", 2)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--patience", type=float, default=10, help="seconds for each peer")
    parser.add_argument("--plot", action="store_true", help="draw the table instead of running studies")
    arguments = parser.parse_args()
    if arguments.plot:
        plot()
        return
    if arguments.folder is None:
        parser.error("name the folder in which the studies are made")
    size = Size(0, 0, arguments.classes, arguments.datasets)
    for members in arguments.members:
        for samples in arguments.samples:
            this = replace(size, members=members, samples=samples)
            measure(arguments.folder, this, arguments.cores, arguments.peers, arguments.patience)


if __name__ == "__main__":
    main()

"""The numbers in the text of docs/studies/fashion-mnist/README.md: `python -m benchmarks.study_facts`.

They are computed from the published tables (folder `csv` of the page), so they need no results. `benchmarks.study_page`
makes the tables of the page.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from scipy.stats import spearmanr

from scripts.lib.jobs.paths import ROOT

PAGE = ROOT / "docs" / "studies" / "fashion-mnist"
AVERAGE = pl.col("consensus") == "average"
LEAST_R = 0.9


@dataclass(frozen=True)
class PublishedTables:
    """The tables of a published study."""

    folder: Path

    def table(self, name: str) -> pl.DataFrame:
        """One of the tables, such as `effects`."""
        return pl.read_csv(self.folder / f"{name}.csv", infer_schema_length=None)

    @property
    def clean(self) -> str:
        """The set without a shift."""
        return self.datasets[0]

    @property
    def datasets(self) -> list[str]:
        """The validation sets in the order of the study."""
        return self.table("effects")["dataset"].unique(maintain_order=True).to_list()

    @property
    def accuracies(self) -> pl.DataFrame:
        """The accuracy of every member on every set."""
        files = sorted((self.folder / "accuracies").glob("*.csv"))
        return pl.concat([pl.read_csv(file, infer_schema_length=None) for file in files])

    @property
    def names(self) -> list[str]:
        """The ids of the members, by position."""
        return self.table("members").sort("position")["member"].to_list()

    @property
    def effects(self) -> pl.DataFrame:
        """The effects on averaged ensembles."""
        return self.table("effects").filter(AVERAGE)

    @property
    def effects_from_clean(self) -> pl.DataFrame:
        """The effects on accuracy of diversity on clean images, beyond accuracies and confidences on them."""
        known = self.table("effects_from_clean").filter(AVERAGE, outcome="accuracy")
        return known.filter(measured_on=self.clean, adjusted_on=self.clean)

    @property
    def correlations(self) -> pl.DataFrame:
        """The plain correlations with the improvement over the mean member, over ensembles of all sizes."""
        return self.table("correlations").filter(AVERAGE, improvement="over_mean", size="all")

    def ids(self, members: str) -> str:
        """The ids of the members of an ensemble, from the text of their positions."""
        return ", ".join(self.names[position] for position in json.loads(members))


def _range(values: pl.Series, digits: int = 2) -> str:
    return f"{values.min():.{digits}f} to {values.max():.{digits}f}"


def _listed(sets: pl.Series) -> str:
    return f"{len(sets)} ({', '.join(sets)})"


def effects(published: PublishedTables) -> Iterator[str]:
    """Effects of measures on the same set, and those of what is known on clean images."""
    table = published.effects
    for outcome in ("accuracy", "nll"):
        for (measure,), own in table.filter(outcome=outcome).group_by("measure", maintain_order=True):
            above, below = own.filter(pl.col("both_low") > 0), own.filter(pl.col("both_high") < 0)
            ruled = own.filter(pl.col("per_sd_low") > 0, pl.col("q_value") < 0.05)
            yield (
                f"{outcome}, {measure}: per sd {_range(own['per_sd'], 3)}; interval over both above 0 on "
                f"{_listed(above['dataset'])}, below 0 on {_listed(below['dataset'])}; "
                f"by the report's rule an effect on {_listed(ruled['dataset'])}"
            )
    differences = published.table("effect_differences").filter(AVERAGE, outcome="accuracy")
    yield f"smallest q of a difference between two measures: {differences['q_value'].min():.3f}"
    for (measure,), own in published.effects_from_clean.group_by("measure", maintain_order=True):
        above = own.filter(pl.col("both_low") > 0)["dataset"]
        yield f"from clean images, {measure}: interval above 0 on {_listed(above)}"


def shares(published: PublishedTables) -> Iterator[str]:
    """Shares of variance in the model with all diversities, in percent."""
    table = published.table("variance_shares").filter(AVERAGE, pl.col("unique").is_not_null(), model="all")
    for (term,), own in table.group_by("term", maintain_order=True):
        yield f"{term}: share {_range(100 * own['share'], 1)} %, alone {_range(100 * own['unique'], 1)} %"


def correlations(published: PublishedTables) -> Iterator[str]:
    """Plain correlations with the improvement over the mean member."""
    for (measure,), own in published.correlations.group_by("measure", maintain_order=True):
        strong = own.filter(pl.col("pearson").abs() > LEAST_R)["dataset"]
        positive = own.filter(pl.col("pearson") > 0)["dataset"]
        where = f"|r| > {LEAST_R} on {_listed(strong)}; above 0 on {_listed(positive)}"
        yield f"{measure}: r {_range(own['pearson'])}; {where}"


def choices(published: PublishedTables) -> Iterator[str]:
    """What was chosen on clean images, and the best member, on average over the shifted sets."""
    table = published.table("robustness_over_sets")
    best = table.filter(kind="member").sort("mean_accuracy").row(-1, named=True)
    recommended = table.filter(AVERAGE, recommended=True).row(0, named=True)
    single = table.filter(AVERAGE, kind="chosen", size=1).row(0, named=True)
    everything = table.filter(AVERAGE, kind="all").row(0, named=True)
    rows = {"recommended": recommended, "single": single, "most robust member": best, "all": everything}
    for name, row in rows.items():
        who = "all" if name == "all" else published.ids(row["members"])
        yield f"{name} ({who}): clean {row['clean_accuracy']:.1f}, mean of the shifted sets {row['mean_accuracy']:.1f}"


def members(published: PublishedTables) -> Iterator[str]:
    """Accuracies of the members, and whether those on clean images go with those under shift."""
    accuracies = published.accuracies
    clean = accuracies.filter(dataset=published.clean).sort("position")
    shifted = accuracies.filter(pl.col("dataset") != published.clean)
    mean = shifted.group_by("position").agg(pl.col("accuracy").mean()).sort("position")
    yield f"clean accuracies: {_range(clean['accuracy'], 1)}"
    reach = clean.filter(pl.col("accuracy") >= 90)["member"]
    yield f"90 % or more on clean images: {_listed(reach)}"
    yield f"rank correlation of clean accuracy with the mean over the shifted sets: {_rank(clean, mean):.2f}"
    for (dataset,), own in shifted.group_by("dataset", maintain_order=True):
        best = own.sort("accuracy", descending=True).head(5)
        said = ", ".join(f"{name} {accuracy:.1f}" for name, accuracy in best.select("member", "accuracy").rows())
        yield f"{dataset}: rank correlation with clean {_rank(clean, own.sort('position')):.2f}; best: {said}"


def _rank(one: pl.DataFrame, other: pl.DataFrame) -> float:
    return float(spearmanr(one["accuracy"], other["accuracy"]).statistic)


SUBJECTS: dict[str, Callable[[PublishedTables], Iterator[str]]] = {
    "Effects": effects,
    "Shares of variance": shares,
    "Plain correlations": correlations,
    "Choices on clean images": choices,
    "Members": members,
}


def main() -> None:
    """Print the numbers, by subject."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=PAGE, help="a folder made by `make publish-study`")
    published = PublishedTables(parser.parse_args().folder / "csv")
    for subject, facts in SUBJECTS.items():
        print(f"\n## {subject}\n")
        for fact in facts(published):
            print(f"- {fact}")


if __name__ == "__main__":
    main()

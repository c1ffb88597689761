"""The table of docs/how-to/train-members-together.md: `python -m benchmarks.ways_table results/joint`.

It prints one row for each way of training that the page shows, and all ways whose ensembles are more or less accurate
than those of independent members of one architecture: differences paired by seed whose 95 % interval over seeds is on
one side of 0.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from scipy.stats import t

SHIFTED = "mean over the shifted sets"
SHOWN = {
    ("independent", ""): "independent, one architecture",
    ("architectures", ""): "independent, four architectures",
    **{
        (name, f"{name} {weight}"): f"`{name}`, weight {weight}"
        for name, weights in {
            "joint": ("0.5", "1"),
            "ncl": ("1", "1.5", "2"),
            "gncl": ("0.75", "0.8"),
            "activation": ("1", "6"),
            "attribution": ("1", "3"),
        }.items()
        for weight in weights
    },
}


def row(ways: pl.DataFrame, way: str, loss: str, title: str) -> str:
    """One line of the table in Markdown."""

    def number(dataset: str, quantity: str, digits: int, scale: float = 1, interval: bool = False) -> str:
        [found] = ways.filter(way=way, loss=loss, dataset=dataset, quantity=quantity).rows(named=True)
        half = f" ± {scale * (found['high'] - found['low']) / 2:.{digits}f}" if interval else ""
        return f"{scale * found['mean']:.{digits}f}{half}"

    cells = []
    for dataset in ("clean", SHIFTED):
        cells += [number(dataset, "member_accuracy", 1), number(dataset, "ensemble_accuracy_average", 1, interval=True)]
    cells += [number("clean", "disagreement", 0, scale=100), number("clean", "attribution_dissimilarity", 2)]
    cells += [number("clean", "unbiased_activation_dissimilarity", 2)]
    return f"| {title} | {' | '.join(cells)} |"


def paired(folder: Path, datasets: Sequence[str]) -> pl.DataFrame:
    """Way, loss, and the difference to independent members in points, as mean over sets, with interval over seeds."""
    results = pl.concat([pl.read_parquet(folder / "group_results" / f"{dataset}.parquet") for dataset in datasets])
    results = results.filter(quantity="ensemble_accuracy_average", samples="all")
    accuracy = results.group_by("way", "loss", "seed", maintain_order=True).agg(pl.col("value").mean())
    independent = accuracy.filter(way="independent").select("seed", independent="value")
    others = accuracy.filter(pl.col("way") != "independent").join(independent, on="seed")
    difference = pl.col("value") - pl.col("independent")
    found = others.group_by("way", "loss", maintain_order=True).agg(
        mean=difference.mean(), error=difference.std() / pl.len().sqrt(), seeds=pl.len()
    )
    half = found["error"] * t.ppf(0.975, found["seeds"] - 1)
    return found.with_columns(low=found["mean"] - half, high=found["mean"] + half)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="results/joint")
    folder = parser.parse_args().folder
    ways = pl.read_parquet(folder / "ways.parquet")
    for (way, loss), title in SHOWN.items():
        print(row(ways, way, loss, title))
    sets = [path.stem for path in sorted((folder / "group_results").glob("*.parquet"))]
    for title, datasets in (("clean", ["clean"]), (SHIFTED, [name for name in sets if name != "clean"])):
        found = paired(folder, datasets)
        print(f"{title}: ensembles of {found.height} ways, in points beside independent members of one architecture")
        for difference in found.filter((pl.col("low") > 0) | (pl.col("high") < 0)).rows(named=True):
            print("  {way} {loss}: {mean:+.1f} ({low:+.1f} to {high:+.1f})".format(**difference))


if __name__ == "__main__":
    main()

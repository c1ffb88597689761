"""Time against the number of members, one plot a CSV under results/, peers as lines, both axes logarithmic."""

import csv
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    for path in sorted(RESULTS.glob("*.csv")):
        with path.open() as file:
            rows = [row for row in csv.DictReader(file) if not row["implementation"].startswith("ceiling")]
        lines: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
        for row in rows:
            lines[row["implementation"]].append(
                (float(row["members"]), float(row["median_s"]), float(row["fastest_s"]), float(row["slowest_s"]))
            )
        figure, axes = plt.subplots(figsize=(5, 3.6), layout="constrained")
        for name, points in lines.items():
            members, median, fastest, slowest = zip(*sorted(points), strict=True)
            axes.plot(members, median, marker="o", linewidth=2.5 if name.startswith("ours") else 1.2, label=name)
            axes.fill_between(members, fastest, slowest, alpha=0.15)
        axes.set(xscale="log", yscale="log", xlabel="members", ylabel="seconds", title=path.stem)
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=7)
        axes.text(1, 0, rows[0]["device"], transform=axes.transAxes, ha="right", va="bottom", fontsize=6)
        figure.savefig(path.with_suffix(".png"), dpi=150)
        plt.close(figure)


if __name__ == "__main__":
    main()

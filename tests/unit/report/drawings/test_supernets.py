"""Figures of super-networks."""

from pathlib import Path

import numpy as np
import polars as pl

from scripts.lib.jobs.storage import save_table
from scripts.lib.report.drawings.searches import draw_searches
from scripts.lib.report.drawings.supernets import draw_supernets
from scripts.lib.report.figure import FIGURES, draw_pictures


def stages(supernet: str) -> pl.DataFrame:
    rows = [
        {"supernet": supernet, "stage": 1 + (epoch > 2), "dimensions": "depth", "epoch": epoch, "subnet": name}
        | {"accuracy": 50.0 + epoch, "macs": 10, "loss": 1.0}
        for epoch in (1, 2, 3, 4)
        for name in ("smallest", "largest")
    ]
    return pl.DataFrame(rows)


def search(supernet: str) -> pl.DataFrame:
    macs = np.arange(1, 7) * 10_000_000
    return pl.DataFrame(
        {"supernet": [supernet] * 6, "accuracy": np.arange(6.0), "macs": macs, "pareto": [True, False] * 3}
    )


def test_a_panel_for_each_supernet() -> None:
    figure = draw_supernets(pl.concat([stages("first"), stages("second"), stages("third")]))
    assert [axis.get_title() for axis in figure.axes if axis.axison] == ["first", "second", "third"]
    assert len(draw_searches(search("first")).axes) == 1


def test_the_front_is_drawn_as_a_line() -> None:
    axis = draw_searches(search("first")).axes[0]
    assert axis.lines[0].get_xdata().tolist() == [10, 30, 50]


def test_the_files_and_their_words(tmp_path: Path) -> None:
    save_table(tmp_path / "stages.parquet", stages("first"))
    save_table(tmp_path / "search.parquet", search("first"))
    draw_pictures(FIGURES["supernets"], {"stages": [str(tmp_path / "stages.parquet")]}, {"supernets": {}}, tmp_path)
    draw_pictures(FIGURES["searches"], {"searches": [str(tmp_path / "search.parquet")]}, {"searches": {}}, tmp_path)
    for name in ("supernets", "searches"):
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
        assert (tmp_path / f"{name}.pdf").exists()
        assert FIGURES[name].caption
        assert FIGURES[name].alternative

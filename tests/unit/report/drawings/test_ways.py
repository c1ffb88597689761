"""How diversity is made: what the two figures draw."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from scripts.lib.report.drawings.style import save
from scripts.lib.report.drawings.ways import draw_ways, draw_weights, ladder_of, terms_with_weights
from tests.unit.synthetic_ways import synthetic_ways


def drawn_values(figure: Figure, panel: int, colour: str) -> list[float]:
    """The x values of the markers of one colour in a panel."""
    lines = [line for line in figure.axes[panel].lines if line.get_marker() != "None" and line.get_color() == colour]
    return [float(value) for line in lines for value in line.get_xdata()]  # type: ignore[union-attr]


def test_every_way_has_its_means_on_clean_and_shifted_images(tmp_path: Path) -> None:
    figure = draw_ways(synthetic_ways(), "average", "clean")
    assert len(figure.axes) == 4
    assert drawn_values(figure, 0, "#0072b2") == [80, 81, 82, 83]
    assert drawn_values(figure, 1, "#e69f00") == [65, 66, 67, 68]
    assert drawn_values(figure, 2, "#0072b2") == pytest.approx([20, 21, 22, 23])  # percent
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["architectures", "independent", "ncl, weight 0.5", "ncl, weight 2"]
    save(figure, tmp_path, "ways")


def test_weights_begin_with_independent_members(tmp_path: Path) -> None:
    table = synthetic_ways()
    assert terms_with_weights(table) == ["ncl"]
    assert ladder_of(table, "ncl") == [
        (0.0, ("independent", "")),
        (0.5, ("ncl", "ncl 0.5")),
        (2.0, ("ncl", "ncl 2")),
    ]
    figure = draw_weights(table, "average", "clean", ["ncl"])
    first = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in first] == [[81, 82, 83]]  # type: ignore[arg-type]
    save(figure, tmp_path, "ways_by_weight")


def test_one_seed_has_no_intervals(tmp_path: Path) -> None:
    figure = draw_ways(synthetic_ways(seeds=1), "average", "clean")
    without_marker = [
        line for line in figure.axes[0].lines if line.get_color() == "#0072b2" and len(line.get_xdata()) == 2
    ]  # type: ignore[arg-type]
    assert without_marker == []
    save(draw_weights(synthetic_ways(seeds=1), "average", "clean", ["ncl"]), tmp_path, "one")

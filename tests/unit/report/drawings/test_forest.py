"""Estimates with their intervals, as effects and plain correlations are drawn."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.text import Text

from scripts.lib.report.drawings.forest import Estimate, Series, draw_forest, draw_series


def correlations_figure(correlations: pl.DataFrame) -> Figure:
    return draw_forest(correlations, Estimate("pearson", "ci_low", "ci_high", "r", "Correlation"), limit=1)


def effects_figure(effects: pl.DataFrame) -> Figure:
    return draw_forest(effects, Estimate("per_sd", "per_sd_low", "per_sd_high", "effect", "Points"))


def effects(**values: float | None) -> pl.DataFrame:
    """One measure on two datasets; the second has no value."""
    columns = ("per_sd", "per_sd_low", "per_sd_high")
    numbers = {name: pl.Series([values.get(name), None], dtype=pl.Float64) for name in columns}
    return pl.DataFrame({"dataset": ["clean", "noise"], "measure": "disagreement"}).with_columns(**numbers)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def test_an_effect_has_its_value_and_an_axis_that_shows_every_interval() -> None:
    figure = effects_figure(effects(per_sd=0.71, per_sd_low=-0.2, per_sd_high=1.6))
    assert "+0.71" in texts(figure)
    low, high = figure.axes[0].get_xlim()
    assert low < -1.6
    assert high > 1.6


def test_what_has_no_value_says_so() -> None:
    assert texts(effects_figure(effects(per_sd=0.71))).count("no value") == 1
    assert texts(effects_figure(effects())).count("no value") == 2


def test_estimates_of_several_tables_are_below_each_other_and_in_the_legend() -> None:
    first = effects(per_sd=0.71, per_sd_low=-0.2, per_sd_high=1.6)
    second = effects(per_sd=-0.5, per_sd_low=-3.0, per_sd_high=0.1)
    estimate = Estimate("per_sd", "per_sd_low", "per_sd_high", "effect", "Points")
    figure = draw_series([Series(first, "one"), Series(second, "two", "black", "s")], estimate)
    found = texts(figure)
    assert {"+0.71", "−0.50", "one", "two"} <= set(found)
    places = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_marker() in ("o", "s")]
    assert len(set(places)) == 2
    assert max(places) < 0.5, "both belong to the first dataset"
    assert figure.axes[0].get_xlim()[0] < -3


def test_a_second_interval_is_a_thick_line() -> None:
    table = effects(per_sd=0.71, per_sd_low=-0.2, per_sd_high=1.6).with_columns(
        inner_low=pl.Series([0.5, None], dtype=pl.Float64), inner_high=pl.Series([4.0, None], dtype=pl.Float64)
    )
    inner = ("inner_low", "inner_high")
    figure = draw_forest(table, Estimate("per_sd", "per_sd_low", "per_sd_high", "effect", "Points", inner=inner))
    lines = {
        tuple(line.get_xdata()): line.get_linewidth() for line in figure.axes[0].lines if len(line.get_xdata()) == 2
    }
    assert lines[0.5, 4.0] > lines[-0.2, 1.6]
    assert figure.axes[0].get_xlim()[1] > 4
    assert any("over members (thin) and over images (thick)" in text for text in texts(figure))

"""Heat maps: how different every pair of members is, on every dataset."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from scripts.lib.measures.spec import MEASURES, Quantity
from scripts.lib.report.drawings.style import (
    LIGHT_GREY,
    MOST_CHARACTERS_OF_A_MEMBER,
    MOST_MEMBERS_WITH_NAMES,
    new_figure,
    panel_title,
    panels,
    shortened,
)
from scripts.lib.report.labels import missing, quantity

MOST_MEMBERS_WITH_VALUES = 10
MOST_NUMBERS = 10
LINE_OF_A_NAME = 0.1  # inches


def draw_pairwise(tables: Mapping[str, pl.DataFrame], measure: str) -> Figure:
    """One panel per dataset. All have the same order: similar members together, by the first dataset."""
    shown, alike = quantity(measure), MEASURES[measure].similarity
    members = clustered(next(iter(tables.values())), alike)
    values = {dataset: as_matrix(table, members) * shown.factor for dataset, table in tables.items()}
    norm = _shared_scale(list(values.values()))
    columns = min(len(tables), 3 if len(members) <= 17 else 2 if len(members) <= 26 else 1)
    rows = -(-len(tables) // columns)
    named = LINE_OF_A_NAME * len(members) if len(members) <= MOST_MEMBERS_WITH_NAMES else 0
    side = max(5.2 / max(columns, 2), named)
    figure = new_figure(height=rows * (side + 0.35) + 0.1, square_panels=True)
    axes = panels(figure, len(tables), columns)
    for axis, (dataset, matrix) in zip(axes, values.items(), strict=True):
        image = _draw_matrix(axis, matrix, norm, alike, shown)
        axis.set_title(panel_title(dataset, columns))
    _name_members(axes, members)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.02, label=shown.label)
    bar.outline.set_visible(False)
    return figure


def as_matrix(table: pl.DataFrame, members: Sequence[str]) -> np.ndarray:
    """The long form as a square matrix in the order of `members`; pairs without a value are NaN."""
    positions = {member: position for position, member in enumerate(members)}
    matrix = np.full((len(members), len(members)), np.nan)
    for first, second, value in table.select("member_a", "member_b", "value").iter_rows():
        matrix[positions[first], positions[second]] = np.nan if value is None else value
    return matrix


def clustered(table: pl.DataFrame, alike: bool) -> list[str]:
    """Members in the order of the leaves of their average-linkage tree, so that neighbours are similar."""
    members = table["member_a"].unique(maintain_order=True).to_list()
    if len(members) < 3:
        return members
    distances = as_matrix(table, members) * (-1 if alike else 1)
    distances -= np.nanmin(distances) if np.isfinite(distances).any() else 0
    distances = np.nan_to_num((distances + distances.T) / 2, nan=np.nanmax(distances, initial=1.0))
    np.fill_diagonal(distances, 0)
    condensed = squareform(distances, checks=False)
    return [members[leaf] for leaf in leaves_list(optimal_leaf_ordering(linkage(condensed, "average"), condensed))]


def _shared_scale(matrices: Sequence[np.ndarray]) -> Normalize:
    """The range from the smallest to the largest value of two different members."""
    others = np.concatenate([matrix[~np.eye(len(matrix), dtype=bool)] for matrix in matrices])
    others = others[np.isfinite(others)]
    if not len(others):
        return Normalize(0, 1)
    flat = 0.05 * max(abs(others.max()), 0.1) if others.max() == others.min() else 0
    return Normalize(others.min() - flat, others.max() + flat)


def _draw_matrix(axis: Axes, matrix: np.ndarray, norm: Normalize, alike: bool, shown: Quantity) -> AxesImage:
    """Bright means different. The diagonal, a member with itself, has no information and stays grey."""
    hidden = np.ma.masked_invalid(np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix))
    colours = matplotlib.colormaps["cividis_r" if alike else "cividis"].with_extremes(bad=LIGHT_GREY)
    image = axis.imshow(hidden, norm=norm, cmap=colours)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    if len(matrix) <= MOST_MEMBERS_WITH_VALUES:
        for row, column in np.argwhere(~np.ma.getmaskarray(hidden)):
            bright = (norm(matrix[row, column]) > 0.5) != alike
            text = in_few_characters(matrix[row, column], shown)
            axis.text(column, row, text, ha="center", va="center", color="black" if bright else "white")
    return image


def in_few_characters(value: float, shown: Quantity) -> str:
    """The number in a cell: whole percent, otherwise two decimals (one after a minus) without the leading zero."""
    if missing(value):
        return ""
    if shown.unit == "%":
        return f"{value:.0f}"
    text = f"{value:.2f}" if value >= 0 else f"{value:.1f}".replace("-0.0", "0")
    return text.replace("0.", ".", 1).replace("-", "−")


def _name_members(axes: Sequence[Axes], members: Sequence[str]) -> None:
    """Rows have a name and a number, columns only the number, so that no text has to be rotated."""
    count = len(members)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, count) if count <= MOST_NUMBERS * step)
    ticks, numbers = range(0, count, step), [str(number) for number in range(1, count + 1, step)]
    names = [f"{shortened(member, MOST_CHARACTERS_OF_A_MEMBER)}  {number}" for number, member in enumerate(members, 1)]
    for axis in axes:
        axis.set_xticks(ticks, numbers)
        if count <= MOST_MEMBERS_WITH_NAMES:
            axis.set_yticks(range(count), names)
        else:
            axis.set_yticks(ticks, numbers)
        axis.tick_params(labelbottom=True)

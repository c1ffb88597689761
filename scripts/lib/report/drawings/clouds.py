"""A scatter plot of any number of ensembles: each as a point or, if they are too many, a raster of how many there are.

A million points drawn one by one take minutes, hide each other, and show no more than which places are taken. The cells
of a raster are as large as the smallest point, so the picture has the same shape, and its cells also tell how many
ensembles there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from scripts.lib.report.drawings.style import POINTS_PER_INCH, WIDTH, size_colours
from scripts.lib.report.labels import MOST_POINTS

LEAST_OPACITY = 0.7  # of a cell with one ensemble: it is seen, and its colour is still that of its size


@dataclass(frozen=True)
class Points:
    """Ensembles that are drawn one by one: where, float64 [E] (NaN: not drawn), and with how many members, int [E].

    `sizes` are the different numbers of members.
    """

    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    sizes: Sequence[int]

    def draw(self, axis: Axes, sizes: Sequence[int]) -> None:
        """Draw the points in the colours of their sizes; `sizes` are those of all clouds in the picture."""
        colours, norm = size_colours(sizes)
        count = len(self.size)
        order = np.random.default_rng(0).permutation(count)  # so that no size hides another
        axis.scatter(
            self.x[order],
            self.y[order],
            c=self.size[order],
            cmap=colours,
            norm=norm,
            s=float(np.clip(1500 / max(count, 1), 1.0, 10.0)),
            linewidths=0,
            alpha=0.8 if count < 1000 else 0.5,
            rasterized=True,  # 32 767 ensembles as vector shapes would make the PDF unusable
        )


@dataclass(frozen=True)
class Scale:
    """One axis of a raster: `cells` equal parts from `low` to `high`."""

    low: float
    high: float
    cells: int

    @classmethod
    def of(cls, values: np.ndarray, cells: int) -> Scale:
        """The range of the values that are numbers; one unit wide if they are all equal or none is a number."""
        numbers = values[np.isfinite(values)]
        low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
        return cls(low, high, cells) if low < high else cls(low - 0.5, high + 0.5, cells)

    def place(self, values: np.ndarray) -> Placed:
        """The cell of each value of the range, float64 [E]; NaN is in one more cell, after the last."""
        places = (values - self.low) * (self.cells / (self.high - self.low))
        places = np.minimum(places, self.cells - 1)  # the highest value belongs to the last cell
        return Placed(self, np.nan_to_num(places, copy=False, nan=self.cells).astype(np.int64))


@dataclass(frozen=True)
class Placed:
    """Cells int64 [E] of ensembles on a scale."""

    scale: Scale
    cells: np.ndarray


@dataclass(frozen=True)
class Raster:
    """Ensembles counted in the cells of a grid, [rows, columns], the lowest row first.

    `counts` int64 is how many there are and `mean_size` float64 how many members they have on average (NaN if none);
    `sizes` are the different numbers of members.
    """

    x: Scale
    y: Scale
    counts: np.ndarray
    mean_size: np.ndarray
    sizes: Sequence[int]

    def draw(self, axis: Axes, sizes: Sequence[int]) -> None:
        """Draw each cell that is not empty in the colour of its mean size, more opaque the more ensembles it has."""
        colours, norm = size_colours(sizes)
        pixels = colours(norm(np.nan_to_num(self.mean_size)))
        pixels[..., 3] = opacity(self.counts)
        extent = (self.x.low, self.x.high, self.y.low, self.y.high)
        image = axis.imshow(pixels, extent=extent, origin="lower", aspect="auto", interpolation="nearest", zorder=1)
        # Leave the same margins as around points.
        image.sticky_edges.x.clear()
        image.sticky_edges.y.clear()
        axis.autoscale_view()


Cloud = Points | Raster


def different_sizes(size: np.ndarray) -> list[int]:
    """The different numbers of members, in increasing order."""
    found: list[int] = np.flatnonzero(np.bincount(size)).tolist()
    return found


def raster(x: Placed, y: Placed, size: np.ndarray, sizes: Sequence[int]) -> Raster:
    """Count ensembles by their cells and average their `size` float64 [E]; `sizes` are the different ones."""
    shape = (y.scale.cells + 1, x.scale.cells + 1)  # with the cells of NaN
    cells = y.cells * shape[1] + x.cells
    counts, total = (
        np.bincount(cells, weights, shape[0] * shape[1]).reshape(shape)[:-1, :-1] for weights in (None, size)
    )
    mean = np.divide(total, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    return Raster(x.scale, y.scale, counts, mean, sizes)


def cloud(x: np.ndarray, y: np.ndarray, size: np.ndarray, columns: int, height: float) -> Cloud:
    """Ensembles with the coordinates `x` and `y` and the numbers of members `size`, [E] each.

    Points, or a raster if there are too many, for one of `columns` panels of this `height` in inches.
    """
    sizes = different_sizes(size)
    if len(x) <= MOST_POINTS:
        return Points(x, y, size, sizes)
    across = Scale.of(x, round(POINTS_PER_INCH * WIDTH / columns))
    upwards = Scale.of(y, round(POINTS_PER_INCH * height))
    return raster(across.place(x), upwards.place(y), size.astype(np.float64), sizes)


def cloud_panels(figure: Figure, count: int, columns: int) -> tuple[np.ndarray, list[Axes]]:
    """The grid of axes, and those of `count` panels in rows of `columns`, each with scales of its own."""
    grid = figure.subplots(-(-count // columns), columns, squeeze=False)
    axes = list(grid.flat)
    for empty in axes[count:]:
        empty.set_axis_off()
    return grid, axes[:count]


def opacity(counts: np.ndarray) -> np.ndarray:
    """Opacity of cells with so many ensembles: 0 for none, then from LEAST_OPACITY to 1 on a logarithmic scale."""
    most = np.log(max(2, counts.max(initial=0)))
    shade = LEAST_OPACITY + (1 - LEAST_OPACITY) * np.log(np.maximum(counts, 1)) / most
    return np.where(counts > 0, shade, 0)


def add_colours_of_sizes(
    figure: Figure, grid: np.ndarray, sizes: Sequence[int], height: float = 0.4, labels: int = 8
) -> None:
    """Explain the colours of clouds in the axes `grid` by a bar beside them.

    `height` is its share of the height of the axes; it has about this number of `labels`, and less than twice as many.
    """
    if not sizes:
        return
    colours, norm = size_colours(sizes)
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=grid, shrink=height, aspect=25, pad=0.01, label="Members in the ensemble"
    )
    bar.set_ticks(range(min(sizes), max(sizes) + 1, max(1, len(sizes) // labels)))
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)

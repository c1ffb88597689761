"""How quantities of ensembles vary together where their size and other quantities, the controls, are held fixed."""

from dataclasses import dataclass

import numpy as np

from scripts.lib.statistics.coefficients import ROUNDING
from scripts.lib.statistics.scatter import Scatter
from scripts.lib.statistics.semi_partial import pseudo_inverse

# With fewer, what is left of two quantities would lie on a line, and their partial correlation would be 1 or -1.
FEWEST_LEFT = 2


@dataclass(frozen=True)
class Adjusted:
    """Of n quantities, over all ensembles (index 0) and over those without member m (index 1 + m).

    `products` [1 + M, n, n] are sums of products of what size and controls leave of two quantities, and `squares`
    [1 + M, n] those of each with itself: NaN where nothing is left, or too few ensembles. `counts` [1 + M] are the
    numbers of ensembles.
    """

    products: np.ndarray
    squares: np.ndarray
    counts: np.ndarray

    def partial(self, first: slice, second: slice) -> np.ndarray:
        """Partial correlations [1 + M, a, b] of the quantities `first` with the quantities `second`."""
        scale = np.sqrt(self.squares[:, first, None] * self.squares[:, None, second])
        return np.clip(self.products[:, first, second] / scale, -1, 1)

    def deviations(self, which: slice) -> np.ndarray:
        """Standard deviations [1 + M, a] of what is left of the quantities `which`."""
        return np.sqrt(self.squares[:, which] / np.maximum(self.counts, 1)[:, None])

    def slopes(self, first: slice, second: slice) -> np.ndarray:
        """By how much the quantities `second` change when one of `first` rises by 1, [1 + M, a, b]."""
        return self.products[:, first, second] / self.squares[:, first, None]


def adjusted(columns: Scatter, controls: int) -> Adjusted:
    """Of `columns`, the first ones are the controls, and the others the quantities that are adjusted for them."""
    count, smallest = len(columns.smallest), columns.smallest**2
    varies = columns.within[:, range(count), range(count)] > smallest
    scatter = columns.within * (varies[:, :, None] & varies[:, None])  # without rounding that stands for a constant
    inverse = pseudo_inverse(scatter[:, :controls, :controls])
    across = scatter[:, :controls, controls:]
    left = scatter[:, controls:, controls:] - across.transpose(0, 2, 1) @ inverse @ across
    squares = left[:, range(left.shape[1]), range(left.shape[1])]
    before = scatter[:, range(controls, count), range(controls, count)]
    squares = np.where((squares > ROUNDING * before) & (squares > smallest[controls:]), squares, np.nan)
    squares[columns.numbers - columns.sizes - controls < FEWEST_LEFT] = np.nan
    return Adjusted(left, squares, columns.numbers)

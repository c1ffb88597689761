"""Gallery: some images, and where each member looks when it decides."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.lib.report.drawings.style import BLUE, RED, WIDTH, shortened, wrapped
from scripts.lib.report.labels import MOST_MAPS

SAMPLES = 5
TILES_A_LINE = 8


def spread(members: Sequence[str]) -> list[str]:
    """At most `MOST_MAPS`, at equal distances, the first and the last among them."""
    places = np.linspace(0, len(members) - 1, min(len(members), MOST_MAPS)).round().astype(int)
    return [members[place] for place in places]


def draw_attributions(
    images: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    members: Sequence[str],
    predicted: np.ndarray,
    maps: Sequence[np.ndarray],
) -> Figure:
    """One row per image (more if the members do not fit into one), one column per member."""
    lines = -(-len(members) // TILES_A_LINE)
    columns = -(-len(members) // lines)
    chosen = choose_samples(predicted, labels[: predicted.shape[1]], SAMPLES if lines == 1 else 3)
    sheet = _Sheet(columns + 1, len(chosen), lines, members)
    for row, sample in enumerate(chosen):
        truth = int(labels[sample])
        _draw_image(sheet.tile(row, 0, 0), images[sample])
        sheet.write_below(row, 0, 0, classes[truth], "black", bold=True)
        for number in range(len(members)):
            line, column = divmod(number, columns)
            guess = int(predicted[number, sample])
            _draw_map(sheet.tile(row, line, column + 1), images[sample], maps[number][sample])
            mark, colour = ("✓", BLUE) if guess == truth else ("✗", RED)
            sheet.write_below(row, line, column + 1, f"{mark} {classes[guess]}", colour)
            if row == 0 or lines > 1:
                sheet.write_above(row, line, column + 1, members[number])
    return sheet.figure


class _Sheet:
    """Places square tiles and the text around them in inches, because no layout engine packs them this tightly."""

    TEXT = 0.14  # height of a line of text

    def __init__(self, columns: int, rows: int, lines: int, members: Sequence[str]) -> None:
        self.pitch = min(WIDTH / columns, 1.5)
        self.tile_size = 0.93 * self.pitch
        self.letters = int(self.pitch / 0.063)  # as many as fit above or below a tile
        self.head = self.TEXT * max(wrapped(name, self.letters).count("\n") + 1 for name in members) + 0.06
        self.lines = lines
        self.heads_a_row = lines > 1
        self.line_height = self.tile_size + 1.6 * self.TEXT + (self.head if self.heads_a_row else 0)
        self.height = rows * lines * self.line_height + (0 if self.heads_a_row else self.head)
        self.figure = Figure(figsize=(self.pitch * columns, self.height))

    def _left_and_top(self, row: int, line: int, column: int) -> tuple[float, float]:
        top = self.height - (row * self.lines + line) * self.line_height - self.head
        return column * self.pitch + (self.pitch - self.tile_size) / 2, top

    def tile(self, row: int, line: int, column: int) -> Axes:
        """Axes for one square picture."""
        left, top = self._left_and_top(row, line, column)
        width, height = self.figure.get_size_inches()
        size = self.tile_size
        axis = self.figure.add_axes((left / width, (top - size) / height, size / width, size / height))
        axis.set_axis_off()
        return axis

    def write_above(self, row: int, line: int, column: int, text: str) -> None:
        """A member's name, in as many lines as it needs."""
        left, top = self._left_and_top(row, line, column)
        self._write(left, top + 0.04, wrapped(text, self.letters), "bottom", "black", bold=False)

    def write_below(self, row: int, line: int, column: int, text: str, colour: str, bold: bool = False) -> None:
        """A class name in one line."""
        left, top = self._left_and_top(row, line, column)
        self._write(left, top - self.tile_size - 0.03, shortened(text, self.letters), "top", colour, bold)

    def _write(self, left: float, y: float, text: str, vertical: str, colour: str, bold: bool) -> None:
        width, height = self.figure.get_size_inches()
        weight = "bold" if bold else "normal"
        x = (left + self.tile_size / 2) / width
        self.figure.text(x, y / height, text, ha="center", va=vertical, color=colour, fontweight=weight)


def choose_samples(predicted: np.ndarray, labels: np.ndarray, count: int = SAMPLES) -> list[int]:
    """One image that all (or most) members classify correctly, then those on which the members disagree most.

    `predicted` is int [M, n]. The disagreement is the entropy of the votes; the classes differ as far as possible.
    """
    votes = np.stack([(predicted == label).mean(axis=0) for label in range(int(predicted.max()) + 1)])
    entropy = -(votes * np.log(np.where(votes > 0, votes, 1))).sum(axis=0)
    right = (predicted == labels).mean(axis=0)
    chosen = [int(np.lexsort((np.arange(len(labels)), entropy, -right))[0])]
    order = [int(sample) for sample in np.lexsort((np.arange(len(labels)), -entropy)) if sample != chosen[0]]
    fresh = {int(labels[sample]): sample for sample in reversed(order)}  # the most contested image of each class
    fresh.pop(int(labels[chosen[0]]), None)
    order.sort(key=lambda sample: sample not in fresh.values())
    return (chosen + order)[:count]


def _draw_image(axis: Axes, image: np.ndarray) -> None:
    axis.imshow(image, interpolation="nearest")


def _draw_map(axis: Axes, image: np.ndarray, attribution: np.ndarray) -> None:
    """The attribution over a dark grey copy of the image: the brighter a pixel, the more it contributed."""
    heat = np.nan_to_num(np.asarray(attribution, dtype=np.float32))
    heat = np.clip(
        heat / max(float(np.percentile(heat, 99.5)), 1e-6), 0, 1
    )  # so that one extreme pixel does not darken all others
    axis.imshow(0.3 * image.mean(axis=2), cmap="gray", vmin=0, vmax=255, extent=(0, 1, 0, 1), interpolation="nearest")
    axis.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=heat**0.5, extent=(0, 1, 0, 1), interpolation="nearest")

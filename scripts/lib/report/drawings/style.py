"""Shared by all figures: size, fonts, colours, number formats and how a figure is saved."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from scripts.lib.jobs.storage import whole_file
from scripts.lib.report.labels import in_words

matplotlib.use("Agg")

WIDTH = 7.2  # inches: the text width of a two-column page, so that figures are printed without scaling
SMALL = 7  # points: no text in any figure is smaller
POINTS_PER_INCH = 72  # the cells of a raster are as large as the smallest points

# Okabe & Ito's colours, distinguishable with every common kind of colour blindness.
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
GREY, LIGHT_GREY = "#666666", "#d9d9d9"
# Of several lines in one panel.
COLOURS, DASHES, MARKERS = (BLUE, ORANGE, GREEN, RED), ("-", "--", ":", "-."), ("o", "s", "^", "D")
TITLE_CHARACTERS, TITLE_LINES = 90, 3  # of titles above a row of panels
MOST_CHARACTERS_OF_A_MEMBER = 40  # of the name beside a row
# With more members, names would not be legible on one page.
MOST_MEMBERS_WITH_NAMES = 60

matplotlib.rcParams.update(
    {
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
        "font.size": SMALL,
        "axes.titlesize": 8,
        "axes.labelsize": SMALL,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "figure.titlesize": 9,
        "figure.labelsize": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.linewidth": 0.6,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelcolor": "black",
        "ytick.labelcolor": "black",
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "grid.color": LIGHT_GREY,
        "grid.linewidth": 0.5,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "pdf.fonttype": 42,  # embeds TrueType fonts: text stays text, and journals accept the file
        "savefig.facecolor": "white",
        "figure.autolayout": False,  # a figure has the layout that it is given, or none
        "figure.constrained_layout.use": False,
    }
)


def new_figure(height: float, square_panels: bool = False) -> Figure:
    """An empty figure with the width of the text, whose parts do not overlap."""
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.03, compress=square_panels)
    return Figure(figsize=(WIDTH, height), layout=layout)


def panels(figure: Figure, count: int, columns: int) -> list[Axes]:
    """`count` axes with common scales in rows of `columns`; cells of the grid that no panel needs stay empty."""
    rows = max(1, -(-count // columns))
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for empty in axes[count:]:
        empty.set_axis_off()
    for lowest in axes[max(count - columns, 0) : count]:
        lowest.tick_params(labelbottom=True)
    return axes[:count]


def save(figure: Figure, folder: str | Path, name: str) -> None:
    """Write `folder/name.png` (200 dots per inch) and `folder/name.pdf`, without dates: same data, same bytes."""
    metadata: dict[str, dict[str, None]] = {
        "png": {"Software": None},
        "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    }
    if figure.axes and (layout := figure.get_layout_engine()) is not None:
        layout.execute(figure)
    # The layout is computed once, because repeating it for each file would take most of the time. With None instead of
    # "none", matplotlib does not draw the figure one more time for each file to find out whether it changes.
    figure.set_layout_engine(None)
    for kind, absent in metadata.items():
        with whole_file(Path(folder) / f"{name}.{kind}") as part:
            figure.savefig(part, format=kind, dpi=200, metadata=absent)


def size_colours(sizes: Iterable[int]) -> tuple[Colormap, BoundaryNorm]:
    """One viridis colour for each ensemble size, and the norm that maps sizes to them."""
    first, last = min(sizes, default=2), max(sizes, default=2)
    count = last - first + 1
    viridis = matplotlib.colormaps["viridis"]
    # The brightest yellow is hardly visible on white, so the scale ends before it.
    colours = ListedColormap(viridis(np.linspace(0, 0.93, count)))
    return colours, BoundaryNorm(np.arange(first - 0.5, last + 1), count)


def literal(name: str) -> str:
    """A name that the user chose, escaped so that matplotlib draws it literally.

    A dollar sign does not begin mathematics; line breaks and characters that no font has (control characters, lone
    surrogates) become �.
    """
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "�", name).replace("$", r"\$")


def line_style(number: int) -> tuple[str, Any, str]:
    """Colour, dashes and marker of the n-th of up to 16 lines; they differ without colours or markers too."""
    again, place = divmod(number, len(COLOURS))
    return COLOURS[place], DASHES[(place + again) % len(DASHES)], MARKERS[(place + 2 * again) % len(MARKERS)]


def panel_title(name: str, columns: int) -> str:
    """The name of a set as a title that fits one of `columns` panels, in up to three lines."""
    width = TITLE_CHARACTERS // columns
    lines = _lines(in_words(name), width)
    kept = lines if len(lines) <= TITLE_LINES else [*lines[: TITLE_LINES - 1], "".join(lines[TITLE_LINES - 1 :])]
    return "\n".join(shortened(line.rstrip(), width) for line in kept)


def wrapped(name: str, width: int) -> str:
    """Break a long identifier at its `_`, `-`, `.` or spaces into lines of about `width` characters, each literal."""
    return "\n".join(literal(line.rstrip()) for line in _lines(name, width))


def _lines(name: str, width: int) -> list[str]:
    lines = [""]
    for piece in re.findall(r"[^\s_.-]+[\s_.-]*", name) or [name]:
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def shortened(text: str, length: int) -> str:
    """A text with an ellipsis in place of its middle if it is longer than `length`, literal.

    Names that begin alike often differ at the end.
    """
    if len(text) <= length:
        return literal(text)
    end = (length - 1) // 2
    return literal(text[: length - 1 - end].rstrip() + "…" + text[len(text) - end :].lstrip())

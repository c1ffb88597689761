"""Names that a user chose appear literally in the figures, whatever their characters mean to matplotlib."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_pdf import RendererPdf
from matplotlib.figure import Figure

from scripts.lib.report.drawings.attributions import draw_attributions
from scripts.lib.report.drawings.learning_curves import draw_learning_curves
from scripts.lib.report.drawings.searches import draw_searches
from scripts.lib.report.drawings.style import literal, save, shortened, wrapped
from scripts.lib.report.drawings.supernets import draw_supernets
from tests.unit import synthetic_study
from tests.unit.report.drawings import test_figures
from tests.unit.report.drawings.test_supernets import search, stages
from tests.unit.synthetic_study import make_study

# Mathematics that matplotlib cannot read, and some that it can.
DATASETS = ["noise$^$", "x$\\frac$"]
MEMBERS = ["a$^_{$", "b$x$", "c\\$d$e$", "%d{}&#", "__e$$", "_f$f$"]
CLASSES = ["US$ or C$", "$\\alpha$", "$x^$", "$", "$$", "{}%\\", "#&~", "a\\$b$c$", "'\"<b>", "µ$1$"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    patch = pytest.MonkeyPatch()
    patch.setattr(synthetic_study, "NAMES", tuple(MEMBERS))
    folder, pairwise = tmp_path_factory.mktemp("names"), ("disagreement", "attribution_similarity")
    made = make_study(folder, members=len(MEMBERS), datasets=DATASETS, samples=60, pairwise=pairwise)
    patch.undo()
    return made


def recording(draw: Any, found: list[tuple[str, Any]]) -> Any:
    """A renderer's `draw_text` that notes the text, and whether it is mathematics."""

    def draw_text(
        self: Any, gc: Any, x: Any, y: Any, s: Any, prop: Any, angle: Any, ismath: Any = False, mtext: Any = None
    ) -> Any:
        found.append((s, ismath))
        return draw(self, gc, x, y, s, prop, angle, ismath, mtext)

    return draw_text


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What renderers are told to draw: text, and whether it is mathematics."""
    found: list[tuple[str, Any]] = []
    for renderer in (RendererAgg, RendererPdf):
        monkeypatch.setattr(renderer, "draw_text", recording(renderer.draw_text, found))
    return found


def all_figures(study: Path) -> Iterator[Figure]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_figures, "CLASSES", tuple(CLASSES))
        yield from test_figures.figures(study)
    yield draw_supernets(pl.concat([stages(name) for name in MEMBERS]))
    yield draw_searches(pl.concat([search(name) for name in MEMBERS]))
    losses = {name: [{"epoch": 1, "loss": 10.0 ** (2 * number)}] for number, name in enumerate(MEMBERS)}
    yield draw_learning_curves(losses)  # whose logarithmic axis has mathematics of matplotlib's own


def test_no_name_is_taken_for_mathematics(study: Path, drawn: list[tuple[str, Any]], tmp_path: Path) -> None:
    for number, figure in enumerate(all_figures(study)):
        save(figure, tmp_path, str(number))
    formulas = {text for text, is_math in drawn if is_math}
    assert formulas  # of the logarithmic axes
    assert all(text.startswith("$\\mathdefault{") for text in formulas), formulas
    together = "\n".join(text for text, is_math in drawn if not is_math)
    for name in (*CLASSES, *MEMBERS):
        assert name in together.replace("\n", "") or all(part in together for part in wrapped(name, 20).split("\n"))
    for name in DATASETS:
        assert name[1:].replace("_", " ") in together  # in words, whose first letter is large


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
@pytest.mark.parametrize("name", ["two\nlines", "tab\there", "nul\0", "\ud800", "\u2028", "猫", "🐈", "a\rb", ""])
def test_letters_that_no_line_or_font_holds_do_not_break_a_figure(name: str, tmp_path: Path) -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    labels, predicted = np.array([0, 1, 0, 1]), np.zeros((2, 4), np.int64)
    maps = [np.ones((4, 8, 8), np.float16)] * 2
    figure = draw_attributions(images, labels, [name, "other"], ["one", "two"], predicted, maps)
    save(figure, tmp_path, "figure")
    assert (tmp_path / "figure.pdf").stat().st_size > 1000


def test_a_name_is_escaped_after_it_was_cut() -> None:
    assert literal("a$b\\$c\n\td") == "a\\$b\\\\$c��d"
    assert shortened("1$3456789", 7) == "1\\$3…789"
    assert shortened("a\nb", 7) == "a�b"
    assert wrapped("aa-$$_bb", 4) == "aa-\n\\$\\$_\nbb"

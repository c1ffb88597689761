"""Every figure is drawn for small and large studies, with values missing, and its text can be read."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from scripts.lib.jobs.storage import load_array, load_json, load_table
from scripts.lib.report.drawings.attributions import draw_attributions
from scripts.lib.report.drawings.best_ensembles import draw_best_ensembles, summary
from scripts.lib.report.drawings.clouds import Scale
from scripts.lib.report.drawings.deployment import draw_deployment
from scripts.lib.report.drawings.improvement import Panels, clouds_of, draw_improvement
from scripts.lib.report.drawings.learning_curves import draw_learning_curves
from scripts.lib.report.drawings.member_accuracies import draw_member_accuracies
from scripts.lib.report.drawings.pairwise import draw_pairwise, in_few_characters
from scripts.lib.report.drawings.style import new_figure, save, shortened, wrapped
from scripts.lib.report.drawings.variance_shares import draw_variance_shares
from scripts.lib.report.figure import FIGURES, draw_pictures, figures_of
from scripts.lib.report.labels import in_words, plain, quantity, signed
from tests.unit.report.drawings.test_forest import correlations_figure, effects_figure
from tests.unit.report.drawings.test_proper_scores import nll_figure
from tests.unit.synthetic_study import CLASSES, DATASETS, NAMES, make_study, outline

STUDIES: dict[str, dict[str, Any]] = {
    "two members": {"members": 2, "datasets": ["clean"], "samples": 60},
    "eight members": {"members": 8, "baseline": True},
    "fifteen members": {"members": 15, "datasets": ["clean", "noise"], "samples": 60, "most": 30},
    "no attributions": {"members": 4, "datasets": ["clean", "blur"], "pairwise": ["disagreement"], "samples": 60},
}


@pytest.fixture(scope="module", params=list(STUDIES))
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("study"), **STUDIES[request.param])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("small"), members=4, datasets=DATASETS[:2], samples=60)


def tables(study: Path, stage: str) -> dict[str, pl.DataFrame]:
    ids = [dataset["id"] for dataset in load_json(study / "study.json")["datasets"]["validation"]]
    return {dataset: load_table(study / stage / f"{dataset}.parquet") for dataset in ids}


def panels_of(ensembles: Mapping[str, pl.DataFrame], correlations: pl.DataFrame) -> Panels:
    """What the picture of the improvement over the mean member shows, from tables of one consensus."""
    measures = correlations["measure"].unique(maintain_order=True).to_list()
    found = {}
    for dataset, table in ensembles.items():
        clouds = clouds_of(table, measures, {"over_mean": Scale(0, 1, 1)}, columns=1)
        found |= {(dataset, measure): cloud for (_, measure), cloud in clouds.items()}
    return found


def improvement_figure(study: Path) -> Figure:
    ensembles = {name: table.filter(consensus="average") for name, table in tables(study, "ensembles").items()}
    correlations = load_table(study / "correlations.parquet").filter(consensus="average", improvement="over_mean")
    return draw_improvement(panels_of(ensembles, correlations), correlations, "over_mean", "average")


def figures(study: Path) -> Iterator[Figure]:
    members = load_table(study / "members.parquet")["member"].to_list()
    correlations = load_table(study / "correlations.parquet").filter(consensus="average", improvement="over_mean")
    yield draw_member_accuracies(list(tables(study, "accuracies").values()))
    best, evaluated = tables(study, "best_ensembles"), tables(study, "ensembles")
    yield draw_best_ensembles({name: (best[name], summary(evaluated[name])) for name in best})
    yield draw_deployment(tables(study, "deployment"))
    yield draw_deployment(
        {n: t.with_columns(macs=None, latency_ms=None, parameters=None) for n, t in tables(study, "deployment").items()}
    )
    yield correlations_figure(correlations)
    yield effects_figure(load_table(study / "effects.parquet").filter(outcome="accuracy", consensus="average"))
    yield draw_variance_shares(load_table(study / "variance_shares.parquet").filter(consensus="vote"), "vote")
    yield improvement_figure(study)
    if len(tables(study, "accuracies")) > 1:
        for name in ("robustness", "regret", "effects_from_clean", "predictors"):
            spec = FIGURES[name]
            files = {key: [str(study / path) for path in paths] for key, paths in spec.inputs(outline(study)).items()}
            yield spec.draw(files, consensus="average")
    yield nll_figure(study, "over_best")
    yield draw_learning_curves({name: load_json(study / f"checkpoints/{name}.json")["history"] for name in members})
    datasets = list(tables(study, "ensembles"))
    for measure in load_json(study / "study.json")["measures"]:
        paths = {dataset: study / f"pairwise/{dataset}/{measure}.parquet" for dataset in datasets}
        yield draw_pairwise({dataset: load_table(path) for dataset, path in paths.items()}, measure)
    if (study / "attributions").exists():
        first = datasets[0]
        predicted = [load_array(study / f"predictions/{first}/{name}.npy").argmax(axis=1) for name in members]
        maps = [load_array(study / f"attributions/{first}/{name}.npy") for name in members]
        images, labels = (load_array(study / kind / f"{first}.npy") for kind in ("images", "labels"))
        yield draw_attributions(images, labels, CLASSES, members, np.stack(predicted)[:, :40], maps)


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def visible_texts(figure: Figure) -> list[Text]:
    """All text that is drawn: matplotlib keeps labels of ticks outside the axes too, and does not draw them."""
    figure.draw_without_rendering()
    hidden = set()
    for axes in figure.axes:
        for side in (axes.xaxis, axes.yaxis):
            low, high = sorted(side.get_view_interval())
            for tick in side.get_major_ticks():
                if not axes.axison or not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in hidden]


def test_every_figure_can_be_read(study: Path) -> None:
    for figure in figures(study):
        texts = visible_texts(figure)
        assert min(float(text.get_fontsize()) for text in texts) >= 7
        said = [text.get_text() for text in texts]
        boxes = np.array([text.get_window_extent().extents for text in texts])  # left, bottom, right, top
        least = np.minimum(boxes[:, None], boxes)[..., 2:] - np.maximum(boxes[:, None], boxes)[..., :2]
        overlaps = np.argwhere(np.triu(least.min(2) >= 2, 1))
        assert not len(overlaps), [f"{said[one]!r} lies on {said[other]!r}" for one, other in overlaps]
        inside = np.concatenate([boxes[:, :2], figure.bbox.extents[2:] - boxes[:, 2:]], 1).min(1)
        assert (inside > -1).all(), [f"{said[one]!r} is cut off" for one in np.flatnonzero(inside <= -1)]


def test_every_file_is_written(small: Path, tmp_path: Path) -> None:
    shown = {"measures": ("disagreement", "js_divergence"), "consensus": ["vote"]}
    study = replace(outline(small), **shown, supernets=(), searched_supernets=())
    for figure in figures_of(study):
        files = {name: [str(small / path) for path in paths] for name, paths in figure.inputs(study).items()}
        draw_pictures(figure, files, {picture.name: picture.shows for picture in figure.pictures(study)}, tmp_path)
    expected = {"member_accuracies", "improvement_over_mean_vote", "improvement_over_best_vote", "learning_curves"}
    expected |= {
        "pairwise_disagreement",
        "pairwise_js_divergence",
        "effects",
        "variance_shares",
        "correlations",
        "attributions",
        "best_ensembles",
    } | {"deployment", "calibration_curves", "robustness", "regret", "effects_from_clean", "predictors"}
    written = {f"{name}.{kind}" for name in expected for kind in ("png", "pdf")}
    assert {path.name for path in tmp_path.iterdir()} == written
    assert all(b"/FontFile2" in path.read_bytes() for path in tmp_path.glob("*.pdf")), "a font is not embedded"


def test_the_same_data_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        save(improvement_figure(small), tmp_path / folder, "figure")
    for kind in ("png", "pdf"):
        first, second = ((tmp_path / folder / f"figure.{kind}").read_bytes() for folder in ("first", "second"))
        assert first == second


def test_improvement_names_measures_datasets_and_coefficients(small: Path) -> None:
    found = words(improvement_figure(small))
    row = load_table(small / "correlations.parquet").row(0, named=True)
    assert f"r {signed(row['pearson'])} [{plain(row['ci_low'])}, {plain(row['ci_high'])}]" in found
    for text in ("Clean", "Noise", "Prediction disagreement (%)", "Activation dissimilarity (1 − CKA)"):
        assert text in found
    assert "Improvement over the mean member (points)" in found


def test_improvement_without_values_says_so(small: Path) -> None:
    ensembles = {
        name: table.filter(consensus="average").with_columns(attribution_similarity=None)
        for name, table in tables(small, "ensembles").items()
    }
    correlations = load_table(small / "correlations.parquet").filter(consensus="average", improvement="over_mean")
    none = pl.lit(None, dtype=pl.Float64)
    empty = correlations.with_columns(pearson=none, ci_low=none, ci_high=none, partial_pearson=none, q_value=none)
    shown = panels_of(ensembles, correlations)
    assert words(draw_improvement(shown, empty, "over_mean", "average")).count("no correlation") == 10
    assert words(correlations_figure(empty)).count("no value") == 10


def coefficients(study: Path, **values: float | None) -> tuple[Figure, Figure]:
    """Both figures of correlations, for one correlation with these values."""
    ensembles = {"clean": tables(study, "ensembles")["clean"].filter(consensus="average")}
    row = load_table(study / "correlations.parquet").filter(measure="disagreement").head(1)
    columns = {name: pl.lit(value, dtype=pl.Float64) for name, value in values.items()}
    changed = row.with_columns(pearson=0.5, ci_low=0.2, ci_high=0.7).with_columns(**columns)
    grid = draw_improvement(panels_of(ensembles, changed), changed, "over_mean", "average")
    return grid, correlations_figure(changed)


def test_a_cell_has_r_and_its_interval(small: Path) -> None:
    """Without partial r and p: the plain correlations are a description."""
    grid, _ = coefficients(small, partial_pearson=-0.31, p_value=0.012)
    assert "r +0.50 [0.20, 0.70]" in words(grid)
    assert not [text for text in words(grid) if "partial" in text or text.startswith("p ")]


def test_p_and_q_change_no_type_and_no_mark(small: Path, tmp_path: Path) -> None:
    for q_value in (0.01, 0.2):
        grid, summary = coefficients(small, p_value=0.012, q_value=q_value)
        assert {str(text.get_fontweight()) for text in grid.findobj(Text) if text.get_text()} == {"normal"}
        save(grid, tmp_path / str(q_value), "grid")
        save(summary, tmp_path / str(q_value), "summary")
    for name in ("grid", "summary"):
        first, second = (tmp_path / str(q_value) / f"{name}.png" for q_value in (0.01, 0.2))
        assert first.read_bytes() == second.read_bytes()


def test_no_figure_calls_anything_significant(small: Path) -> None:
    for figure in figures(small):
        assert "signific" not in " ".join(words(figure)).lower()


def test_pairwise_without_values_is_drawn(small: Path) -> None:
    table = load_table(small / "pairwise/clean/disagreement.parquet")
    none = pl.lit(None, dtype=pl.Float64)
    one_pair = table.with_columns(value=pl.when(pl.col("member_a") == NAMES[0]).then(none).otherwise("value"))
    for damaged in (one_pair, table.with_columns(value=none)):
        assert NAMES[1] in " ".join(words(draw_pairwise({"clean": damaged}, "disagreement")))


def test_losses_of_other_magnitudes_are_on_a_logarithmic_axis() -> None:
    def scales(high: float) -> set[str]:
        lines = {name: [{"epoch": 1, "loss": loss}] for name, loss in (("one", 0.5), ("two", high))}
        axes = draw_learning_curves(lines).axes
        assert all(
            axis.get_ylim()[0] < loss < axis.get_ylim()[1] for axis, loss in zip(axes[2:], (0.5, high), strict=True)
        )
        return {axis.get_yscale() for axis in axes[2:]}

    assert scales(5) == {"linear"}
    assert scales(500) == {"log"}


def test_learning_curves_take_gaps_and_untrained_members() -> None:
    line = {"epoch": 1, "loss": float("nan"), "training_accuracy": 50.0, "validation_accuracy": None}
    assert "not trained here" in words(draw_learning_curves({"one": [line], "pretrained": []}))


def test_numbers_and_names() -> None:
    assert (signed(-0.314), plain(-0.314, 1), signed(None), plain(float("nan"))) == ("−0.31", "−0.3", "–", "–")
    percent, plain_number = quantity("disagreement"), quantity("activation_similarity")
    assert [in_few_characters(31.2, percent), in_few_characters(0.314, plain_number)] == ["31", ".31"]
    assert [in_few_characters(value, plain_number) for value in (1.0, -0.12, -0.01, float("nan"))] == [
        "1.00",
        "−.1",
        "0",
        "",
    ]
    assert in_words("gaussian_noise") == "Gaussian noise"
    assert quantity("my_measure").label == "My measure"
    assert wrapped("deit_tiny_p16_224", 10) == "deit_tiny_\np16_224"
    assert shortened("a very long class name", 10) == "a ver…name"


def test_greedy_and_drawn_ensembles_are_told_apart(small: Path) -> None:
    best, evaluated = load_table(small / "best_ensembles/clean.parquet"), load_table(small / "ensembles/clean.parquet")
    found = pl.Series("found", ["sampled", "greedy"] * (len(best) // 2))
    shown = words(draw_best_ensembles({"clean": (best.with_columns(found), summary(evaluated))}))
    assert {"best of those drawn", "greedy selection"} <= set(shown)
    assert "best of all ensembles" not in shown


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(OSError, match="folder"):
        save(new_figure(1), tmp_path / "folder", "figure")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_beyond_sixty_members_numbers_stand_for_names_and_no_figure_is_taller_than_a_page() -> None:
    members = [f"member-{number:04d}" for number in range(300)]
    accuracy = np.linspace(90, 40, 300)
    columns = {"member": members, "position": range(300), "accuracy": accuracy, "low": accuracy - 1}
    table = pl.DataFrame(columns | {"high": accuracy + 1, "dataset": "clean"})
    pairs = pl.DataFrame(
        [(a, b, abs(a - b) / 300) for a in range(300) for b in range(300)], ["a", "b", "value"], orient="row"
    )
    pairs = pairs.select(*(pl.format("member-{}", name).alias(f"member_{name}") for name in "ab"), "value")
    for figure in (
        draw_member_accuracies([table, table.with_columns(dataset=pl.lit("noise"))]),
        draw_pairwise({"clean": pairs}, "disagreement"),
    ):
        shown = [text.get_text() for text in visible_texts(figure)]
        assert figure.get_figheight() < 11
        assert not any("member-" in text for text in shown)
        assert len(shown) < 50

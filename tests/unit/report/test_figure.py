"""The specs of the figures: what rules and report read of them."""

import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import jinja2
import pytest
from docutils.core import publish_parts

from scripts.lib.jobs import code_digest
from scripts.lib.report.figure import FIGURES, StudyOutline, captioned_pictures, figures_of
from scripts.lib.study.resolve import ROOT

STUDY = StudyOutline(
    datasets=["clean", "noise"],
    members=["a", "b", "c"],
    measures=["disagreement", "js_divergence"],
    consensus=["vote", "average"],
    improvements=["over_mean", "over_best"],
    members_with_network=["b", "a"],
    members_trained_alone=["a"],
    supernets=["large", "small"],
    searched_supernets=["small"],
)


def test_the_order_of_the_report() -> None:
    assert [picture["name"] for picture in captioned_pictures(STUDY)] == [
        "member_accuracies",
        "best_ensembles",
        "deployment",
        "regret",
        "choices",
        "robustness",
        "effects",
        "effects_on_nll",
        "effects_from_clean",
        "predictors",
        "variance_shares",
        "correlations",
        "improvement_over_mean_vote",
        "improvement_over_mean_average",
        "improvement_over_best_vote",
        "improvement_over_best_average",
        "nll_improvement_over_mean_average",
        "nll_improvement_over_best_average",
        "calibration_curves",
        "confidence",
        "pairwise_disagreement",
        "pairwise_js_divergence",
        "attributions",
        "learning_curves",
        "supernets",
        "searches",
    ]


def test_every_picture_has_words() -> None:
    pictures = captioned_pictures(STUDY)
    assert all(picture[text].strip() for picture in pictures for text in ("name", "title", "caption", "alternative"))
    assert [picture["name"] for picture in pictures if picture["photographs"]] == ["attributions"]
    assert len({picture["title"] for picture in pictures}) == len(pictures)
    titles = {picture["name"]: picture["title"] for picture in pictures}
    assert titles["improvement_over_best_vote"] == "Improvement over the best member, majority vote"
    assert titles["pairwise_disagreement"] == "Prediction disagreement of every pair of members"


@pytest.mark.parametrize("name", FIGURES)
def test_snakemakes_report_shows_the_caption_of_the_spec(name: str) -> None:
    """Its template is reStructuredText, in which some characters of a caption would be markup."""
    template = jinja2.Template((ROOT / "report" / "figure.rst").read_text(encoding="utf-8"))
    snakemake = SimpleNamespace(params=SimpleNamespace(figure={"caption": FIGURES[name].caption}))
    body = publish_parts(template.render(snakemake=snakemake), writer="html")["body"]
    assert unescape(re.sub(r"<.*?>", "", body)).split() == FIGURES[name].caption.split()
    assert "problematic" not in body


@pytest.mark.parametrize(
    ("missing", "figure"),
    [("members_with_network", "attributions"), ("members_trained_alone", "learning_curves"), ("supernets", "supernets"),
     ("searched_supernets", "searches")],
)  # fmt: skip
def test_a_figure_of_what_the_study_lacks_does_not_exist(missing: str, figure: str) -> None:
    names = {spec.name for spec in figures_of(STUDY)}
    assert names - {spec.name for spec in figures_of(replace(STUDY, **{missing: []}))} == {figure}


def test_one_validation_set_has_no_figures_of_shift() -> None:
    names, of_one = ({spec.name for spec in figures_of(study)} for study in (STUDY, replace(STUDY, datasets=["clean"])))
    assert names - of_one == {"regret", "robustness", "effects_from_clean", "predictors"}


def test_what_each_figure_is_drawn_from() -> None:
    both = ["clean.parquet", "noise.parquet"]
    assert {spec.name: dict(spec.inputs(STUDY)) for spec in figures_of(STUDY)} == {
        "member_accuracies": {"accuracies": [f"accuracies/{name}" for name in both]},
        "best_ensembles": {
            "best": [f"best_ensembles/{name}" for name in both],
            "ensembles": [f"ensembles/{name}" for name in both],
        },
        "deployment": {"deployment": [f"deployment/{name}" for name in both]},
        "effects": {"effects": ["effects.parquet"]},
        "regret": {"held_out": ["held_out/noise.parquet"]},
        "choices": {"choices": ["choices.parquet"], "held_out": ["choices_held_out.parquet"]},
        "robustness": {
            "accuracies": [f"accuracies/{name}" for name in both],
            "ensembles": [f"ensembles/{name}" for name in both],
            "robustness": ["robustness.parquet"],
        },
        "effects_from_clean": {
            "effects": ["effects.parquet"],
            "effects_from_clean": ["effects_from_clean.parquet"],
        },
        "predictors": {"predictors": ["predictors.parquet"]},
        "variance_shares": {"variance_shares": ["variance_shares.parquet"]},
        "correlations": {"correlations": ["correlations.parquet"]},
        "improvement": {
            "ensembles": [f"ensembles/{name}" for name in both],
            "correlations": ["correlations.parquet"],
        },
        "proper_scores": {"ensembles": [f"ensembles/{name}" for name in both]},
        "calibration_curves": {"curves": [f"calibration_curves/{name}" for name in both]},
        "confidence": {"calibration": [f"calibration/{name}" for name in both]},
        "pairwise": {
            "pairwise": [
                f"pairwise/{dataset}/{measure}.parquet" for measure in STUDY.measures for dataset in STUDY.datasets
            ]
        },
        "attributions": {
            "images": ["images/clean.npy"],
            "labels": ["labels/clean.npy"],
            "classes": ["classes.json"],
            "members": ["members.parquet"],
            "predictions": ["predictions/clean"],
            "attributions": ["attributions/clean"],
        },
        "learning_curves": {"checkpoints": ["checkpoints/a.json"]},
        "supernets": {"stages": ["supernets/large.stages.parquet", "supernets/small.stages.parquet"]},
        "searches": {"searches": ["supernets/small.search.parquet"]},
    }


def test_each_picture_says_what_it_shows() -> None:
    shown = {picture.name: dict(picture.shows) for spec in figures_of(STUDY) for picture in spec.pictures(STUDY)}
    assert shown["improvement_over_best_vote"] == {"improvement": "over_best", "consensus": "vote"}
    assert shown["correlations"] == {"improvement": "over_mean", "consensus": "vote"}
    assert shown["effects"] == {"outcome": "accuracy", "consensus": "vote"}
    assert shown["effects_on_nll"] == {"outcome": "nll", "consensus": "average"}
    assert shown["variance_shares"] == {"consensus": "vote"}
    assert shown["pairwise_js_divergence"] == {"measure": "js_divergence"}
    assert shown["deployment"] == {}


def test_specs_need_no_heavy_library() -> None:
    """The rules read them before any job."""
    program = (
        "import sys\nfrom scripts.lib.report.figure import FIGURES\nassert len(FIGURES) > 5\n"
        "print([name for name in ('torch', 'numpy', 'polars', 'matplotlib', 'PIL') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def reached(name: str) -> set[str]:
    """The modules that decide a figure."""
    script, spec = ROOT / "scripts" / "figure.py", FIGURES.file_of(name)
    return {path.stem for file in (script, spec) for path in code_digest.closure(file) if "drawings" in path.parts}


# Modules of `drawings` that several figures may share; not each of them needs all.
SHARED = {"style", "clouds", "forest", "scalings", "ways"}


@pytest.mark.parametrize("name", FIGURES)
def test_only_its_own_files_and_the_common_style_decide_a_figure(name: str) -> None:
    assert reached(name) - SHARED <= {"__init__", name}
    assert "style" in reached(name)
    script = ROOT / "scripts" / "figure.py"
    others = {FIGURES.file_of(other) for other in FIGURES if other != name}
    assert not others & {*code_digest.closure(script), *code_digest.closure(FIGURES.file_of(name))}


def test_each_drawing_belongs_to_a_figure_or_is_shared() -> None:
    drawings = {path.stem for path in (ROOT / "scripts/lib/report/drawings").glob("*.py")}
    assert drawings <= {*FIGURES, *SHARED, "__init__"}

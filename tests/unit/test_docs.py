"""What the documentation shows is valid."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
import torch
import yaml

from scripts.lib.calibration.temperature import HIGHEST, LEAST_SAMPLES, LOWEST
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.ensembles.contributions import contributions
from scripts.lib.ensembles.tables import ensembles_table
from scripts.lib.measures.spec import MEASURES
from scripts.lib.report.figure import FIGURES
from scripts.lib.report.labels import PLAIN_CORRELATIONS, WHAT_EFFECTS_ARE
from scripts.lib.study.resolve import ROOT, resolve
from tests.simulations.members import TRUTHS as SIMULATED
from tests.simulations.permutation_p import TRUTHS
from tests.simulations.temperatures import SAMPLES as TEMPERATURE_SAMPLES
from tests.simulations.temperatures import TRUTHS as TEMPERATURE_TRUTHS
from tests.simulations.temperatures import Truth
from tests.unit.calibration import problem as calibration
from tests.unit.conftest import subsets, tally_of

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def test_the_study_of_the_how_to_on_own_images_is_valid() -> None:
    page = (ROOT / "docs" / "how-to" / "use-your-own-images.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(resolve(yaml.safe_load(block))["members"]) == 3


@pytest.mark.parametrize("block", range(2))
def test_members_of_the_how_to_are_valid(block: int) -> None:
    page = (ROOT / "docs" / "how-to" / "add-a-member.md").read_text(encoding="utf-8")
    text = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[block]
    members = yaml.safe_load(text if text.startswith("members:") else f"members:\n{text}")["members"]
    study = yaml.safe_load((ROOT / "config" / "test.yaml").read_text(encoding="utf-8"))
    study["members"] += members
    assert resolve(study)["members"][-1]["id"] == members[0]["id"]


def test_the_backbone_of_the_how_to_is_valid() -> None:
    page = (ROOT / "docs" / "how-to" / "add-a-member.md").read_text(encoding="utf-8")
    [text] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if block.startswith("backbones:")]
    study = yaml.safe_load((ROOT / "config" / "test.yaml").read_text(encoding="utf-8")) | yaml.safe_load(text)
    assert len(resolve(study | {"baseline": None})["members"]) == 2


def test_the_call_of_the_page_on_shift_fits_the_function() -> None:
    page = (ROOT / "docs" / "under-shift.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    [statement, assignment] = ast.parse(block).body
    assert isinstance(statement, ast.ImportFrom)
    assert isinstance(assignment, ast.Assign)
    assert isinstance(assignment.value, ast.Call)
    function = getattr(importlib.import_module(str(statement.module)), statement.names[0].name)
    bound = inspect.signature(function).bind(*map(ast.literal_eval, assignment.value.args))
    assert list(bound.arguments) == ["folder", "clean", "dataset", "consensus"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


# The word "significant".

TEXTS = (
    "README.md",
    "config.yaml",
    "config/**/*",
    "docs/**/*.md",
    "examples/**/*",
    "kernels/**/*",
    "report/*",
    "rules/*",
)
TEXTS += ("schemas/*", "scripts/**/*")
STATISTICS = "docs/statistics.md"


def test_nothing_is_called_significant_except_where_the_limit_of_the_test_is_explained() -> None:
    """Neither pages nor what the program may write to figures, captions, the report or its log."""
    kinds = {"", ".jinja", ".md", ".py", ".rst", ".smk", ".yaml"}
    pages = [path for pattern in TEXTS for path in ROOT.glob(pattern) if path.is_file() and path.suffix in kinds]
    assert {ROOT / STATISTICS, ROOT / "scripts/lib/report/report.html.jinja"} <= set(pages)
    said = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in pages}
    assert [name for name, text in said.items() if "signific" in text.lower()] == [STATISTICS]


@pytest.mark.parametrize("name", ["correlations", "improvement"])
def test_captions_of_correlations_say_that_they_are_descriptive(name: str) -> None:
    assert PLAIN_CORRELATIONS in FIGURES[name].caption


def test_the_caption_of_effects_says_what_is_held_fixed() -> None:
    assert WHAT_EFFECTS_ARE in FIGURES["effects"].caption


def test_the_readme_says_what_is_tested() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert page.count("“no relation at all, not even through accuracy”") == 1
    assert "beyond the accuracies and confidences of their members" in page


def test_the_page_on_statistics_explains_what_p_tests_and_shows_every_simulated_truth() -> None:
    page = (ROOT / STATISTICS).read_text(encoding="utf-8")
    assert "python -m tests.simulations.permutation_p" in page
    assert "python -m benchmarks.statistics" in page
    for simulated in SIMULATED:
        assert f"| {simulated.name} | 8 |" in page
    for truth in TRUTHS:
        for members in (15, 6):
            assert f"| {truth.name} | {members} | {truth.effect:.1f} |" in page


def sections_on_measures() -> dict[str, str]:
    """The sections of docs/measures.md whose heading is a name, with their text."""
    page = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_is_defined_in_the_docs(name: str) -> None:
    measure, text = MEASURES[name], sections_on_measures()[name]
    for item in ("Definition", "Range", "Direction", "Undefined", "Source"):
        assert re.search(rf"^- \*\*{item}:\*\* \S", text, re.MULTILINE), item
    direction = f"similarity; correlated as `{measure.diversity}`." if measure.similarity else "diversity."
    assert f"- **Direction:** {direction}\n" in text


def test_the_table_of_measures_lists_each_with_its_direction() -> None:
    page = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\]\(#(\w+)\) \|.*\| (\w+) \|$", page, re.MULTILINE)
    expected = {(name, name, "similarity" if measure.similarity else "diversity") for name, measure in MEASURES.items()}
    assert set(rows) == expected
    assert len(rows) == len(expected)


@pytest.mark.parametrize("name", CONSENSUS_METHODS)
def test_every_consensus_method_is_defined_in_the_docs(name: str) -> None:
    page = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^## How an ensemble decides\n(.*?)^## ", page, re.DOTALL | re.MULTILINE)
    assert re.search(rf"^- \*\*`{name}`\*\*: \S", section, re.MULTILINE)


def test_every_number_on_calibration_is_defined_in_the_docs() -> None:
    structure = {"role", "members", "size", "recommended", "temperatures", "samples", "bin"}
    interval = {"nll_change_low", "nll_change_high"}
    logits, labels = calibration.problem(2)
    columns = {name for table in calibration.tables_of(logits, labels, None)[1:] for name in table.columns}
    assert sections_on_measures().keys() >= columns - structure - interval
    assert str(LEAST_SAMPLES) in sections_on_measures()["temperature"]
    assert f"between {LOWEST} and {HIGHEST:.0f}" in sections_on_measures()["temperature"]


@pytest.mark.parametrize("truth", TEMPERATURE_TRUTHS, ids=str)
def test_every_simulated_temperature_is_in_the_docs(truth: Truth) -> None:
    text = sections_on_measures()["temperature"]
    for samples in TEMPERATURE_SAMPLES:
        assert re.search(rf"^\| {truth.classes} \| \d+ % \| {samples} \|", text, re.MULTILINE)


def test_every_number_about_an_ensemble_is_defined_in_the_docs() -> None:
    probabilities, chosen = torch.full((2, 3, 2), 0.5), subsets(2, "all")
    counts = tally_of(probabilities, torch.zeros(3, dtype=torch.int64), chosen)
    columns = ensembles_table(counts, chosen, {}, baseline=0).drop("members", "size", "consensus").columns
    columns += contributions(["a", "b"], lambda ensembles: ensembles.sum(1), 3, 2).drop("position", "member").columns
    columns += ["over_best_member", "regret", "effective", "relative_error"]
    assert sections_on_measures().keys() >= set(columns)

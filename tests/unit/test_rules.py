"""What every rule has, and which files its digest of code names."""

import re
from pathlib import Path

import pytest

from scripts.lib.jobs import code_digest
from scripts.lib.jobs.code_digest import closure
from scripts.lib.study.resolve import ROOT
from tests.unit.test_layout import LIBRARY, RULE_FILES, SCRIPTS, named

# Rules.


# Rules that are made in a loop: how they are named, and the script that all of them run.
IN_A_LOOP = {'f"plot_{figure.name}"': "figure"}


def rules() -> dict[str, str]:
    """The text of every rule of rules/*.smk, by name, without the indentation of an `if` around it."""
    found = {}
    for path in RULE_FILES:
        text = path.read_text(encoding="utf-8")
        for indent, given, body in re.findall(r"^( *)rule ?(\w*):\n((?:(?:\1    .*)?\n)+)", text, re.MULTILINE):
            body = re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
            name = given or IN_A_LOOP[re.search(r"^    name:\s+(.*)$", body, re.MULTILINE)[1]]
            assert name not in found, f"two rules are called {name}"
            found[name] = body
    return found


RULES = rules()


def test_all_rules_are_seen() -> None:
    assert len(RULES) == sum(
        len(re.findall(r"^ *(?:rule|checkpoint)\b.*:$", p.read_text(), re.MULTILINE)) for p in RULE_FILES
    )
    assert {"study", "train", "infer", "report"} <= RULES.keys()


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("directive", ["log", "benchmark", "message", "output", "script"])
def test_every_rule_has(name: str, directive: str) -> None:
    assert re.search(rf"^    {directive}:", RULES[name], re.MULTILINE)


def test_every_rule_runs_the_script_of_its_name_and_every_script_has_a_rule() -> None:
    scripts = {name: re.findall(r"\"\.\./scripts/(\w+)\.py\"", body) for name, body in RULES.items()}
    assert scripts == {name: [name] for name in RULES}
    assert RULES.keys() == {path.stem for path in SCRIPTS}


# Their outputs follow from the study and from files with known checksums alone.
WITHOUT_CODE = {"study", "fetch_images"}


@pytest.mark.parametrize("name", sorted(RULES.keys() - WITHOUT_CODE))
def test_every_rule_has_the_digest_of_its_own_script_as_a_parameter(name: str) -> None:
    assert re.findall(r"code=code\(\s*\"(\w+)\"[,)]", RULES[name]) == [name]


# For each registry, what names the files of its specs in a rule, as arguments of `code` (rules/common.smk).
SPEC_FILES = {
    "scripts/lib/measures/spec.py": ("*MEASURE_FILES", "measure_file"),
    "scripts/lib/ensembles/consensus/spec.py": ("*CONSENSUS_FILES",),
    "scripts/lib/inference/attribution_methods/spec.py": ("ATTRIBUTION_FILE",),
    "scripts/lib/datasets/spec.py": ("DATASET_KIND_FILE",),
    "scripts/lib/members/spec.py": ("spec_of_member", "*specs_of_members()"),
    "scripts/lib/report/figure.py": ("FIGURES.file_of(figure.name)",),
    "scripts/lib/training/losses/spec.py": ("*LOSS_FILES",),
}
# Rules that no spec of a registry decides although their script reaches it.
MEASURE, CONSENSUS, ATTRIBUTION, *_ = SPEC_FILES
DECIDED_BY_NO_SPEC = {
    ("effects_from_clean", CONSENSUS),  # consensus methods are names in its input; it counts with none
    ("robustness", CONSENSUS),  # as above
    ("variance_shares", CONSENSUS),  # as above
    ("verdicts", CONSENSUS),  # as above
}


def reached_registries() -> set[tuple[str, str]]:
    """Every rule with every registry that its script reaches by its imports."""
    return {
        (path.stem, named(module))
        for path in SCRIPTS
        for module in code_digest.closure(path)
        if named(module) in SPEC_FILES and path.stem not in WITHOUT_CODE
    }


def test_every_registry_of_the_library_has_its_way_into_the_digests() -> None:
    created = {named(path) for path in LIBRARY if re.search(r"^\w+.* = Registry\(", path.read_text(), re.MULTILINE)}
    assert created == SPEC_FILES.keys()


def test_every_rule_names_the_files_of_the_specs_that_decide_its_result() -> None:
    """Nothing imports the specs that a registry finds, so a digest without their files would miss a changed spec."""
    reached = reached_registries()
    assert {("pairwise", MEASURE), ("ensembles", CONSENSUS), ("infer", ATTRIBUTION)} <= reached
    assert reached >= DECIDED_BY_NO_SPEC
    for rule, registry in reached:
        arguments = re.findall(rf"code=code\(\s*\"{rule}\",\s*(.*?),?\s*\),\n", RULES[rule])
        found = any(name in text.split(", ") for text in arguments for name in SPEC_FILES[registry])
        assert found != ((rule, registry) in DECIDED_BY_NO_SPEC), (rule, registry)


@pytest.mark.parametrize("path", RULE_FILES, ids=named)
def test_rules_expand_over_the_measures_of_the_study_not_over_the_registry(path: Path) -> None:
    assert not re.search(r"measures?=MEASURES\b", path.read_text(encoding="utf-8"))


# Modules through which the study's kind of dataset decides what is read. No import names the kind's own file.
READERS_OF_IMAGES = {ROOT / "scripts/lib/datasets" / f"{name}.py" for name in ("training_images", "validation_images")}


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_rules_that_read_images_name_the_file_of_the_kind_of_dataset(path: Path) -> None:
    reads_images = bool(READERS_OF_IMAGES & closure(path)) or path.stem == "labelled_samples"
    assert ("DATASET_KIND_FILE" in RULES[path.stem]) == reads_images


@pytest.mark.parametrize("path", [ROOT / "Snakefile", *RULE_FILES], ids=named)
def test_local_rules_say_so_themselves(path: Path) -> None:
    """Snakemake does not rename the rules of a list `localrules:` where the workflow is a module of another one."""
    assert "localrules:" not in path.read_text(encoding="utf-8")

"""Results that are published are those of the study, and complete."""

from pathlib import Path
from typing import Any

import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.provenance import study_hash
from scripts.lib.jobs.storage import digest_of_file, load_json, save_json
from scripts.lib.study.finished import Finished, finished, same_settings
from scripts.lib.study.resolve import resolve
from tests.unit.conftest import small_study

TABLES = ("effects.parquet", "accuracies/clean.parquet", "ensembles/clean.parquet", "image_groups/clean/x.npy")
CSV = ("csv/accuracies/clean.csv", "csv/effects.csv", "csv/members.csv")
LINK = '<a href="figures/effects.pdf">PDF</a>, <a href="figures/effects.png">PNG</a>'


@pytest.fixture
def study() -> dict[str, Any]:
    return resolve(small_study())


@pytest.fixture
def results(study: dict[str, Any], tmp_path: Path) -> Path:
    for name in (*TABLES, *CSV, "figures/effects.png", "csv/accuracies/earlier.csv", "figures/earlier.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "report.html").write_text(LINK)
    tables = {name: digest_of_file(tmp_path / name) for name in TABLES}
    save_json(tmp_path / "study.json", study)
    save_json(tmp_path / "provenance.json", {"study_hash": study_hash(study), "tables": tables})
    return tmp_path


def test_what_a_study_shows_is_what_it_has_and_not_what_it_had(results: Path, study: dict[str, Any]) -> None:
    assert finished(results, study) == Finished(results, list(CSV), ["figures/effects.png"])


def test_the_report_links_every_figure_in_this_way() -> None:
    template = (ROOT / "scripts/lib/report/report.html.jinja").read_text(encoding="utf-8")
    assert '<a href="figures/{{ picture.name }}.png">' in template


@pytest.mark.parametrize("name", ["report.html", "study.json", "provenance.json"])
def test_an_unfinished_study_is_refused(name: str, results: Path, study: dict[str, Any]) -> None:
    (results / name).unlink()
    with pytest.raises(StudyError, match=f"has no {name}: run the study to its end first"):
        finished(results, study)


@pytest.mark.parametrize("name", [*TABLES, *CSV, "figures/effects.png"])
def test_a_file_that_is_missing_is_named(name: str, results: Path, study: dict[str, Any]) -> None:
    (results / name).unlink()
    with pytest.raises(
        StudyError, match=f"has no {name}, which .* delete report.html and provenance.json there and run"
    ):
        finished(results, study)


def test_a_table_that_was_changed_is_named(results: Path, study: dict[str, Any]) -> None:
    (results / "effects.parquet").write_text("changed")
    with pytest.raises(
        StudyError, match=r"checksum of effects\.parquet is not .* Delete effects\.parquet, report\.html"
    ):
        finished(results, study)


def test_results_of_other_settings_are_refused(results: Path, study: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match=r"made with other settings .* run the study again"):
        finished(results, study | {"seed": 4})
    save_json(results / "study.json", study | {"seed": 4})
    with pytest.raises(StudyError, match=r"made with other settings .* run the study again"):
        finished(results, study | {"seed": 4})


@pytest.mark.parametrize("content", [[], {}, {"tables": []}])
def test_a_provenance_without_tables_is_refused(content: Any, results: Path, study: dict[str, Any]) -> None:
    save_json(results / "provenance.json", content)
    with pytest.raises(StudyError, match=r"provenance\.json lists no tables: delete it"):
        finished(results, study)


def test_settings_are_the_same_if_only_keys_were_added_since(study: dict[str, Any], tmp_path: Path) -> None:
    save_json(tmp_path / "study.json", study)
    earlier = load_json(tmp_path / "study.json")
    for member in earlier["members"]:
        del member["precision"]
    assert same_settings(earlier, study)
    assert not same_settings(earlier | {"seed": 4}, study)
    assert not same_settings([], study)

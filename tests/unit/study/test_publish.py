"""What a repository shows of a study: files within a limit, with checksums, and nothing stale."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.storage import digest_of_file
from scripts.lib.study.finished import Finished
from scripts.lib.study.publish import Published, main, publish


def write(folder: Path, **contents: str) -> None:
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.fixture
def results(tmp_path: Path) -> Finished:
    folder = tmp_path / "results"
    write(
        folder,
        report_dot_html="report",
        study_dot_json="{}",
        provenance_dot_json="{}",
        csv__effects_dot_csv="a,b\n1,2\n",
        csv__calibration__clean_dot_csv="x" * 3000,
        figures__effects_dot_png="png",
        figures__ways_dot_png="png",
        figures__effects_dot_pdf="pdf",
        effects_dot_parquet="not as text",
    )
    figures = ["figures/effects.png", "figures/ways.png"]
    return Finished(folder, ["csv/calibration/clean.csv", "csv/effects.csv"], figures)


def test_files_within_the_limit_are_copied_with_their_checksums(results: Finished, tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "study"
    published = publish(results, folder, 2000 / 2**20)
    assert published == Published(
        ["report.html", "study.json", "provenance.json", "csv/effects.csv", "figures/effects.png", "figures/ways.png"],
        ["csv/calibration/clean.csv"],
    )
    checked = subprocess.run(["sha256sum", "--check", "published.sha256"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0
    assert checked.stdout.count("OK") == 6


def test_files_of_an_earlier_call_are_removed_and_others_stay(results: Finished, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    publish(results, folder, 2)
    (folder / "README.md").write_text("mine")
    (tmp_path / "outside").write_text("mine")
    (folder / "csv/effects.csv").write_text("changed by hand")
    results = replace(results, csv=[])
    with (folder / "published.sha256").open("a") as file:
        file.write(f"{digest_of_file(tmp_path / 'outside')}  ../outside\n\n")
    assert publish(results, folder, 2, ["ways"]).copied[-1] == "figures/ways.png"
    assert [path.name for path in (folder / "figures").iterdir()] == ["ways.png"]
    assert (folder / "README.md").exists()
    assert (folder / "csv/effects.csv").exists()
    assert (tmp_path / "outside").exists()


def test_an_unknown_figure_is_refused(results: Finished, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="has no figure way; it has effects, ways"):
        publish(results, tmp_path / "study", 2, ["way"])
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("name", ["results", "results/shown", "results/csv/..", ".", "link", "link/shown"])
def test_the_folder_of_the_results_is_refused(name: str, results: Finished, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("results")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StudyError, match=r"FOLDER: .* the study's results .* name another folder"):
        publish(results, tmp_path / name, 2, ["effects"])
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["file", "file/below", "link"])
def test_a_file_is_not_a_folder(name: str, results: Finished, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(StudyError, match=r"FOLDER: .*/(file|link) is not a folder"):
        publish(results, tmp_path / name, 2)


@pytest.mark.parametrize(
    ("mine", "named"),
    [("report.html", "report.html"), ("csv", "csv"), ("figures/ways.png/x", "figures/ways.png")],
)
def test_a_file_of_the_users_own_is_not_overwritten(mine: str, named: str, results: Finished, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    (folder / mine).parent.mkdir(parents=True)
    (folder / mine).write_text("mine")
    with pytest.raises(StudyError, match=f"FOLDER: {folder} already has {named}, which this command did not publish"):
        publish(results, folder, 2)
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / mine]
    assert (folder / mine).read_text() == "mine"


def test_a_published_file_that_was_changed_is_not_overwritten(results: Finished, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    publish(results, folder, 2)
    (folder / "report.html").write_text("with my remarks")
    with pytest.raises(StudyError, match=r"already has report\.html, which"):
        publish(results, folder, 2)
    assert (folder / "report.html").read_text() == "with my remarks"


@pytest.mark.parametrize("copied_before", range(7))
def test_a_call_that_was_killed_can_be_repeated(
    copied_before: int, results: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the results are others than before: a file is then that of either publication."""
    folder = tmp_path / "study"
    publish(results, folder, 2)
    for name in results.files(None):
        (results.folder / name).write_text(f"new {name}")
    copied, copy = [], shutil.copyfile

    def killed(source: Path, target: Path) -> None:
        copied.append(source)
        if len(copied) > copied_before:
            raise KeyboardInterrupt
        copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("scripts.lib.study.publish.shutil.copyfile", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(results, folder, 2)
    publish(results, folder, 2)
    assert {(folder / name).read_text() for name in results.files(None)} == {f"new {n}" for n in results.files(None)}
    assert len((folder / "published.sha256").read_text().splitlines()) == 7


def test_the_command_says_what_it_left_out(
    results: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scripts.lib.study.publish.finished", lambda folder, study: results)
    monkeypatch.setattr("sys.argv", ["publish", str(ROOT / "config/test.yaml"), "shown", "--mebibytes", "0.001"])
    assert main() == 0
    said = capsys.readouterr().out
    assert "6 files, 0.0 MiB, in shown." in said
    assert "Left out, because it is larger than 0.001 MiB: csv/calibration/clean.csv" in said
    monkeypatch.setattr("sys.argv", ["publish", str(ROOT / "config/test.yaml"), "shown", "--figures", "way"])
    assert main() == 1
    assert "has no figure way" in capsys.readouterr().out


def test_results_that_are_not_there_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["publish", str(ROOT / "config/test.yaml"), "shown"])
    assert main() == 1
    assert capsys.readouterr().out.startswith("Error: results/test has no report.html and no study.json and no prov")

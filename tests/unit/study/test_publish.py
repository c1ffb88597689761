"""What a repository shows of a study: files within a limit, with checksums, and nothing stale."""

import subprocess
from pathlib import Path

import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.storage import digest_of_file
from scripts.lib.study.publish import Published, main, publish


def write(folder: Path, **contents: str) -> None:
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.fixture
def results(tmp_path: Path) -> Path:
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
    return folder


def test_files_within_the_limit_are_copied_with_their_checksums(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "study"
    published = publish(results, folder, 2000 / 2**20)
    assert published == Published(
        ["report.html", "study.json", "provenance.json", "csv/effects.csv", "figures/effects.png", "figures/ways.png"],
        ["csv/calibration/clean.csv"],
    )
    checked = subprocess.run(["sha256sum", "--check", "published.sha256"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0
    assert checked.stdout.count("OK") == 6


def test_files_of_an_earlier_call_are_removed_and_others_stay(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    publish(results, folder, 2)
    (folder / "README.md").write_text("mine")
    (tmp_path / "outside").write_text("mine")
    (folder / "csv/effects.csv").write_text("changed by hand")
    (results / "csv/effects.csv").unlink()
    with (folder / "published.sha256").open("a") as file:
        file.write(f"{digest_of_file(tmp_path / 'outside')}  ../outside\n\n")
    assert publish(results, folder, 2, ["ways"]).copied[-1] == "figures/ways.png"
    assert [path.name for path in (folder / "figures").iterdir()] == ["ways.png"]
    assert (folder / "README.md").exists()
    assert (folder / "csv/effects.csv").exists()
    assert (tmp_path / "outside").exists()


def test_an_unfinished_study_and_an_unknown_figure_are_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="has no figure way; it has effects, ways"):
        publish(results, tmp_path / "study", 2, ["way"])
    (results / "provenance.json").unlink()
    with pytest.raises(StudyError, match=r"has no provenance.json: run the study to its end first"):
        publish(results, tmp_path / "study", 2)
    assert not (tmp_path / "study").exists()


def test_the_command_says_what_it_left_out(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").rename(tmp_path / "test")
    (tmp_path / "results").mkdir()
    (tmp_path / "test").rename(tmp_path / "results/test")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["publish", str(ROOT / "config/test.yaml"), "shown", "--mebibytes", "0.001"])
    assert main() == 0
    said = capsys.readouterr().out
    assert "6 files, 0.0 MiB, in shown." in said
    assert "Left out, because it is larger than 0.001 MiB: csv/calibration/clean.csv" in said
    monkeypatch.setattr("sys.argv", ["publish", str(ROOT / "config/test.yaml"), "shown", "--figures", "way"])
    assert main() == 1
    assert "has no figure way" in capsys.readouterr().out

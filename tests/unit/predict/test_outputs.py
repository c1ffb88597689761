"""Outputs of the command: what cannot be written, and what must not be overwritten."""

import re
from pathlib import Path

import pytest

from tests.unit.predict.finished_study import MEMBERS, choice, run, write_deployment, write_files


@pytest.mark.parametrize(("option", "suffix"), [("--output", ".csv"), ("--onnx", ".onnx")])
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("file/out", "cannot be written, because .*file is not a folder"),
        ("folder", "is a folder: name a file"),
        ("x" * 300, "cannot be written .File name too long"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, suffix: str, place: str, message: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / f"folder{suffix}").mkdir()
    # The folder of predictions does not exist, which would be the first error of the computation.
    words = ["--predictions", tmp_path / "new", "--output", tmp_path / "out.csv", option, f"{tmp_path / place}{suffix}"]
    assert run(write_deployment(tmp_path), *words) == 1
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("output", ["new/deit.csv", "new/mnasnet.parquet", "link.csv", "new/../new/resnext.csv"])
def test_an_input_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str) -> None:
    """Neither that of a member that the choice does not have, nor one that a member's file links to."""
    deployment = write_deployment(tmp_path, choices={"one": choice(members=MEMBERS[:2], weights=[0.5, 0.5])})
    write_files(tmp_path / "new")
    (tmp_path / "link.csv").symlink_to(tmp_path / "new" / "deit.csv")
    before = (tmp_path / "new" / "deit.csv").read_bytes()
    assert run(deployment, "--predictions", tmp_path / "new", "--output", tmp_path / output) == 1
    assert "is a member's file of predictions, which would be overwritten" in capsys.readouterr().err
    assert (tmp_path / "new" / "deit.csv").read_bytes() == before


def test_neither_deployment_json_nor_the_other_output_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment = write_deployment(tmp_path)
    (tmp_path / "link.onnx").symlink_to(deployment)
    assert run(deployment, "--onnx", tmp_path / "link.onnx") == 1
    assert "link.onnx is the deployment.json that is read, which would be overwritten" in capsys.readouterr().err
    (tmp_path / "same.onnx").symlink_to(tmp_path / "out.csv")
    words = ["--predictions", tmp_path, "--output", tmp_path / "out.csv", "--onnx", tmp_path / "same.onnx"]
    assert run(deployment, *words) == 1
    assert "is the same file as OUTPUT (--output)" in capsys.readouterr().err

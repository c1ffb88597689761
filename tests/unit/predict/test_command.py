"""The command: files of predictions and images in, a table or an ONNX file out; errors in one line."""

import re
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from scripts.lib.networks.preprocessing import resized
from scripts.lib.networks.weights import load_trained
from scripts.lib.predict.__main__ import predictions_table
from scripts.lib.predict.combine import combined
from scripts.lib.predict.deployed import load_deployed
from scripts.lib.predict.export import _weights_of_rows
from scripts.lib.predict.sources import load_networks, stored
from scripts.lib.reading.align_predictions import save_predictions
from tests.unit.conftest import write_image_folder
from tests.unit.predict.finished_study import (
    CLASSES,
    MEMBERS,
    N,
    choice,
    run,
    write_deployment,
    write_files,
    write_networks,
)

CPU = torch.device("cpu")


def test_files_of_predictions_are_matched_by_id_and_by_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = [0.5, 0.3, 0.2]
    deployment = write_deployment(tmp_path, choices={"one": choice(weights=weights)})
    values = write_files(tmp_path / "new")
    expected = np.einsum("m,mnc->nc", weights, values)
    for output in (tmp_path / "out.csv", tmp_path / "out.parquet"):
        assert run(deployment, "--predictions", tmp_path / "new", "--output", output) == 0
        table = pl.read_csv(output) if output.suffix == ".csv" else pl.read_parquet(output)
        assert table.columns == ["sample", "predicted", *CLASSES]
        assert table["sample"].to_list() == [f"s{n}" for n in range(N)]
        np.testing.assert_allclose(table.select(CLASSES).to_numpy(), expected, atol=1e-6)
        assert table["predicted"].to_list() == [CLASSES[number] for number in expected.argmax(1)]
    assert "30 predictions of one, average of its members" in capsys.readouterr().out


def test_logits_without_ids_are_taken_in_their_order(tmp_path: Path) -> None:
    deployment = write_deployment(tmp_path, choices={"one": choice("geometric")})
    logits = np.random.default_rng(1).normal(size=(3, N, 3)) * 5
    for member, values in zip(MEMBERS, logits, strict=True):
        np.save(tmp_path / f"{member}.npy", values.astype(np.float32))
    assert run(deployment, "--predictions", tmp_path, "--values", "logits", "--output", tmp_path / "out.csv") == 0
    table = pl.read_csv(tmp_path / "out.csv")
    assert table["predicted"].to_list() == [CLASSES[number] for number in logits.mean(0).argmax(1)]


@pytest.mark.parametrize("names", [None, ["0", "1", "2"]], ids=["no names", "numbers"])
def test_columns_without_names_have_the_order_that_the_study_states_for_the_member(
    tmp_path: Path, names: list[str] | None
) -> None:
    stated = {"resnext": {"values": "auto", "classes": ["bird", "cat", "dog"]}}
    deployment = write_deployment(tmp_path, files=stated)
    values = np.random.default_rng(0).dirichlet(np.ones(3), (3, N))
    for member, rows in zip(MEMBERS, values, strict=True):
        own = rows[:, [2, 0, 1]] if member in stated else rows
        if names:
            pl.DataFrame(dict(zip(names, own.T, strict=True))).write_csv(tmp_path / f"{member}.csv")
        else:
            np.save(tmp_path / f"{member}.npy", own)
    assert run(deployment, "--predictions", tmp_path, "--output", tmp_path / "out.parquet") == 0
    table = pl.read_parquet(tmp_path / "out.parquet")
    np.testing.assert_allclose(table.select(CLASSES).to_numpy(), values.mean(0), atol=1e-6)


def test_columns_with_names_need_no_stated_order(tmp_path: Path) -> None:
    deployment = write_deployment(tmp_path, files={"resnext": {"classes": ["bird", "cat", "dog"]}})
    values = write_files(tmp_path / "new")
    assert run(deployment, "--predictions", tmp_path / "new", "--output", tmp_path / "out.parquet") == 0
    table = pl.read_parquet(tmp_path / "out.parquet")
    np.testing.assert_allclose(table.select(CLASSES).to_numpy(), values.mean(0), atol=1e-6)


def test_arrays_that_the_workflow_wrote_are_logits_in_the_order_of_the_study(tmp_path: Path) -> None:
    """Whatever the study states of the user's own files."""
    stated = {"values": "probabilities", "classes": ["bird", "cat", "dog"]}
    deployment = write_deployment(tmp_path, files=dict.fromkeys(MEMBERS, stated))
    logits = np.random.default_rng(1).uniform(size=(N, 3)).astype(np.float32)
    for member in MEMBERS:
        save_predictions(tmp_path / f"{member}.npy", member, "clean", [f"s{n}" for n in range(N)], logits, {})
    assert run(deployment, "--predictions", tmp_path, "--output", tmp_path / "out.csv") == 0
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(pl.read_csv(tmp_path / "out.csv").select(CLASSES).to_numpy(), expected, atol=1e-6)


def test_values_are_what_the_study_states_or_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Between 0 and 1, but they do not sum to 1."""
    logits = np.random.default_rng(1).uniform(size=(N, 3))
    for member in MEMBERS:
        np.save(tmp_path / f"{member}.npy", logits)
    words = ["--predictions", tmp_path, "--output", tmp_path / "out.csv"]
    assert run(write_deployment(tmp_path), *words) == 1
    assert "deit.npy (member deit) has probabilities that do not sum to 1 (set VALUES=logits (--values logits) if" in (
        capsys.readouterr().err
    )
    assert run(write_deployment(tmp_path), *words, "--values", "logits") == 0
    deployment = write_deployment(tmp_path, files={member: {"values": "logits"} for member in MEMBERS})
    assert run(deployment, *words) == 0
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(pl.read_csv(tmp_path / "out.csv").select(CLASSES).to_numpy(), expected, atol=1e-6)
    assert run(deployment, *words, "--values", "probabilities") == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing", "has no file of the member resnext; expected one of resnext.npy"),
        ("twice", "has 2 files of the member resnext"),
        ("classes", "has other classes than the study: missing are bird; not in the study are fish"),
        ("fewer", "has no rows for 1 of the 30 samples of .*deit.csv; the first is 's"),
        ("more", "has 31 samples, .* has 30: all need the same"),
        ("duplicate", "has 1 duplicate sample ids"),
        ("text", "resnext.csv has no rows"),
        ("no ids", "deit.csv has ids of samples, but .*resnext.csv has none: which rows belong together is not known"),
        ("nan", "numbers that are NaN, infinite or missing"),
    ],
)
def test_wrong_files_are_refused_by_name_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str, message: str
) -> None:
    deployment, folder, output = write_deployment(tmp_path), tmp_path / "new", tmp_path / "out.csv"
    write_files(folder)
    path = folder / "resnext.csv"
    table = pl.read_csv(path)
    if damage == "missing":
        path.unlink()
    elif damage == "twice":
        np.save(folder / "resnext.npy", np.zeros((N, 3)))
    elif damage == "classes":
        table.rename({"bird": "fish"}).write_csv(path)
    elif damage == "fewer":
        table[1:].write_csv(path)
    elif damage == "more":
        pl.concat([table, table[:1].with_columns(sample=pl.lit("new"))]).write_csv(path)
    elif damage == "duplicate":
        pl.concat([table, table[:1]]).write_csv(path)
    elif damage == "no ids":
        table.drop("sample").write_csv(path)
    elif damage == "text":
        path.write_bytes(b"\x00\x01\x02")
    else:
        table.with_columns(cat=pl.lit(float("nan"))).write_csv(path)
    assert run(deployment, "--predictions", folder, "--output", output) == 1
    said = capsys.readouterr()
    assert "resnext" in said.err
    assert "validation set" not in said.err
    assert re.search(message, said.err), said.err
    assert not output.exists()


def test_images_are_prepared_and_run_as_in_a_study(tmp_path: Path) -> None:
    write_networks(tmp_path)
    deployment = write_deployment(tmp_path, choices={"one": choice("calibrated")})
    images = write_image_folder(tmp_path / "images", {"a": 3, "b": 2})
    assert run(deployment, "--images", images, "--output", tmp_path / "out.parquet") == 0
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert table["sample"].to_list() == ["a/0.png", "a/1.png", "a/2.png", "b/0.png", "b/1.png"]
    found = load_deployed(deployment)
    known = load_networks(found, tmp_path, CPU)
    pixels = stored(known, [str(images / sample) for sample in table["sample"]])
    assert pixels.shape == (5, 40, 40, 3)
    logits = []
    for member in MEMBERS:
        [weights] = tmp_path.glob(f"*/**/{member}.safetensors")
        record = load_json(weights.with_suffix(".json"))
        network, entry = load_trained(record, weights, CPU), record["member"]
        part = slice(2, 38) if member == "resnext" else slice(0, 40)
        values = torch.from_numpy(pixels[:, part, part].copy()).permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(entry["transforms"][key]).view(3, 1, 1) for key in ("mean", "std"))
        with torch.inference_mode():
            logits.append(network.model((resized(values, 32) - mean) / std).numpy())
    expected, _ = combined(found, logits)
    np.testing.assert_allclose(table.select(CLASSES).to_numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("consensus", ["average", "calibrated"])
@pytest.mark.parametrize("size", [40, 32, 24], ids=["smaller", "equal", "larger"])
def test_the_exported_ensemble_gives_the_same_probabilities(tmp_path: Path, consensus: str, size: int) -> None:
    """Also of another number of images than it was exported with; members crop and resize as in the workflow."""
    write_networks(tmp_path, size=size)
    deployment = write_deployment(tmp_path, choices={"one": choice(consensus, weights=[0.5, 0.3, 0.2])})
    path = tmp_path / "ensemble.onnx"
    assert run(deployment, "--onnx", path) == 0
    images = write_image_folder(tmp_path / "images", {"a": 7})
    assert run(deployment, "--images", images, "--output", tmp_path / "out.parquet") == 0
    table = pl.read_parquet(tmp_path / "out.parquet")
    known = load_networks(load_deployed(deployment), tmp_path, CPU)
    pixels = stored(known, [str(images / sample) for sample in table["sample"]])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = {"images": np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / 255}
    [found] = session.run(["probabilities"], inputs)
    np.testing.assert_allclose(found, table.select(CLASSES).to_numpy(), atol=1e-5)
    assert found.std() > 0.01, "the small networks must not be indifferent"


@pytest.mark.parametrize(("before", "after"), [(40, 32), (24, 32), (224, 96), (5, 5)])
def test_resizing_is_a_matrix_product(before: int, after: int) -> None:
    rows = _weights_of_rows(before, after)
    images = torch.rand(2, 3, before, before, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(rows @ images @ rows.T, resized(images, after), atol=2e-6, rtol=0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--choice", "two"], "the choice 'two' is not one of one"),
        ([], "name what to predict"),
        (["--predictions", "x", "--images", "y"], "not both"),
        (["--predictions", "x"], "OUTPUT=FILE.csv or OUTPUT=FILE.parquet (--output)"),
        (["--predictions", "x", "--output", "y.xlsx"], "OUTPUT (--output): y.xlsx must end in .csv or .parquet"),
        (["--onnx", "y.txt"], "ONNX (--onnx): y.txt must end in .onnx"),
        (["--predictions", "x", "--output", "y.csv"], "x is not a folder"),
        (["--images", "x", "--output", "y.csv"], "study.json does not exist: images and ONNX need more than"),
        (["--onnx", "x.onnx"], "name the folder of the study's results, STUDY=results/STUDY (--study)"),
    ],
)
def test_a_wrong_command_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run(write_deployment(tmp_path), *words) == 1
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_votes_members_without_network_and_damaged_weights_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_networks(tmp_path)
    assert run(write_deployment(tmp_path, choices={"one": choice("vote")}), "--onnx", tmp_path / "x.onnx") == 1
    assert "one decides by vote: only (weighted) averages can be exported" in capsys.readouterr().err
    weights = tmp_path / "checkpoints" / "deit.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    assert run(write_deployment(tmp_path), "--onnx", tmp_path / "x.onnx") == 1
    assert "was damaged or changed after it was written" in capsys.readouterr().err
    weights.with_suffix(".json").unlink()
    assert run(write_deployment(tmp_path), "--onnx", tmp_path / "x.onnx") == 1
    assert "the network of the member deit is not known" in capsys.readouterr().err
    assert not (tmp_path / "x.onnx").exists()
    write_networks(tmp_path)
    assert run(write_deployment(tmp_path, classes=["x", "y", "z"]), "--onnx", tmp_path / "x.onnx") == 1
    assert "has other classes than deployment.json" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{}", "[]", '{"datasets": {}, "members": []}', '{"datasets": 1, "members": [1]}'])
def test_a_foreign_study_json_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    write_networks(tmp_path)
    (tmp_path / "study.json").write_text(content)
    assert run(write_deployment(tmp_path), "--onnx", tmp_path / "x.onnx") == 1
    assert "is not a study.json of this workflow: name the folder" in capsys.readouterr().err


def test_the_results_may_be_elsewhere_than_deployment_json(tmp_path: Path) -> None:
    write_networks(tmp_path)
    (tmp_path / "copied").mkdir()
    words = ["--study", tmp_path, "--images", write_image_folder(tmp_path / "images", {"a": 1})]
    assert run(write_deployment(tmp_path / "copied"), *words, "--output", tmp_path / "out.csv") == 0
    assert pl.read_csv(tmp_path / "out.csv").height == 1


def test_an_export_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_networks(tmp_path)
    monkeypatch.setattr("scripts.lib.predict.export._View.forward", lambda self, images: images[:, :, :32, :32])
    assert run(write_deployment(tmp_path), "--onnx", tmp_path / "x.onnx") == 1
    assert not list(tmp_path.glob("*.onnx"))
    assert not list(tmp_path.glob(".*.part"))


def test_the_choices_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write_deployment(tmp_path), "--list") == 0
    assert capsys.readouterr().out == "one: average of deit, resnext, mnasnet\n"


def test_a_class_that_is_called_as_a_column_is_refused(tmp_path: Path) -> None:
    deployed = load_deployed(write_deployment(tmp_path, classes=["sample", "dog", "bird"]))
    with pytest.raises(StudyError, match="a class is called 'sample'"):
        predictions_table(deployed, ["a"], np.ones((1, 3)) / 3, np.zeros(1, np.int64))

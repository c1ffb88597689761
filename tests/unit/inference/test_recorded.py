"""Which recorded file belongs to which member, how files come together, and what to delete if one is damaged."""

from pathlib import Path

import pytest

from scripts.lib.inference.recorded import RecordedFiles, gather, remedy

OF_SET = {"labels": "labels/a.npy", "samples": "samples/a.txt", "set_record": "samples/a.json", "classes": "c.json"}


def test_files_come_in_the_order_of_the_members() -> None:
    inputs = {"records": "predictions/a", "arrays": "attributions/a", "weights": "not of these"}
    files = RecordedFiles.declared("a", ["y", "x.1"], inputs | OF_SET)
    assert files.records == ["predictions/a/y.json", "predictions/a/x.1.json"]
    assert files.arrays == ["attributions/a/y.npy", "attributions/a/x.1.npy"]
    assert (files.dataset, files.members, files.classes) == ("a", ["y", "x.1"], "c.json")


def written(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(path))
    return path


def contents(folder: Path) -> dict[str, str]:
    """Where each file below a folder comes from."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_members_recorded_on_one_set_comes_together(tmp_path: Path) -> None:
    """A network, a model without a known network, and a file; member ids may hold dots and names of kinds."""
    network = [written(tmp_path / f"in/net.1/a/{name}") for name in ("predictions.npy", "predictions.json")]
    maps = [written(tmp_path / f"in/net.1/a/{kind}.npy") for kind in ("attributions", "activations")]
    model = [written(tmp_path / f"in/activations/a/{name}") for name in ("predictions.npy", "predictions.json")]
    file = [written(tmp_path / f"imported/given{suffix}") for suffix in (".npy", ".json")]
    written(tmp_path / "in/net.1/b/predictions.npy")
    written(tmp_path / "imported/.snakemake_timestamp")
    outputs = {kind: tmp_path / "out" / kind / "a" for kind in ("predictions", "attributions", "activations")}
    inferred = [tmp_path / "in/net.1", tmp_path / "in/activations"]
    gather(inferred, "a", outputs, [str(tmp_path / "imported")])
    assert contents(tmp_path / "out") == {
        "predictions/a/net.1.npy": str(network[0]),
        "predictions/a/net.1.json": str(network[1]),
        "attributions/a/net.1.npy": str(maps[0]),
        "activations/a/net.1.npy": str(maps[1]),
        "predictions/a/activations.npy": str(model[0]),
        "predictions/a/activations.json": str(model[1]),
        "predictions/a/given.npy": str(file[0]),
        "predictions/a/given.json": str(file[1]),
    }


def test_folders_exist_even_if_no_member_has_anything_for_them(tmp_path: Path) -> None:
    outputs = {"predictions": tmp_path / "predictions/a", "attributions": tmp_path / "attributions/a"}
    gather([], "a", outputs, [])
    assert all(folder.is_dir() for folder in outputs.values())


@pytest.mark.parametrize(
    ("exists", "advised"),
    [
        (["inferred/m.1"], ["inferred/m.1"]),
        (["inferred/other", "imported/predictions/noise"], ["imported/predictions/noise"]),
        ([], []),
    ],
)
def test_the_folders_to_delete_are_where_the_damaged_file_was_made_and_where_it_is(
    tmp_path: Path, exists: list[str], advised: list[str]
) -> None:
    for folder in (*exists, "predictions/noise"):
        (tmp_path / folder).mkdir(parents=True)
    said = " and ".join(f"the folder {tmp_path / folder}" for folder in (*advised, "predictions/noise"))
    assert remedy(tmp_path / "predictions/noise/m.1.npy") == f"Delete {said}"

"""Members from manifests: paths, cells, and ambiguous tables."""

from pathlib import Path

import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.members_from_files import expand
from scripts.lib.study.resolve import resolve
from tests.unit.study.test_members_from_files import reasons, touch, zoo_study


def test_weights_of_a_manifest_are_files_but_for_torchvisions_names(tmp_path: Path) -> None:
    touch(tmp_path / "nosuffix")
    rows = {
        "id": ["a", "b", "c", "d"],
        "kind": ["timm", "torchvision", "timm", "torchvision"],
        "model": ["resnet10t", "resnet18", "resnet10t", "resnet18"],
        "weights": ["nosuffix", "IMAGENET1K_V1", "gone", "w/gone"],
    }
    pl.DataFrame(rows).write_csv(tmp_path / "zoo.csv")
    members, found = expand([{"from": str(tmp_path / "zoo.csv")}], ["clean"])
    assert [member["weights"] for member in members] == [str(tmp_path / "nosuffix"), "IMAGENET1K_V1"]
    assert reasons(found) == {str(tmp_path / name): f"{tmp_path / name} does not exist" for name in ("gone", "w/gone")}


# Manifests that are not clear.

MANIFESTS = {
    "two columns of one name": ("id,file,file\na,one.npy,two.npy\n", "two columns have the name 'file'"),
    "semicolons": ("id;file\na;one.npy\n", "names no column such as id, kind,"),
    "too many cells": ("id,file\na,one.npy,3\n", "row 1 has 3 cells for 2 columns"),
    "open quote": ('id,file\n"a,one.npy\nb,one.npy\n', "cannot be read"),
    "file and section": ("id,file,file.clean\na,one.npy,one.npy\n", "row 1"),
    "section and file": ("id,file.clean,file\na,one.npy,one.npy\n", "row 1"),
    "empty": ("", "cannot be read"),
    "latin-1": ("id,file\n\udcf6,one.npy\n", "cannot be read"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_that_is_not_clear_is_refused(tmp_path: Path, case: str) -> None:
    text, said = MANIFESTS[case]
    touch(tmp_path / "one.npy")
    (tmp_path / "zoo.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StudyError, match="members/0/from") as caught:
        expand([{"from": str(tmp_path / "zoo.csv")}], ["clean"])
    assert said in str(caught.value)


@pytest.mark.parametrize("cell", [".nan", "2020-01-01", "2020-13-45", "[" * 500, "{1: 2}", "&a [*a]", "!!python/x y"])
def test_an_odd_cell_of_a_manifest_is_refused_by_key(tmp_path: Path, cell: str) -> None:
    touch(tmp_path / "one.npy")
    pl.DataFrame({"id": ["a", "b"], "file": ["one.npy"] * 2, "macs": ["1", cell]}).write_csv(tmp_path / "zoo.csv")
    with pytest.raises(StudyError, match=r"members/1 \(b\)/macs"):
        resolve(zoo_study(tmp_path, members=[{"from": str(tmp_path / "zoo.csv")}]))


@pytest.mark.parametrize("cell", ["012", "-07", "1:30", "1:30.5"])
def test_a_number_that_yaml_reads_as_another_is_refused(tmp_path: Path, cell: str) -> None:
    """YAML 1.1 reads 012 as 10 and 1:30 as 90."""
    touch(tmp_path / "one.npy")
    pl.DataFrame({"file": ["one.npy", "one.npy"], "macs": ["1", cell]}).write_csv(tmp_path / "zoo.csv")
    with pytest.raises(StudyError, match=rf"zoo\.csv cannot be read \(row 2, column `macs`: .*{cell}"):
        expand([{"from": str(tmp_path / "zoo.csv")}], ["clean"])


def test_numbers_of_a_manifest_may_be_written_in_other_ways(tmp_path: Path) -> None:
    touch(tmp_path / "one.npy")
    cells = {"1000": 1000, "0": 0, "0.5": 0.5, "1e3": "1e3", "1.0e+3": 1000.0, "1_000": 1000, "0x10": 16, "-5": -5}
    pl.DataFrame({"file": ["one.npy"] * len(cells), "macs": list(cells)}).write_csv(tmp_path / "zoo.csv")
    members, _ = expand([{"from": str(tmp_path / "zoo.csv")}], ["clean"])
    assert [member["macs"] for member in members] == list(cells.values())


def test_a_manifest_that_makes_polars_panic_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A panic is not an Exception, so handlers of Exception did not catch it."""

    def panic(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("assertion failed")

    monkeypatch.setattr(pl, "read_parquet", panic)
    (tmp_path / "zoo.parquet").write_bytes(b"PAR1")
    with pytest.raises(StudyError, match=r"zoo\.parquet cannot be read"):
        expand([{"from": str(tmp_path / "zoo.parquet")}], ["clean"])

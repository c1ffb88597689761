"""What a verification says of an archive that is damaged or of another study, and of tables that differ."""

import copy
import math
import tarfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.provenance import archive, study_hash
from scripts.lib.jobs.storage import digest_of_file, save_array, save_json, save_table
from scripts.lib.study.resolve import resolve
from scripts.lib.study.verify import Comparison, compare, main, to_compute, unpack, verify
from tests.unit.conftest import small_study

STUDY = {"name": "small", "seed": 3}
TABLE = pl.DataFrame({"member": ["a", "b", "c"], "count": [1, 2, 3], "value": [0.5, 1000.0, math.nan]}).with_columns(
    weights=pl.Series([[0.5, 0.5], [1.0], []], dtype=pl.List(pl.Float64))
)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    save_json(folder / "study.json", STUDY)
    save_json(folder / "provenance.json", {"study_hash": study_hash(STUDY), "tables": {}})
    save_array(folder / "predictions" / "clean" / "a.npy", np.arange(3.0))
    results = [str(folder / name) for name in ("study.json", "provenance.json", "predictions/clean")]
    archive(folder, results, tmp_path / "small.predictions.tar.gz")
    return tmp_path / "small.predictions.tar.gz"


def test_an_archive_is_unpacked_and_its_files_are_equally_old(packed: Path, tmp_path: Path) -> None:
    found = unpack(packed, tmp_path / "there", STUDY)
    assert np.load(found / "predictions/clean/a.npy").tolist() == [0, 1, 2]
    [time] = {path.stat().st_mtime for path in found.rglob("*")}
    assert time >= packed.stat().st_mtime


def test_an_archive_of_other_settings_is_refused(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="STUDY: the settings are not those"):
        unpack(packed, tmp_path / "there", STUDY | {"seed": 4})
    with pytest.raises(StudyError, match="no predictions of a study named other"):
        unpack(packed, tmp_path / "elsewhere", STUDY | {"name": "other"})


def test_an_archive_of_a_version_that_lacked_a_key_is_of_the_same_study(tmp_path: Path) -> None:
    study = resolve(small_study(name="small"))
    before = copy.deepcopy(study)
    for member in before["members"]:
        del member["precision"]
    folder, packed = tmp_path / "small", tmp_path / "small.predictions.tar.gz"
    save_json(folder / "study.json", before)
    save_json(folder / "provenance.json", {"study_hash": study_hash(before), "tables": {}})
    archive(folder, [str(folder / name) for name in ("study.json", "provenance.json")], packed)
    assert unpack(packed, tmp_path / "there", study)
    for member in study["members"]:
        member["precision"] = "bfloat16"
    with pytest.raises(StudyError, match="STUDY: the settings are not those"):
        unpack(packed, tmp_path / "elsewhere", study)


def test_settings_that_are_not_those_of_the_provenance_are_refused(tmp_path: Path) -> None:
    folder, packed = tmp_path / "small", tmp_path / "small.predictions.tar.gz"
    save_json(folder / "study.json", STUDY | {"seed": 5})
    save_json(folder / "provenance.json", {"study_hash": study_hash(STUDY | {"seed": 4}), "tables": {}})
    archive(folder, [str(folder / name) for name in ("study.json", "provenance.json")], packed)
    with pytest.raises(StudyError, match=r"ARCHIVE: study\.json in .* is not the study"):
        unpack(packed, tmp_path / "there", STUDY)


def test_a_damaged_archive_is_refused(packed: Path, tmp_path: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:200])
    with pytest.raises(StudyError, match="cannot be unpacked"):
        unpack(packed, tmp_path / "there", STUDY)


def write_into(packed: Path, name: str, content: bytes) -> None:
    """Another file in an archive, whose list of files stays as it is."""
    folder = packed.parent / "edited"
    with tarfile.open(packed) as file:
        file.extractall(folder, filter="data")
    (folder / "small" / name).write_bytes(content)
    with tarfile.open(packed, "w:gz") as file:
        file.add(folder / "small", "small")


def test_a_changed_file_is_refused_by_name(packed: Path, tmp_path: Path) -> None:
    write_into(packed, "predictions/clean/a.npy", b"other")
    with pytest.raises(StudyError, match=r"predictions/clean/a\.npy in .* is damaged"):
        unpack(packed, tmp_path / "there", STUDY)


def test_a_byte_that_flipped_is_a_sentence(packed: Path, tmp_path: Path) -> None:
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    packed.write_bytes(bytes(content))
    with pytest.raises(StudyError, match="ARCHIVE: "):
        unpack(packed, tmp_path / "there", STUDY)


def test_a_file_that_the_archive_does_not_list_is_refused(packed: Path, tmp_path: Path) -> None:
    write_into(packed, "effects.parquet", b"added")
    with pytest.raises(StudyError, match=r"effects\.parquet in .* not listed"):
        unpack(packed, tmp_path / "there", STUDY)


TAKEN = {"pairwise/clean/attribution_similarity.parquet": "", "image_groups/clean/activation_similarity.npy": ""}


def test_tables_of_attributions_and_activations_are_not_computed() -> None:
    assert to_compute({"effects.parquet": "a", **TAKEN}) == {"effects.parquet": "a"}
    with pytest.raises(StudyError, match="no table that could be computed"):
        to_compute(TAKEN)


@pytest.mark.parametrize(
    "name", ["effects.parquet", "shards/clean/0/ensembles.parquet", "pairwise/clean/disagreement.parquet"]
)
def test_an_archive_must_not_hold_what_is_to_be_computed(name: str, packed: Path, tmp_path: Path) -> None:
    folder = packed.parent / "small"
    save_table(folder / name, TABLE)
    archive(folder, [str(folder / one) for one in ("study.json", "provenance.json", name)], packed)
    with pytest.raises(StudyError, match=rf"it has {name}, which must be computed. Name STUDY\.predictions\.tar\.gz"):
        unpack(packed, tmp_path / "there", STUDY)


def test_of_many_files_that_an_archive_must_not_hold_some_are_named(packed: Path, tmp_path: Path) -> None:
    folder = packed.parent / "small"
    names = [f"{number}.parquet" for number in range(12)]
    for name in names:
        save_table(folder / name, TABLE)
    archive(folder, [str(folder / one) for one in ("study.json", "provenance.json", *names)], packed)
    with pytest.raises(StudyError, match=r"10\.parquet and 9 more, which must be computed"):
        unpack(packed, tmp_path / "there", STUDY)


def test_a_provenance_without_tables_is_a_sentence(packed: Path, tmp_path: Path) -> None:
    folder = packed.parent / "small"
    save_json(folder / "provenance.json", [])
    archive(folder, [str(folder / one) for one in ("study.json", "provenance.json")], packed)
    with pytest.raises(StudyError, match="lists no tables"):
        unpack(packed, tmp_path / "there", STUDY)


def changed(**columns: list[object]) -> pl.DataFrame:
    return TABLE.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("ours", "differs", "said"),
    [
        (TABLE, False, ""),
        (changed(value=[0.5, 1000.0 + 1e-8, math.nan]), False, "at most"),
        (changed(value=[0.5, 1000.1, math.nan]), True, "1.0e-04 at most"),
        (changed(value=[0.5, 1000.0, 1.0]), True, "inf at most"),
        (changed(value=[0.5, None, math.nan]), True, "inf at most"),
        (changed(count=[1, 2, 4]), True, "columns without fractions"),
        (changed(member=["a", "b", "d"]), True, "columns without fractions"),
        (changed(weights=[[0.5, 0.5 + 1e-12], [1.0], []]), False, "at most"),
        (changed(weights=[[0.5, 0.6], [1.0], []]), True, "1.0e-01 at most"),
        (changed(weights=[[0.5], [1.0, 0.5], []]), True, "columns without fractions"),
        (TABLE.head(2), True, "2 rows and 3 published"),
    ],
)
def test_tables_are_compared_by_value(ours: pl.DataFrame, differs: bool, said: str, tmp_path: Path) -> None:
    for folder, table in (("ours", ours), ("theirs", TABLE)):
        save_table(tmp_path / folder / "t.parquet", table)
    expected = {"t.parquet": digest_of_file(tmp_path / "theirs/t.parquet")}
    [found] = compare(tmp_path / "ours", expected, tmp_path / "theirs")
    assert found.differs == differs
    assert said in found.difference
    assert bool(said) == bool(found.difference)


def test_arrays_are_compared_too_and_without_the_published_ones_only_bytes(tmp_path: Path) -> None:
    save_array(tmp_path / "ours/a.npy", np.array([[1.0, 2.0]]))
    save_array(tmp_path / "theirs/a.npy", np.array([[1.0, 2.5]]))
    save_array(tmp_path / "flat/a.npy", np.array([1.0, 2.0]))
    expected = {"a.npy": digest_of_file(tmp_path / "theirs/a.npy")}
    [found] = compare(tmp_path / "ours", expected, tmp_path / "theirs")
    assert found == Comparison("a.npy", "values differ by 2.0e-01 at most", True)
    [found] = compare(tmp_path / "ours", expected, None)
    assert found.differs
    assert "name the folder" in found.difference
    [found] = compare(tmp_path / "ours", expected, tmp_path / "flat")
    assert found == Comparison("a.npy", "shape (1, 2) instead of (2,)", True)


def test_a_damaged_published_table_is_one_line_of_many(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_table(tmp_path / f"ours/{name}.parquet", TABLE)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/a.parquet").write_bytes(b"damaged")
    save_table(tmp_path / "theirs/b.parquet", TABLE)
    damaged, same = compare(tmp_path / "ours", {"a.parquet": "", "b.parquet": ""}, tmp_path / "theirs")
    assert damaged.differs
    assert "is damaged" in damaged.difference
    assert same == Comparison("b.parquet")


def test_the_published_tables_count_and_not_the_checksums_of_the_archive(tmp_path: Path) -> None:
    """An archive that agrees with itself proves nothing about what was published."""
    save_table(tmp_path / "ours/t.parquet", TABLE)
    save_table(tmp_path / "theirs/t.parquet", TABLE.reverse())
    expected = {"t.parquet": digest_of_file(tmp_path / "ours/t.parquet")}
    [found] = compare(tmp_path / "ours", expected, tmp_path / "theirs")
    assert found.differs
    [found] = compare(tmp_path / "ours", expected, tmp_path / "nothing")
    assert found == Comparison("t.parquet", f"is not in {tmp_path / 'nothing'}", missing=True)


def resolved_and_packed(folder: Path) -> tuple[Path, Path]:
    """The study file of a small study, and an archive of its predictions that has none."""
    study = resolve(small_study(name="small"))
    provenance = {"study_hash": study_hash(study), "tables": {"effects.parquet": "", "ensembles/clean.parquet": ""}}
    save_json(folder / "small.json", small_study(name="small"))
    save_json(folder / "small/study.json", study)
    save_json(folder / "small/provenance.json", provenance)
    packed = folder / "small.predictions.tar.gz"
    archive(folder / "small", [str(folder / "small" / name) for name in ("study.json", "provenance.json")], packed)
    return folder / "small.json", packed


def test_a_folder_without_the_tables_is_refused_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compute(*_: object) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr("scripts.lib.study.verify.compute", compute)
    study, packed = resolved_and_packed(tmp_path)
    published = tmp_path / "published"
    (published / "csv").mkdir(parents=True)
    (published / "csv/effects.csv").write_text("a,b\n")
    with pytest.raises(StudyError, match=r"PUBLISHED: .* has none of the tables \(effects\.parquet, ensembles/clean"):
        verify(study, packed, published, "1")
    (published / "effects.parquet").write_text("one of them is enough")
    with pytest.raises(AssertionError, match="computed"):
        verify(study, packed, published, "1")


FILE = {"id": "a", "kind": "predictions", "file": "a.npy"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"from": "zoo/*.npy"}, r"members/0/from: zoo/\*\.npy is a relative path"),
        ([FILE, {"from": "zoo.csv"}], r"members/1/from: zoo\.csv is a relative path"),
        ([FILE, FILE | {"id": "b"}], r"members/0 \(a\)/file: a\.npy is a relative path"),
    ],
)
def test_relative_paths_lead_nowhere_from_a_temporary_folder(members: object, message: str, tmp_path: Path) -> None:
    labels = {"id": "clean", "labels": str(tmp_path / "labels.npy")}
    datasets = {"kind": "predictions", "validation": [labels]}
    save_json(tmp_path / "study.json", {"name": "small", "datasets": datasets, "members": members})
    with pytest.raises(StudyError, match=message):
        verify(tmp_path / "study.json", tmp_path / "no.tar.gz", None, "1")


@pytest.mark.parametrize(
    ("comparisons", "said", "status"),
    [
        ([Comparison("a"), Comparison("b", "at most 1e-12")], "1 of 2 tables are the same byte for byte; 0 differ", 0),
        ([Comparison("a"), Comparison("b", "at most 1", True)], "byte for byte; 1 differ by more than rounding.", 1),
        (
            [Comparison("a"), Comparison("b", "is not in x", missing=True)],
            "byte for byte; 0 differ by more than rounding; 1 are not in PUBLISHED.",
            1,
        ),
    ],
)
def test_the_last_lines_count(
    comparisons: list[Comparison],
    said: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("scripts.lib.study.verify.verify", lambda *_: comparisons)
    monkeypatch.setattr("sys.argv", ["verify", "study.yaml", "study.predictions.tar.gz"])
    assert main() == status
    assert said in capsys.readouterr().out


def test_an_error_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["verify", str(tmp_path / "no.yaml"), str(tmp_path / "no.tar.gz")])
    assert main() == 1
    assert "no.yaml" in capsys.readouterr().out

"""Files of labels that cannot be labels are refused by row; other separators and names are read."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scripts.lib.datasets.labelled_samples import make_labelled_samples
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from tests.unit.datasets.test_labelled_samples import (
    GOOD,
    LABELS,
    NAMES,
    labelled,
    made,
    named,
    predictions,
    refusal,
    result,
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sample,label\n", "has no rows"),
        ("", "is empty"),
        ("sample,label\na,cat\n,dog\n", "row 2 has no sample id"),
        ('sample,label\na,cat\n"",dog\n', "row 2 has no sample id"),
        ("sample,label\na,cat\nb,\n", "row 2 (b) has no label"),
        ("sample,label\na,0\nb\n", "row 2 has 1 cells for 2 columns"),
        ('sample,label\n"a\nb",0\nc,1\n', "more than one line"),
        ("sample,label,label\na,0,1\n", "two columns called 'label'"),
        ("sample,label\na,99999999999999999999\n", "none of the 3 classes"),
        ("sample,label\na,-1\n", "none of the 3 classes"),
        ("sample;Label\na;1\n", "has no column `label`, only sample, Label"),
    ],
    ids=range(11),
)
def test_labels_that_are_none_are_refused(tmp_path: Path, content: str, said: str) -> None:
    predictions().write_csv(tmp_path / "m.csv")
    (tmp_path / "l.csv").write_text(content)
    with pytest.raises(StudyError) as error:
        made(tmp_path, tmp_path / "l.csv", names=NAMES)
    assert said in str(error.value)
    assert "l.csv" in str(error.value)


def test_labels_in_parquet_without_a_value_are_refused(tmp_path: Path) -> None:
    for column, said in (("sample", "row 3 has no sample id"), ("label", "row 3 (z) has no label")):
        table = pl.DataFrame({"sample": ["x", "y", "z"], "label": [1, 0, 1]})
        table = table.with_columns(pl.when(pl.int_range(3) < 2).then(pl.col(column)).alias(column))
        table.write_parquet(tmp_path / "l.parquet")
        with pytest.raises(StudyError) as error:
            made(tmp_path, tmp_path / "l.parquet")
        assert said in str(error.value)


def test_arrays_of_labels_that_are_none_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "l.npy").open("wb") as file:
        head = {"descr": "<i8", "fortran_order": False, "shape": (3 * 10**12,)}
        np.lib.format.write_array_header_1_0(file, head)
    with pytest.raises(StudyError, match=r"l\.npy cannot be read"):
        made(tmp_path, tmp_path / "l.npy")
    assert "expected one label per sample" in refusal(tmp_path, LABELS[:, None], predictions(ids=None))
    assert "holds float64" in refusal(tmp_path, LABELS * 1.0, predictions(ids=None))
    assert "has no rows" in refusal(tmp_path, LABELS[:0], predictions(ids=None))
    assert result(tmp_path, np.array(named(LABELS), "S"), predictions(ids=None))[0] == LABELS.tolist()


@pytest.mark.parametrize("separator", [";", "\t"])
def test_labels_with_other_separators_are_read(tmp_path: Path, separator: str) -> None:
    labelled(named(LABELS)).write_csv(tmp_path / "l.csv", separator=separator)
    predictions().write_csv(tmp_path / "m.csv")
    assert made(tmp_path, tmp_path / "l.csv", names=NAMES) == GOOD


def test_labels_are_read_by_their_name_not_by_a_pattern(tmp_path: Path) -> None:
    labelled(LABELS[::-1]).write_csv(tmp_path / "l1.csv")
    labelled().write_csv(tmp_path / "l[1].csv")
    assert made(tmp_path, tmp_path / "l[1].csv", names=NAMES) == GOOD


def test_numbers_that_the_study_names_as_classes_are_not_counted_from_1(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("sample,label\nx,1\ny,1\n")
    assert made(tmp_path, tmp_path / "l.csv", names=["0", "1"]) == [[1, 1], ["x", "y"], ["0", "1"]]


@pytest.mark.parametrize(
    ("labels", "heads", "ordered"),
    [
        (["cat", "dog"], "cat,dog", False),
        (["0", "1"], "cat,dog", True),
        (["11", "10"], "11,10", False),
        (["0", "1"], "0,1", True),
    ],
)
def test_the_record_says_whether_numbers_order_the_classes(
    tmp_path: Path, labels: list[str], heads: str, ordered: bool
) -> None:
    (tmp_path / "l.csv").write_text("sample,label\nx,{}\ny,{}\n".format(*labels))
    (tmp_path / "m.csv").write_text(f"sample,{heads}\nx,0.9,0.1\ny,0.1,0.9\n")
    outputs = [str(tmp_path / "out" / name) for name in ("labels.npy", "samples.txt", "classes.json", "record.json")]
    member = {"id": "m", "file": str(tmp_path / "m.csv"), "classes": None, "samples": None, "values": "auto"}
    dataset = {"id": "clean", "labels": str(tmp_path / "l.csv"), "samples": None}
    make_labelled_samples(dataset, "columns", member, *outputs)
    assert load_json(outputs[3])["classes_ordered"] is ordered

"""Which column is which class: names, numbers, and what is refused."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.align_predictions import logits_of_file
from scripts.lib.reading.class_columns import class_order
from tests.unit.reading.test_align_predictions import CLASSES, LOGITS, MEMBER, SAMPLES, read, refused, table


def test_numbered_columns_are_taken_in_their_order_and_names_from_the_study_can_be_given(tmp_path: Path) -> None:
    table(classes=["class_0", "class_1", "class_2"]).write_csv(tmp_path / "m.csv")
    np.testing.assert_allclose(read(tmp_path / "m.csv")[0], LOGITS, rtol=1e-6)
    order = ["newt", "cat", "dog"]
    (tmp_path / "names.json").write_text(json.dumps(order))
    for classes in (order, str(tmp_path / "names.json")):
        logits, _ = read(tmp_path / "m.csv", classes=classes)
        np.testing.assert_allclose(logits, LOGITS[:, [1, 2, 0]], rtol=1e-6)


def test_classes_that_the_study_does_not_have_are_left_out() -> None:
    assert class_order(["eft", "newt", "cat", "dog"], CLASSES, 4, "here")[0] == [2, 3, 1]
    with pytest.raises(StudyError, match="has 4 classes, but the study has 3"):
        class_order(None, CLASSES, 4, "here")
    with pytest.raises(StudyError, match="two classes of the same name"):
        class_order(["cat", "cat", "dog"], CLASSES, 3, "here")


def test_two_columns_of_the_same_name_are_refused(tmp_path: Path) -> None:
    text = table().write_csv().replace("sample,cat,dog,newt", "sample,cat,dog,dog")
    (tmp_path / "m.csv").write_text(text)
    assert "two columns called 'dog'" in refused(tmp_path / "m.csv")
    np.savez(tmp_path / "m.npz", logits=LOGITS, classes=["cat", "dog", "dog"])
    assert "two columns called 'dog'" in refused(tmp_path / "m.npz")


@pytest.mark.parametrize("heading", ["class_{}", "{}", "prob {}", "{}.0", "class_{:03d}", "C{}"])
@pytest.mark.parametrize("first", [0, 1])
def test_numbered_columns_are_taken_by_their_number(tmp_path: Path, heading: str, first: int) -> None:
    values = np.random.default_rng(0).normal(size=(6, 12))
    heads = [heading.format(first + number) for number in range(12)]
    order = sorted(range(12), key=lambda number: heads[number][::-1])
    table(values[:, order], classes=[heads[number] for number in order]).write_csv(tmp_path / "m.csv")
    for names in ([str(number) for number in range(12)], list("abcdefghijkl")):
        logits, details = logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, names, None)
        np.testing.assert_allclose(logits, values, rtol=1e-6)
        assert any("numbered columns" in remark or "by name" in remark for remark in details["remarks"])


def test_names_of_the_study_apply_to_numbered_columns_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    table(LOGITS[:, [2, 0, 1]], classes=["class_2", "class_0", "class_1"]).write_csv(tmp_path / "m.csv")
    logits, details = read(tmp_path / "m.csv", classes=["newt", "cat", "dog"])
    np.testing.assert_allclose(logits, LOGITS[:, [1, 2, 0]], rtol=1e-6)
    assert details["remarks"] == [
        "numbered columns in another order: sorted by their number",
        "classes in another order: realigned by name",
    ]


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        (["class_0", "class_1", "class_3"], "has no column class_2"),
        (["class_2", "class_3", "class_4"], "start at 2"),
        (["0", "1", "01"], "'1' and '01' have the same number"),
        (["class_0", "class_1", "prob_2"], "'class_0' and 'prob_2' are numbered differently"),
        (["0", "1", "loss"], "'loss' is not numbered"),
    ],
)
def test_numbered_columns_with_gaps_or_of_two_kinds_are_refused(tmp_path: Path, heads: list[str], said: str) -> None:
    table(classes=heads).write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError) as refusal:
        logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, ["0", "1", "2"], None)
    assert said in str(refusal.value)
    assert "m.csv" in str(refusal.value)


@pytest.mark.parametrize("heads", [["prob_0", "loss"], ["loss", "1"]])
def test_a_column_that_is_not_a_class_is_refused_in_the_place_of_one_of_two(tmp_path: Path, heads: list[str]) -> None:
    table(LOGITS[:, :2], classes=heads).write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError, match="'loss' is not numbered"):
        logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, ["0", "1"], None)


def test_further_columns_are_left_out_by_name(tmp_path: Path) -> None:
    table().with_columns(pl.lit(9.0).alias("loss")).write_csv(tmp_path / "m.csv")
    logits, details = read(tmp_path / "m.csv")
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)
    assert details["remarks"] == ["1 classes that the study does not have are left out ('loss')"]


@pytest.mark.parametrize("stated", [["dog", "cat", "newt"], ["cat", "dog", "eft"]])
def test_stated_classes_that_contradict_the_columns_are_refused(tmp_path: Path, stated: list[str]) -> None:
    table().write_csv(tmp_path / "m.csv")
    assert "`classes`" in refused(tmp_path / "m.csv", classes=stated)
    np.testing.assert_allclose(read(tmp_path / "m.csv", classes=CLASSES)[0], LOGITS, rtol=1e-6)


@pytest.mark.parametrize("content", ['["cat", null, "newt"]', '["cat", true, "newt"]', '{"cat": 0}', "[" * 10**5, "[1"])
def test_lists_of_classes_that_are_none_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "names.json").write_text(content)
    table(classes=["0", "1", "2"]).write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError, match=r"names\.json"):
        read(tmp_path / "m.csv", classes=str(tmp_path / "names.json"))


def test_classes_called_by_other_numbers_than_the_columns_are_refused(tmp_path: Path) -> None:
    table(classes=["3", "2", "1"]).write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError, match="numbered in different ways"):
        logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, ["2", "1", "0"], None)

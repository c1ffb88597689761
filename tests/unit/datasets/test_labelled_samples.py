"""Validation sets without images: labels as numbers or names, with ids or without."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.datasets.labelled_samples import make_labelled_samples
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json, load_lines

CLASSES = ["cat", "dog"]
MEMBER = {"id": "m", "file": "m.csv", "classes": CLASSES}


def made(folder: Path, labels: Path, samples: Path | None = None, names: list[str] | None = CLASSES) -> list[Any]:
    pl.DataFrame({"cat": [0.5], "dog": [0.5]}).write_csv(folder / "m.csv")
    outputs = [str(folder / "out" / name) for name in ("labels.npy", "samples.txt", "classes.json", "record.json")]
    dataset = {"id": "clean", "labels": str(labels), "samples": str(samples) if samples else None}
    make_labelled_samples(dataset, names, MEMBER | {"file": str(folder / "m.csv")}, *outputs)
    return [np.load(outputs[0]).tolist(), load_lines(outputs[1]), load_json(outputs[2])]


@pytest.mark.parametrize("labels", [[1, 0, 1], ["dog", "cat", "dog"]])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_labels_are_numbers_or_names(tmp_path: Path, labels: list[Any], form: str) -> None:
    table = pl.DataFrame({"sample": ["x", "y", "z"], "label": labels})
    table.write_csv(tmp_path / "l.csv") if form == "csv" else table.write_parquet(tmp_path / "l.parquet")
    assert made(tmp_path, tmp_path / f"l.{form}") == [[1, 0, 1], ["x", "y", "z"], CLASSES]


def test_ids_come_from_a_file_or_are_numbers_and_class_names_from_the_first_member(tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.array([0, 1]))
    assert made(tmp_path, tmp_path / "l.npy", names=None) == [[0, 1], ["0", "1"], CLASSES]
    (tmp_path / "ids.txt").write_text("x\ny\n")
    assert made(tmp_path, tmp_path / "l.npy", tmp_path / "ids.txt")[1] == ["x", "y"]


@pytest.mark.parametrize(
    ("labels", "samples", "said"),
    [
        (
            [0, 2],
            ["x", "y"],
            "has 1 labels that are none of the 2 classes (cat, dog, …); the first is 2 for y",
        ),
        ([0, 1], ["x", "x"], "'x' is there twice"),
        ([0.5, 1], ["x", "y"], "holds float64; labels must be whole numbers from 0, or names of classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: list[Any], samples: list[str], said: str) -> None:
    pl.DataFrame({"sample": samples, "label": labels}).write_csv(tmp_path / "l.csv")
    with pytest.raises(StudyError) as refusal:
        made(tmp_path, tmp_path / "l.csv")
    assert said in str(refusal.value)
    assert "l.csv" in str(refusal.value)


def test_a_file_that_is_missing_or_has_no_labels_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"gone\.csv does not exist"):
        made(tmp_path, tmp_path / "gone.csv")
    pl.DataFrame({"sample": ["x"], "y": [0]}).write_csv(tmp_path / "l.csv")
    with pytest.raises(StudyError, match="has no column `label`, only sample, y"):
        made(tmp_path, tmp_path / "l.csv")


# What was read wrongly, or ended in a traceback. Labels and the first member's file together say what the classes are.

NAMES = ["cat", "dog", "newt"]
ROWS = 30
LABELS = np.arange(ROWS) % 3
IDS = [f"image-{row:02d}" for row in range(ROWS)]


def predictions(labels: Any = LABELS, names: list[str] = NAMES, ids: list[Any] | None = IDS) -> pl.DataFrame:
    """Logits of a good member: correct for nine of ten samples."""
    values = np.random.default_rng(0).normal(size=(len(labels), len(names)))
    values[np.arange(len(labels)), labels] += 4
    wrong = slice(None, None, 10)
    values[wrong] = -values[wrong]
    scores = pl.DataFrame(values, schema=names)
    return scores if ids is None else scores.insert_column(0, pl.Series("sample", ids))


def labelled(labels: Any = LABELS, ids: list[Any] | None = IDS, column: str = "sample") -> pl.DataFrame:
    return pl.DataFrame(({column: ids} if ids else {}) | {"label": labels})


def named(labels: np.ndarray) -> list[str]:
    return [NAMES[label] for label in labels]


def result(
    folder: Path,
    labels: pl.DataFrame | np.ndarray,
    first: pl.DataFrame | np.ndarray,
    class_names: Any = None,
    classes: list[str] | None = None,
    values: str = "auto",
    **dataset: Any,
) -> list[Any]:
    """Labels, ids and classes, of a file of labels and the first member's file."""
    paths = []
    for name, content in (("l", labels), ("m", first)):
        paths.append(folder / f"{name}.{'npy' if isinstance(content, np.ndarray) else 'csv'}")
        np.save(paths[-1], content) if isinstance(content, np.ndarray) else content.write_csv(paths[-1])
    outputs = [str(folder / "out" / name) for name in ("labels.npy", "samples.txt", "classes.json", "record.json")]
    member = {"id": "m", "file": str(paths[1]), "classes": classes, "samples": None, "values": values}
    make_labelled_samples(
        {"id": "clean", "labels": str(paths[0]), "samples": None} | dataset, class_names, member, *outputs
    )
    return [np.load(outputs[0]).tolist(), load_lines(outputs[1]), load_json(outputs[2])]


def refusal(*arguments: Any, **settings: Any) -> str:
    with pytest.raises(StudyError) as error:
        result(*arguments, **settings)
    return str(error.value)


GOOD = [LABELS.tolist(), IDS, NAMES]


@pytest.mark.parametrize("labels", [LABELS, named(LABELS)], ids=["numbers", "names"])
@pytest.mark.parametrize("place", [0, 1, 4])
@pytest.mark.parametrize("name", ["prediction", "loss"])
def test_a_column_that_no_label_knows_is_no_class(tmp_path: Path, labels: Any, place: int, name: str) -> None:
    extra = pl.Series(name, LABELS if name == "prediction" else np.linspace(0, 9, ROWS))
    first = predictions().insert_column(place, extra)
    said = refusal(tmp_path, labelled(labels), first)
    assert name in said
    assert "m.csv" in said
    assert "class_names: [cat, dog, newt]" in said or isinstance(labels, np.ndarray)
    assert result(tmp_path, labelled(labels), first, class_names=NAMES) == GOOD
    assert result(tmp_path, labelled(labels), first, classes=NAMES) == GOOD


def test_a_file_of_predictions_without_a_column_of_a_class_is_refused(tmp_path: Path) -> None:
    """Its only columns are labels and ids; `make fuzz` found that this ended in an IndexError."""
    first = pl.DataFrame({"label": [1.0] * ROWS, "sample": IDS})
    message = refusal(tmp_path, labelled(named(LABELS)), first)
    assert "l.csv has 30 labels that are none of the 0 classes" in message


def test_a_row_number_of_pandas_is_no_class(tmp_path: Path) -> None:
    for name in ("", "Unnamed: 0"):
        assert "index=False" in refusal(tmp_path, labelled(), predictions().insert_column(0, pl.Series(name, LABELS)))


@pytest.mark.parametrize("labels", [LABELS[LABELS < 2], named(LABELS[LABELS < 2])], ids=["numbers", "names"])
def test_a_class_without_samples_must_be_named_or_be_part_of_a_distribution(tmp_path: Path, labels: Any) -> None:
    ids = np.array(IDS)[LABELS < 2].tolist()
    first = predictions(LABELS[LABELS < 2], ids=ids)
    good = [LABELS[LABELS < 2].tolist(), ids, NAMES]
    said = refusal(tmp_path, labelled(labels, ids), first)
    assert "newt" in said
    assert "class_names: columns" in said
    for class_names in (NAMES, "columns"):
        assert result(tmp_path, labelled(labels, ids), first, class_names=class_names) == good
    powers = np.exp(first.drop("sample").to_numpy())
    shares = pl.DataFrame(powers / powers.sum(1, keepdims=True), schema=NAMES)
    shares = shares.with_columns(first["sample"])
    assert result(tmp_path, labelled(labels, ids), shares) == good
    beside = shares.with_columns(loss=pl.lit(0.001))
    assert "loss" in refusal(tmp_path, labelled(labels, ids), beside)


def test_numbered_columns_are_classes_whether_or_not_they_have_samples(tmp_path: Path) -> None:
    heads = ["class_10", *(f"class_{number}" for number in range(10))]
    for names, labels in ((heads, LABELS), (heads[::-1], LABELS), (heads, LABELS + 8)):
        by_number = predictions(labels, [f"class_{number}" for number in range(11)])
        made = result(tmp_path, labelled(labels), by_number.select("sample", *names))
        assert made == [labels.tolist(), IDS, [str(number) for number in range(11)]]
    assert "loss" in refusal(tmp_path, labelled(), predictions(names=["0", "1", "2", "loss"]))
    assert "has no column 2" in refusal(tmp_path, labelled(), predictions(names=["0", "1", "3"]))
    assert "numbered, but not in order" in refusal(tmp_path, labelled(), predictions(names=["y1", "y0", "y2"]))
    assert result(tmp_path, labelled(), predictions(names=["y0", "y1", "y2"]))[2] == ["y0", "y1", "y2"]


def test_classes_may_be_called_by_any_numbers(tmp_path: Path) -> None:
    for names in (["3", "5", "7"], ["-1", "0", "1"], ["1", "2", "3"]):
        labels = labelled([names[label] for label in LABELS])
        for class_names in (None, names):
            assert result(tmp_path, labels, predictions(names=names), class_names) == [LABELS.tolist(), IDS, names]


def test_a_label_that_is_the_number_of_one_class_and_the_name_of_another_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, labelled(), predictions(), class_names=["2", "0", "1"])
    assert "label 0 is the number of the class '2', but also the name of another" in said
    assert result(tmp_path, labelled(), predictions(), class_names=["2", "0", "1"], first_label=0)[0] == GOOD[0]


@pytest.mark.parametrize("column", ["sample", "id"])
def test_ids_of_labels_are_sample_or_id_and_always_text(tmp_path: Path, column: str) -> None:
    for ids in ([f"{row:04d}" for row in range(ROWS)], [f"1.{'0' * (row + 1)}" for row in range(ROWS)]):
        assert result(tmp_path, labelled(ids=ids, column=column), predictions(ids=ids)) == [LABELS.tolist(), ids, NAMES]
    shuffled = np.random.default_rng(1).permutation(ROWS).tolist()
    made = result(tmp_path, labelled(ids=shuffled, column=column), predictions(ids=shuffled))
    assert made[1] == [str(number) for number in shuffled]


def test_labels_without_ids_are_refused_where_predictions_have_some(tmp_path: Path) -> None:
    for labels in (labelled(ids=None), labelled(column="file"), LABELS):
        said = refusal(tmp_path, labels, predictions())
        assert "m.csv has ids" in said
        assert "`sample` or `id`" in said
    made = result(tmp_path, labelled(ids=None), predictions(ids=None))
    assert made == [LABELS.tolist(), [str(row) for row in range(ROWS)], NAMES]
    (tmp_path / "ids.txt").write_text("\n".join(IDS) + "\n", encoding="utf-8-sig")
    assert result(tmp_path, LABELS, predictions(), samples=str(tmp_path / "ids.txt")) == GOOD


def test_two_sources_of_ids_must_agree(tmp_path: Path) -> None:
    both = labelled().with_columns(pl.col("sample").alias("id"))
    assert result(tmp_path, both, predictions()) == GOOD
    assert "`sample` and `id`" in refusal(tmp_path, both.with_columns(id=pl.Series(LABELS)), predictions())
    (tmp_path / "ids.txt").write_text("\n".join(IDS[::-1]))
    said = refusal(tmp_path, labelled(), predictions(), samples=str(tmp_path / "ids.txt"))
    assert "ids.txt" in said
    assert "l.csv" in said
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    assert result(tmp_path, labelled(), predictions(), samples=str(tmp_path / "ids.txt")) == GOOD


def test_labels_counted_from_1_without_the_last_class_are_refused(tmp_path: Path) -> None:
    """They were shifted by one, in silence: in range they are."""
    labels, four = LABELS + 1, [*NAMES, "eft"]
    for table in (labelled(labels), labels):
        ids = None if isinstance(table, np.ndarray) else IDS
        said = refusal(tmp_path, table, predictions(LABELS, four, ids), class_names=four)
        assert "no label 0" in said
        assert "`first_label: 1`" in said
        assert "`first_label: 0`" in said
        made = result(tmp_path, table, predictions(LABELS, four, ids), class_names=four, first_label=1)
        assert made[0] == LABELS.tolist()


def test_labels_counted_from_1_with_the_last_class_are_refused_with_the_remedy(tmp_path: Path) -> None:
    said = refusal(tmp_path, labelled(LABELS + 1), predictions(), class_names=NAMES)
    assert "has 10 labels that are none of the 3 classes (cat, dog, newt, …); the first is 3 for image-02" in said
    assert "`first_label: 1`" in said
    assert result(tmp_path, labelled(LABELS + 1), predictions(), first_label=1) == GOOD


def test_a_first_class_without_samples_needs_a_member_that_agrees_or_the_key(tmp_path: Path) -> None:
    labels, four = LABELS + 1, ["eft", *NAMES]
    good = predictions(labels, four)
    assert result(tmp_path, labelled(labels), good, class_names=four) == [labels.tolist(), IDS, four]
    poor = good.with_columns(pl.lit(2.0).alias(name) for name in four)
    assert "no label 0" in refusal(tmp_path, labelled(labels), poor, class_names=four)
    assert result(tmp_path, labelled(labels), poor, class_names=four, first_label=0)[0] == labels.tolist()


def test_predictions_with_a_further_class_before_the_first_are_refused(tmp_path: Path) -> None:
    """As those of networks with a class for the background: each label would mean the class before."""
    values = predictions(LABELS + 1, ["background", *NAMES], None).to_numpy()
    said = refusal(tmp_path, LABELS, values)
    assert "further class before the first" in said
    assert result(tmp_path, LABELS, values, first_label=0)[0] == LABELS.tolist()
    plain = predictions(LABELS, [*NAMES, "eft"], None).to_numpy()
    assert result(tmp_path, LABELS, plain)[0] == LABELS.tolist()

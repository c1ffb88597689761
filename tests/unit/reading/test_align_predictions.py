"""Files of predictions: every form gives the same logits, and files that do not fit are refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json, save_json, save_lines
from scripts.lib.reading.align_predictions import Guesses, import_predictions, logits_of_file
from scripts.lib.reading.probabilities import to_logits

SAMPLES = [f"image-{number}" for number in range(6)]
CLASSES = ["cat", "dog", "newt"]
LOGITS = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
MEMBER = {"id": "m", "values": "auto", "classes": None, "samples": None}


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def table(
    values: np.ndarray = LOGITS, samples: list[str] | None = SAMPLES, classes: list[str] = CLASSES
) -> pl.DataFrame:
    scores = pl.DataFrame(values.astype(np.float64), schema=classes)
    return scores if samples is None else scores.insert_column(0, pl.Series("sample", samples))


def written(folder: Path, form: str) -> Path:
    path = folder / f"m.{form}"
    if form == "npy":
        np.save(path, LOGITS)
    elif form == "npz":
        np.savez(path, logits=LOGITS, sample=np.array(SAMPLES), classes=np.array(CLASSES))
    elif form == "csv":
        table().write_csv(path)
    else:
        table().write_parquet(path)
    return path


def read(path: Path, ids: list[str] | None = None, **member: Any) -> tuple[np.ndarray, dict[str, Any]]:
    return logits_of_file(str(path), MEMBER | member, "clean", SAMPLES, CLASSES, ids)


@pytest.mark.parametrize("form", ["npy", "npz", "csv", "parquet"])
def test_every_form_gives_the_same_logits(tmp_path: Path, form: str) -> None:
    logits, details = read(written(tmp_path, form))
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)
    assert logits.dtype == np.float32
    assert details["values"] == "logits"
    assert len(details["digest"]) == 64


def test_probabilities_are_detected_and_keep_their_values(tmp_path: Path) -> None:
    table(softmax(LOGITS)).write_csv(tmp_path / "m.csv")
    logits, details = read(tmp_path / "m.csv")
    np.testing.assert_allclose(softmax(logits), softmax(LOGITS), atol=1e-6)
    assert details["values"] == "probabilities"
    certain = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    assert np.isfinite(to_logits(certain, "auto", SAMPLES, "here")[0]).all()


def test_rows_and_columns_in_another_order_are_realigned_by_name(tmp_path: Path) -> None:
    rows, columns = [3, 1, 5, 0, 2, 4], [2, 0, 1]
    shuffled = table(LOGITS[rows][:, columns], [SAMPLES[r] for r in rows], [CLASSES[c] for c in columns])
    shuffled.write_parquet(tmp_path / "m.parquet")
    logits, details = read(tmp_path / "m.parquet")
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)
    assert details["remarks"] == [
        "ids in another order: realigned by id",
        "classes in another order: realigned by name",
    ]


def test_ids_from_a_file_of_their_own_and_samples_that_nobody_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.vstack([np.ones((1, 3)), LOGITS]))
    logits, details = read(tmp_path / "m.npy", ids=["other", *SAMPLES])
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)
    assert details["remarks"] == ["1 samples that the validation set does not have are left out"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (table(samples=[*SAMPLES[:5], SAMPLES[0]]), "has 1 duplicate sample ids; the first is 'image-0'"),
        (table()[:4], "has no rows for 2 of the 6 samples of the validation set; the first is 'image-4'"),
        (table(samples=None)[:4], "has 4 rows for the 6 samples of the validation set, and no ids"),
        (table().with_columns(pl.lit(None).alias("dog")), "numbers that are NaN, infinite or missing for 6 of 6"),
        (table(np.where(LOGITS[2, 1] == LOGITS, np.nan, LOGITS)), "for 1 of 6 samples; the first is image-2"),
        (table(0.5 * softmax(LOGITS)), "probabilities that do not sum to 1 (set `values: logits` if they are logits)"),
        (table().drop("newt"), "has other classes than the study: missing are newt"),
        (table(classes=["cat", "dog", "eft"]), "missing are newt; not in the study are eft"),
        (table().with_columns(pl.lit("x").alias("dog")), "the column 'dog' has text (such as 'x') instead of numbers"),
        (table(np.full((6, 3), 1e300)), "logits beyond the range of float32"),
    ],
    ids=range(10),
)
def test_tables_that_do_not_fit_are_refused(tmp_path: Path, content: pl.DataFrame, said: str) -> None:
    content.write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError) as refusal:
        read(tmp_path / "m.csv")
    assert said in str(refusal.value)
    assert "m.csv" in str(refusal.value)


@pytest.mark.parametrize("values", ["auto", "probabilities"])
def test_a_probability_just_below_zero_is_rounding(tmp_path: Path, values: str) -> None:
    """Such as 1 − p for a float32 p just above 1."""
    certain = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    certain[0] = [1 + 1e-7, -1e-7, 0]
    table(certain).write_csv(tmp_path / "m.csv")
    logits, details = read(tmp_path / "m.csv", values=values)
    assert details["values"] == "probabilities"
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(softmax(logits), certain, atol=1e-6)


def test_probabilities_that_are_stated_are_held_to_it(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError, match="probabilities that are not between 0 and 1 for"):
        read(tmp_path / "m.csv", values="probabilities")
    table(0.5 * softmax(LOGITS)).write_csv(tmp_path / "m.csv")
    assert read(tmp_path / "m.csv", values="logits")[1]["values"] == "logits"


def test_good_files_are_written_though_others_are_refused(tmp_path: Path) -> None:
    for name, content in (("good", table()), ("short", table()[:3]), ("other", table(classes=["a", "b", "c2x"]))):
        content.write_csv(tmp_path / f"{name}.csv")
    save_lines(tmp_path / "samples" / "clean.txt", SAMPLES)
    save_json(tmp_path / "classes.json", CLASSES)
    members = [MEMBER | {"id": name} for name in ("good", "short", "other")]
    output = tmp_path / "imported" / "clean.json"
    where = (
        str(tmp_path / "samples" / "clean.txt"),
        str(tmp_path / "classes.json"),
        tmp_path / "predictions" / "clean",
        str(output),
    )
    with pytest.raises(StudyError) as refusal:
        import_predictions(members, [str(tmp_path / f"{m['id']}.csv") for m in members], "clean", *where)
    assert "short.csv" in str(refusal.value)
    assert "other.csv" in str(refusal.value)
    assert not output.exists()
    np.testing.assert_allclose(np.load(tmp_path / "predictions" / "clean" / "good.npy"), LOGITS, rtol=1e-6)
    assert load_json(tmp_path / "predictions" / "clean" / "good.json")["values"] == "logits"


# What was read wrongly, or ended in a traceback.

PROBABILITIES = softmax(LOGITS)


def refused(path: Path, **member: Any) -> str:
    with pytest.raises(StudyError) as refusal:
        read(path, **member)
    assert path.name in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize("name", ["", " ", "Unnamed: 0", "__index_level_0__"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_column_that_is_a_row_number_is_refused(tmp_path: Path, form: str, name: str) -> None:
    content = table().insert_column(0, pl.Series(name, range(6)))
    path = tmp_path / f"m.{form}"
    content.write_csv(path) if form == "csv" else content.write_parquet(path)
    assert "index=False" in refused(path)


def test_ids_of_files_are_text(tmp_path: Path) -> None:
    ids = ["0000", "1.10", "1.1", "1e3", "007", "-0"]
    for column in ("sample", "id"):
        table(LOGITS[::-1], ids[::-1]).rename({"sample": column}).write_csv(tmp_path / "m.csv")
        logits, _ = logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", ids, CLASSES, None)
        np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)


@pytest.mark.parametrize("name", ["prediction", "loss"])
def test_probabilities_beside_a_column_that_is_no_class_are_not_taken_for_logits(tmp_path: Path, name: str) -> None:
    """The values of `prediction` are not between 0 and 1, so that all of them seemed to be logits."""
    extra = [0, 1, 2, 3, 1, 1] if name == "prediction" else [0.25] * 6
    table(PROBABILITIES).with_columns(pl.Series(name, extra)).write_csv(tmp_path / "m.csv")
    for values in ("auto", "probabilities"):
        assert name in refused(tmp_path / "m.csv", values=values)


def test_percentages_are_not_taken_for_logits(tmp_path: Path) -> None:
    table(100 * PROBABILITIES).write_csv(tmp_path / "m.csv")
    assert "sum to 100" in refused(tmp_path / "m.csv")
    assert read(tmp_path / "m.csv", values="logits")[1]["values"] == "logits"
    rounded = 100 * PROBABILITIES
    rounded[0] = [100.00001, -0.00001, 0]
    table(rounded).write_csv(tmp_path / "m.csv")
    assert "sum to 100" in refused(tmp_path / "m.csv")


def test_names_of_classes_say_nothing_where_the_study_has_numbers(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "m.csv")
    logits, details = logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, ["0", "1", "2"], None)
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)
    assert details["remarks"] == ["the study has no names of classes: columns are taken in their order"]
    table(classes=["y2", "y0", "y1"]).write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError, match="numbered, but not in order"):
        logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, ["0", "1", "2"], None)


def imported(folder: Path, samples: list[str], contents: dict[str, pl.DataFrame], classes: list[str]) -> None:
    for name, content in contents.items():
        content.write_csv(folder / f"{name}.csv")
    save_lines(folder / "samples" / "clean.txt", samples)
    save_json(folder / "classes.json", classes)
    where = str(folder / "samples" / "clean.txt"), str(folder / "classes.json"), folder / "predictions" / "clean"
    listing = str(folder / "imported" / "clean.json")
    members = [MEMBER | {"id": name} for name in contents]
    import_predictions(members, [str(folder / f"{name}.csv") for name in contents], "clean", *where, listing)


def test_copies_and_missing_labels_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    contents = {"first": table(), "second": table(-LOGITS), "third": table()}
    imported(tmp_path, SAMPLES, contents, CLASSES)
    assert "the same predictions in the files of first, third" in caplog.text
    assert "have labels" not in caplog.text
    imported(tmp_path, SAMPLES[:2], contents, CLASSES)
    assert "only 2 of the 6 samples in these files have labels" in caplog.text
    assert load_json(tmp_path / "predictions/clean/first.json")["rows"] == 6


def test_row_numbers_are_not_taken_for_ids(tmp_path: Path) -> None:
    """Labels without ids are numbered, and a file whose ids are shuffled numbers is not about these rows."""
    rows = ["0", "1", "2", "3", "4", "5"]
    shuffled, plain = table(samples=["3", "1", "5", "0", "2", "4"]), table(samples=None)
    with pytest.raises(StudyError, match=r"other\.csv.*first\.csv.* has no ids"):
        imported(tmp_path, rows, {"first": plain, "other": shuffled}, CLASSES)
    further = pl.concat([table(samples=["6", *rows[1:]]), table(samples=rows)[:1]]).sort("sample", descending=True)
    with pytest.raises(StudyError, match=r"other\.csv.*first\.csv.* has no ids"):
        imported(tmp_path, rows, {"first": plain, "other": further}, CLASSES)
    imported(tmp_path, rows, {"first": plain, "other": table(samples=rows)}, CLASSES)
    imported(tmp_path, rows, {"first": table(samples=rows), "other": shuffled}, CLASSES)
    np.testing.assert_allclose(np.load(tmp_path / "predictions/clean/other.npy")[3], LOGITS[0], rtol=1e-6)


def test_columns_that_files_name_in_different_orders_are_refused_where_the_study_has_numbers(tmp_path: Path) -> None:
    other = table(classes=["dog", "cat", "newt"])
    with pytest.raises(StudyError, match=r"other\.csv.*another order"):
        imported(tmp_path, SAMPLES, {"first": table(), "other": other}, ["0", "1", "2"])
    imported(tmp_path, SAMPLES, {"first": table(), "other": other}, CLASSES)


@pytest.mark.parametrize("heads", [["0", "1", "2"], ["class_2", "class_0", "class_1"], None])
def test_numbers_are_refused_where_only_the_columns_of_another_file_order_the_classes(
    tmp_path: Path, heads: list[str] | None
) -> None:
    ordered, unordered = Guesses(SAMPLES), Guesses(SAMPLES, ordered=False)
    if heads is None:
        path = tmp_path / "m.npy"
        np.save(path, LOGITS)
    else:
        path = tmp_path / "m.csv"
        table(classes=heads).write_csv(path)
    arguments = (str(path), MEMBER, "clean", SAMPLES, ["newt", "cat", "dog"], None)
    logits_of_file(*arguments, ordered)
    with pytest.raises(StudyError, match="which number is which class is not known"):
        logits_of_file(*arguments, unordered)
    said = (str(path), MEMBER | {"classes": ["cat", "dog", "newt"]}, *arguments[2:])
    logits_of_file(*said, unordered)

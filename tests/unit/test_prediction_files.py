"""Files of predictions: every form gives the same logits, and what does not fit is refused by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.errors import StudyError
from scripts.lib.prediction_files import class_order, import_predictions, logits_of_file, read_scores, to_logits
from scripts.lib.storage import load_json, save_json, save_lines

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
        (table(samples=[*SAMPLES[:5], SAMPLES[0]]), "has 1 double sample ids; the first is 'image-0'"),
        (table()[:4], "lacks 2 of the 6 samples of the validation set; the first is 'image-4'"),
        (table(samples=None)[:4], "has 4 rows for the 6 samples of the validation set, and no ids"),
        (table().with_columns(pl.lit(None).alias("dog")), "numbers that are NaN, infinite or missing for 6 of 6"),
        (table(np.where(LOGITS[2, 1] == LOGITS, np.nan, LOGITS)), "for 1 of 6 samples; the first is image-2"),
        (table(0.5 * softmax(LOGITS)), "probabilities that do not sum to 1 (`values: logits` takes them for logits)"),
        (table().drop("newt"), "has other classes than the study: it lacks newt"),
        (table(classes=["cat", "dog", "eft"]), "it lacks newt, and has eft instead"),
        (table().with_columns(pl.lit("x").alias("dog")), "could not parse"),
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


def test_probabilities_that_are_stated_are_held_to_it(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError, match="probabilities that are not between 0 and 1 for"):
        read(tmp_path / "m.csv", values="probabilities")
    table(0.5 * softmax(LOGITS)).write_csv(tmp_path / "m.csv")
    assert read(tmp_path / "m.csv", values="logits")[1]["values"] == "logits"


def test_python_objects_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(StudyError, match=r"m\.npy cannot be read: .*pickles\) are not loaded"):
        read_scores(tmp_path / "m.npy")
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04")
    with pytest.raises(StudyError, match=r"are read from \.npy, \.npz, \.csv, \.parquet, not from '\.pkl'"):
        read_scores(tmp_path / "m.pkl")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"\x93NUMPY half"])
@pytest.mark.parametrize("form", ["npy", "npz", "csv", "parquet"])
def test_damaged_files_are_named(tmp_path: Path, form: str, content: bytes) -> None:
    (tmp_path / f"m.{form}").write_bytes(content)
    with pytest.raises(StudyError, match=rf"m\.{form}"):
        read(tmp_path / f"m.{form}")


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
    with pytest.raises(StudyError, match="has 4 classes, the study has 3"):
        class_order(None, CLASSES, 4, "here")
    with pytest.raises(StudyError, match="two classes of the same name"):
        class_order(["cat", "cat", "dog"], CLASSES, 3, "here")


def test_good_files_are_written_though_others_are_refused(tmp_path: Path) -> None:
    for name, content in (("good", table()), ("short", table()[:3]), ("other", table(classes=["a", "b", "c2x"]))):
        content.write_csv(tmp_path / f"{name}.csv")
    save_lines(tmp_path / "samples" / "clean.txt", SAMPLES)
    save_json(tmp_path / "classes.json", CLASSES)
    members = [MEMBER | {"id": name} for name in ("good", "short", "other")]
    output = tmp_path / "imported" / "clean.json"
    where = (str(tmp_path / "samples" / "clean.txt"), str(tmp_path / "classes.json"), str(output))
    with pytest.raises(StudyError) as refusal:
        import_predictions(members, [str(tmp_path / f"{m['id']}.csv") for m in members], "clean", *where)
    assert "short.csv" in str(refusal.value)
    assert "other.csv" in str(refusal.value)
    assert not output.exists()
    np.testing.assert_allclose(np.load(tmp_path / "predictions" / "clean" / "good.npy"), LOGITS, rtol=1e-6)
    assert load_json(tmp_path / "predictions" / "clean" / "good.json")["values"] == "logits"

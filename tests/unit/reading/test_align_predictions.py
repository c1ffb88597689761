"""Files of predictions: every form gives the same logits, and files that do not fit are refused by name."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json, save_json, save_lines
from scripts.lib.reading.align_predictions import Guesses, import_predictions, logits_of_file, read_scores, to_logits
from scripts.lib.reading.class_columns import class_order

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
    with pytest.raises(StudyError, match="has 4 classes, but the study has 3"):
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


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_is_read_by_its_name_not_by_a_pattern(tmp_path: Path, form: str) -> None:
    for name, values in (("m1", -LOGITS), ("m[1]", LOGITS)):
        content = table(values)
        path = tmp_path / f"{name}.{form}"
        content.write_csv(path) if form == "csv" else content.write_parquet(path)
    np.testing.assert_allclose(read(tmp_path / f"m[1].{form}")[0], LOGITS, rtol=1e-6)
    (tmp_path / f"folder.{form}").mkdir()
    assert "not a file" in refused(tmp_path / f"folder.{form}")


@pytest.mark.parametrize("form", ["npy", "npz", "csv", "parquet"])
def test_a_file_without_rows_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"m.{form}"
    empty = table()[:0]
    if form == "npy":
        np.save(path, LOGITS[:0])
    elif form == "npz":
        np.savez(path, logits=LOGITS[:0], sample=np.array([], "U7"))
    else:
        empty.write_csv(path) if form == "csv" else empty.write_parquet(path)
    assert "has no rows" in refused(path)


def with_array(path: Path, name: str, shape: tuple[int, ...], content: bytes) -> None:
    """Add an array to an .npz file whose header says another shape than it has."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{name}.npy", head.getvalue() + content)


def test_an_array_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    with_array(tmp_path / "m.npz", "logits", (6, 10**12), LOGITS.tobytes())
    assert "24000000000000 bytes" in refused(tmp_path / "m.npz")
    head = (tmp_path / "m.npy").open("wb")
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (6, 10**12)})
    head.close()
    refused(tmp_path / "m.npy")


def test_arrays_that_are_called_like_the_other_kind_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "npz").rename(tmp_path / "a.npy")
    refused(tmp_path / "a.npy")
    written(tmp_path, "npy").rename(tmp_path / "b.npz")
    refused(tmp_path / "b.npz")


def test_ids_that_are_bytes_are_their_text(tmp_path: Path) -> None:
    names = {"sample": np.array(SAMPLES, "S"), "classes": np.array(CLASSES, "S")}
    np.savez(tmp_path / "m.npz", logits=LOGITS[::-1], **names | {"sample": names["sample"][::-1]})
    np.testing.assert_allclose(read(tmp_path / "m.npz")[0], LOGITS, rtol=1e-6)
    content = table(LOGITS[::-1], SAMPLES[::-1]).with_columns(pl.col("sample").cast(pl.Binary))
    content.write_parquet(tmp_path / "m.parquet")
    np.testing.assert_allclose(read(tmp_path / "m.parquet")[0], LOGITS, rtol=1e-6)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (np.array([SAMPLES]).T, "expected one text or number per row"),
        (np.array("image-0"), "expected one text or number per row"),
        (np.array([b"\xff", *SAMPLES[1:]], "S"), "utf-8"),
        (np.array(["", *SAMPLES[1:]]), "row 1 has no sample id"),
        (np.array([0, 1, 2, 3, 4, np.nan]), "row 6 has no sample id"),
        (np.array(["\ud800", *SAMPLES[1:]]), "surrogates"),
    ],
)
def test_arrays_of_ids_that_are_none_are_refused(tmp_path: Path, ids: np.ndarray, said: str) -> None:
    np.savez(tmp_path / "m.npz", logits=LOGITS, sample=ids)
    assert said in refused(tmp_path / "m.npz")


def test_rows_without_id_are_refused(tmp_path: Path) -> None:
    for number, missing in enumerate((None, "")):
        table(samples=[*SAMPLES[:5], missing]).write_parquet(tmp_path / f"{number}.parquet")  # type: ignore[list-item]
        assert "row 6 has no sample id" in refused(tmp_path / f"{number}.parquet")


def test_ids_of_files_are_text(tmp_path: Path) -> None:
    ids = ["0000", "1.10", "1.1", "1e3", "007", "-0"]
    for column in ("sample", "id"):
        table(LOGITS[::-1], ids[::-1]).rename({"sample": column}).write_csv(tmp_path / "m.csv")
        logits, _ = logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", ids, CLASSES, None)
        np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)


def test_two_columns_of_ids_must_agree(tmp_path: Path) -> None:
    table().with_columns(pl.col("sample").alias("id")).write_csv(tmp_path / "m.csv")
    np.testing.assert_allclose(read(tmp_path / "m.csv")[0], LOGITS, rtol=1e-6)
    table().with_columns(pl.Series("id", range(6))).write_csv(tmp_path / "m.csv")
    assert "`sample` and `id`" in refused(tmp_path / "m.csv")
    np.savez(tmp_path / "m.npz", logits=LOGITS, sample=SAMPLES, ids=range(6))
    assert "`sample` and `ids`" in refused(tmp_path / "m.npz")


@pytest.mark.parametrize(("separator", "said"), [(";", "semicolons"), ("\t", "tabs")])
@pytest.mark.parametrize("comma", [False, True])
def test_other_separators_and_decimal_commas_are_read_and_said(
    tmp_path: Path, separator: str, said: str, comma: bool
) -> None:
    names = ["cat, domestic", "dog", "newt"]
    text = table(classes=names).write_csv(separator=separator)
    head, _, rows = text.partition("\n")
    (tmp_path / "m.csv").write_text(head + "\n" + (rows.replace(".", ",") if comma else rows), encoding="utf-8-sig")
    logits, details = logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, names, None)
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)
    wanted = [f"columns separated by {said}", *(["decimal commas"] if comma else [])]
    assert details["remarks"] == wanted


def test_two_kinds_of_decimal_marks_are_refused(tmp_path: Path) -> None:
    rows = [f"{name};1.234;0,5;{number}" for number, name in enumerate(SAMPLES)]
    (tmp_path / "m.csv").write_text("\n".join(["sample;cat;dog;newt", *rows]))
    assert "decimal commas and points" in refused(tmp_path / "m.csv")
    rows = [f'{name},"0,3","0,5",{number}' for number, name in enumerate(SAMPLES)]
    (tmp_path / "m.csv").write_text("\n".join(["sample,cat,dog,newt", *rows]))
    assert "could not parse" in refused(tmp_path / "m.csv")


def test_text_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    for encoding in ("utf-16", "latin-1"):
        text = table(classes=["cat", "dog", "größe"]).write_csv()
        (tmp_path / "m.csv").write_bytes(text.encode(encoding))
        assert "UTF-8" in refused(tmp_path / "m.csv")


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


def test_an_archive_that_claims_more_than_it_can_hold_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    claim = (2**31).to_bytes(4, "little")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (2**31 - 128, 1)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("logits.npy", head.getvalue())
    content = (tmp_path / "a.npz").read_bytes()
    size = len(head.getvalue()).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(content.replace(size + b"\n\0", claim + b"\n\0"))
    assert "2147483648 bytes, but can have at most 128" in refused(tmp_path / "a.npz")


def test_a_table_that_ends_within_quotation_marks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text('"sample","cat","dog"\n"a","1.000000","0.')
    assert "a quotation mark that is not closed: is the file cut off?" in refused(path)


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


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_with_fewer_cells_than_the_header_is_refused(tmp_path: Path, quote: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"sample,cat,dog\n{quote}a{quote},1,0\n{quote}b{quote},1\n")
    assert "row 2 has 2 cells for 3 columns" in refused(path)


def test_classes_called_by_other_numbers_than_the_columns_are_refused(tmp_path: Path) -> None:
    table(classes=["3", "2", "1"]).write_csv(tmp_path / "m.csv")
    with pytest.raises(StudyError, match="numbered in different ways"):
        logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, ["2", "1", "0"], None)

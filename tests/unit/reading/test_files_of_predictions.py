"""Files as they are read, before anything is aligned: arrays, archives, separators, encodings, damage."""

import io
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.align_predictions import logits_of_file, read_scores
from tests.unit.reading.test_align_predictions import CLASSES, LOGITS, MEMBER, SAMPLES, read, refused, table, written


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
    assert "row 1 (image-0) has '0,3' in the column 'cat'. Decimal commas" in refused(tmp_path / "m.csv")


def test_text_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    for encoding in ("utf-16", "latin-1"):
        text = table(classes=["cat", "dog", "größe"]).write_csv()
        (tmp_path / "m.csv").write_bytes(text.encode(encoding))
        assert "UTF-8" in refused(tmp_path / "m.csv")


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


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_with_fewer_cells_than_the_header_is_refused(tmp_path: Path, quote: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"sample,cat,dog\n{quote}a{quote},1,0\n{quote}b{quote},1\n")
    assert "row 2 has 2 cells for 3 columns" in refused(path)


def csv_of(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


ROWS = tuple(f"{name},0.5,0.25,0.25" for name in SAMPLES)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (ROWS, "the first line holds numbers ('image-0', '0.5', '0.25', …): the header is missing"),
        ([row.replace("0.5,0.25,0.25", "1,0,0") for row in ROWS], "the header is missing"),
        ([row.replace(",", " ") for row in ("sample,cat,dog,newt", *ROWS)], "separated by spaces"),
        ([row.replace(",", "|") for row in ("sample,cat,dog,newt", *ROWS)], "separated by `|`"),
        (("# by me", "sample,cat,dog,newt", *ROWS), "the first line begins with `#`"),
        ([f"{row}," for row in ("sample,cat,dog,newt", *ROWS)], "every line ends in the separator ','"),
        (["sample,cat,dog,newt", *(f"{row}," for row in ROWS)], "row 1 has 5 cells for 4 columns."),
        (("sample;cat;dog;newt", "image-0;1;0"), "row 1 has 3 cells for 4 columns: is the file cut off?"),
        (("sample,cat,dog,newt", *ROWS[:4], "image-4,0.5,N/A,0"), "row 5 (image-4) has 'N/A' in the column 'dog'"),
        (("sample;cat;dog;newt", "image-0;0,5;0,5;0", "image-1;?;0;0"), "row 2 (image-1) has '?' in the column 'cat'"),
        (("sample,cat,dog,newt", "image-0,43.36%,50%,6.64%"), "has '43.36%' in the column 'cat'. Write fractions"),
        (("sample,prediction", "image-0,cat"), "holds classes (such as 'cat') in the column 'prediction', but"),
        (("name,cat,dog,newt", *ROWS), "'name' has text (such as 'image-0') instead of numbers. Name it `sample` if"),
    ],
    ids=range(13),
)
def test_what_is_wrong_in_a_csv_file_is_said(tmp_path: Path, lines: list[str], said: str) -> None:
    assert said in refused(csv_of(tmp_path / "m.csv", *lines))


def test_columns_that_are_numbered_are_a_header(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "m.csv", "0,1,2.0", *["0.5,0.25,0.25"] * 6)
    assert read_scores(path).classes == ["0", "1", "2.0"]


@pytest.mark.parametrize(("start", "said"), [(b"\x1f\x8b\x08", "compressed by gzip"), (b"PK\x03\x04", "ZIP archive")])
def test_a_compressed_file_that_is_called_csv_is_named(tmp_path: Path, start: bytes, said: str) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(start + b"\0\xff")
    assert said in refused(path)


def test_spaces_around_names_are_left_out_only_if_names_match_without_them(tmp_path: Path) -> None:
    names = [" cat", " dog ", "newt"]
    table(classes=names).write_csv(tmp_path / "m.csv")
    logits, details = read(tmp_path / "m.csv")
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-6)
    assert details["remarks"] == ["spaces around the names of columns are left out"]
    details = logits_of_file(str(tmp_path / "m.csv"), MEMBER, "clean", SAMPLES, names, None)[1]
    assert not details["remarks"]

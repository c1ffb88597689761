"""What the checks of the fuzz test find in readers that have defects; its own readers agree with the libraries."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading import align_predictions
from tests.fuzz import claims, independent, labels, predictions, studies, zoo
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, write
from tests.fuzz.dialects import NUMBERS, npy, npz
from tests.fuzz.independent import Doubtful
from tests.fuzz.mutations import Damage
from tests.fuzz.tables import Table

# What the checks find, with readers that have defects.

TABLE = Table(["a", "b"], ["cat", "dog"], [[-2.0, 1.0], [3.0, 0.5]], "logits", True)
CSV = b"sample,cat,dog\na,-2,1\nb,3,.5\n"


def checked(tmp_path: Path, content: bytes, plain: bool = True, **more: Any) -> str:
    write({INTENTION: predictions.intention(TABLE, "csv", plain, "auto", **more), "m.csv": content}, tmp_path)
    return predictions.check(tmp_path)


def test_a_good_file_is_accepted_and_a_bad_one_refused(tmp_path: Path) -> None:
    assert checked(tmp_path, CSV) == ACCEPTED
    assert checked(tmp_path, CSV[:-4], plain=False) == REFUSED
    assert checked(tmp_path, CSV.replace(b"3", b"4"), damaged="m.csv") == ACCEPTED
    assert checked(tmp_path, CSV.replace(b"3", b"?"), damaged="m.csv") == REFUSED


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda values: values + 0.01,
        lambda values: values[::-1],
        lambda values: values[:, ::-1],
        lambda values: values[:1],
    ],
)
def test_other_values_than_meant_are_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: Callable[[np.ndarray], np.ndarray]
) -> None:
    real = align_predictions.logits_of_file

    def logits_of_file(*arguments: Any) -> Any:
        logits, details = real(*arguments)
        return spoilt(logits), details

    monkeypatch.setattr(predictions, "logits_of_file", logits_of_file)
    with pytest.raises(AssertionError):
        checked(tmp_path, CSV)
    with pytest.raises(AssertionError):
        checked(tmp_path, CSV, damaged="m.csv")


def test_a_refusal_of_the_plain_form_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="refused"):
        checked(tmp_path, CSV[:-4])


def test_a_result_of_what_nobody_can_read_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        predictions, "logits_of_file", lambda *_: (np.array(TABLE.values, np.float32), {"values": "logits"})
    )
    with pytest.raises(AssertionError, match="accepted, though"):
        checked(tmp_path, CSV.replace(b"3", b"?"), damaged="m.csv")


def test_a_study_that_lost_a_key_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "name: other\n" + json.dumps({key: value for key, value in studies.FILES.items() if key != "name"})[1:-1]
    write(
        {INTENTION: b'{"plain": true}', "study.yaml": ("{name: other, " + text.split("\n")[1] + "}").encode()}, tmp_path
    )
    assert studies.check(tmp_path) == ACCEPTED
    real = studies.load
    monkeypatch.setattr(studies, "load", lambda path: real(path) | {"baseline": None})
    with pytest.raises(AssertionError, match="a key was lost"):
        studies.check(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited on Linux only")
def test_memory_that_is_asked_for_is_a_failure() -> None:
    with claims.little_memory(), pytest.raises(MemoryError):
        np.zeros(1 << 40)

    def read() -> None:
        try:
            np.zeros(1 << 40)
        except MemoryError:
            raise StudyError("m.npy is too large") from None

    with pytest.raises(AssertionError, match="memory was asked for"), claims.little_memory():
        claims.without_large_requests(read)


# Damage, and the independent readers.


def test_every_damage_changes_bytes() -> None:
    changed = {
        kind: Damage(kind, 2, 3, b"TT")(b"abcdefgh")
        for kind in ("truncate", "delete", "insert", "replace", "repeat", "swap", "all")
    }
    assert changed == {
        "truncate": b"ab",
        "delete": b"abfgh",
        "insert": b"abTTcdefgh",
        "replace": b"abTTefgh",
        "repeat": b"abcdecdefgh",
        "swap": b"fghabcde",
        "all": b"TT",
    }
    assert Damage("flip", 0, 1, b"")(b"ab") == b"cb"
    assert Damage("flip", 5, 1, b"")(b"") == b""


def test_the_independent_readers_agree_with_the_libraries() -> None:
    values, names = np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(["ä", "b"])
    np.testing.assert_array_equal(independent.npy(npy(values)), values)
    for compressed in (False, True):
        found = independent.npz(npz({"logits": values, "sample": names}, compressed))
        np.testing.assert_array_equal(found["logits"], values)
        assert found["sample"].tolist() == ["ä", "b"]
    tensors, metadata = independent.safetensors(save({"a": np.ascontiguousarray(values, "f4")}, {"model": "x"}))
    np.testing.assert_array_equal(tensors["a"], values)
    assert metadata == {"model": "x"}
    assert independent.lines("a\r\nb\u2028c\n".encode()) == ["a", "b\u2028c"]
    found = independent.predictions_csv(b'id,"c,1",d\n"x\n1",1,2e-1\n')
    assert (found.samples, found.classes, found.values.tolist()) == (["x\n1"], ["c,1", "d"], [[1.0, 0.2]])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,b\n",
        b"a,b\n1\n",
        b"a,a\n1,2\n",
        b",b\n1,2\n",
        b"a,b\n1,x\n",
        b"a,b\n1,\n",
        b"a,b\n1,nan\n",
        b"a,b\n1,1_0\n",
        b"\xff",
        b"a,b\n1,2\n\n3,4\n",
    ],
)
def test_the_independent_reader_of_csv_says_when_it_is_in_doubt(data: bytes) -> None:
    with pytest.raises(Doubtful):
        independent.predictions_csv(data)


@pytest.mark.parametrize("value", [-10.69, 10.5, -0.64, 0.25, 0.0, 120.0, -2.0])
def test_the_numbers_of_a_dialect_are_those_that_are_meant(value: float) -> None:
    for name in ("shortest", "six digits", "exponent", "signed", "without zero", "spaces"):
        assert float(NUMBERS[name](value)) == value


LABELS = {"file": "l.csv", "samples": ["a", "b"], "labels": [0, 1], "named": False, "plain": False}


@pytest.mark.parametrize("columns", ["1,2", "2,1", "class_1,class_2", "0,1", "cat,dog"])
def test_labels_may_be_numbers_of_columns_that_are_counted_from_1(tmp_path: Path, columns: str) -> None:
    """The first number is class 0, whatever it is called: the second of '2,1' is the first."""
    meant = LABELS | {"classes": sorted(columns.split(","))}
    files = {"l.csv": b"sample,label\na,0\nb,1\n", "m.csv": f"{columns}\n1,0\n0,1\n".encode()}
    write({INTENTION: json.dumps(meant).encode(), **files}, tmp_path / "as meant")
    assert labels.check(tmp_path / "as meant") == ACCEPTED
    write({INTENTION: json.dumps(meant | {"damaged": "l.csv"}).encode(), **files}, tmp_path / "damaged")
    assert labels.check(tmp_path / "damaged") == ACCEPTED
    write({INTENTION: json.dumps(meant | {"labels": [1, 0]}).encode(), **files}, tmp_path / "other")
    with pytest.raises(AssertionError):
        labels.check(tmp_path / "other")


@pytest.mark.parametrize("label", ["0", "000"])
def test_a_number_is_the_place_of_a_name_that_is_given_and_the_number_of_a_column(tmp_path: Path, label: str) -> None:
    """`0` is the name of another of the given names as well, so that it may be refused."""
    names = [str(number) for number in range(11, -1, -1)]
    files = {"l.csv": f"sample,label\na,{label}\n".encode(), "m.csv": f"{','.join(names)}\n{'0,' * 11}1\n".encode()}
    for named in (True, False):
        meant = LABELS | {"classes": names, "named": named, "damaged": "l.csv"}
        write({INTENTION: json.dumps(meant).encode(), **files}, tmp_path)
        assert labels.check(tmp_path) == (REFUSED if named and label == "0" else ACCEPTED)


def test_names_that_are_numbers_in_another_order_are_names(tmp_path: Path) -> None:
    """The classes come out as `0`, `1`, …, because the columns are numbered, and mean those that are called so."""
    names = [str(number) for number in range(11, -1, -1)]
    values = [[0.0] * 11 + [1.0], [1.0] + [0.0] * 11]
    rows = "\n".join(f"{name},{','.join(map(str, row))}" for name, row in zip("ab", values, strict=True))
    files = {"labels.csv": b"sample,label\na,0\nb,11\n", "m0.csv": f"sample,{','.join(names)}\n{rows}\n".encode()}
    files["m1.csv"] = files["m0.csv"]
    members = [{"file": name, "values": values} for name in ("m0.csv", "m1.csv")]
    meant = {"samples": ["a", "b"], "classes": names, "class_names": None, "labels": [11, 0], "kind": "probabilities"}
    write({INTENTION: json.dumps({**meant, "members": members, "pattern": False}).encode(), **files}, tmp_path)
    assert zoo.check(tmp_path) == ACCEPTED


def test_cases_may_hold_folders_and_links(tmp_path: Path) -> None:
    write({"deep/er/": b"", "a.csv": b"1", "b.csv": b"\x00link to a.csv"}, tmp_path)
    assert (tmp_path / "deep" / "er").is_dir()
    assert os.readlink(tmp_path / "b.csv") == "a.csv"

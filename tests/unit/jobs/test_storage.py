"""Files are complete or do not exist, and a bad file is named."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs import storage
from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.resolve import ROOT


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Whole or not there.


def test_a_written_file_has_its_content_and_nothing_beside_it(tmp_path: Path) -> None:
    with storage.whole_file(tmp_path / "new" / "folder" / "a.txt") as part:
        part.write_text("content")
    assert (tmp_path / "new" / "folder" / "a.txt").read_text() == "content"
    assert names(tmp_path / "new" / "folder") == ["a.txt"]


def test_the_final_name_appears_only_at_the_end(tmp_path: Path) -> None:
    with storage.whole_file(tmp_path / "a.txt") as part:
        part.write_text("half")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").exists()


def fail_in_the_middle(path: Path) -> None:
    with storage.whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError("in the middle")


def test_nothing_is_left_when_the_writer_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        fail_in_the_middle(tmp_path / "a.txt")
    assert names(tmp_path) == []


def test_an_older_file_stays_when_the_writer_fails(tmp_path: Path) -> None:
    storage.save_lines(tmp_path / "a.txt", ["old"])
    with pytest.raises(RuntimeError, match="in the middle"):
        fail_in_the_middle(tmp_path / "a.txt")
    assert storage.load_lines(tmp_path / "a.txt") == ["old"]


def test_a_killed_writer_leaves_no_final_file_and_the_next_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    program = (
        "import sys; from scripts.lib.jobs.storage import whole_file\n"
        "with whole_file(sys.argv[1]) as part:\n"
        "    part.write_text('half'); print('written', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    [left] = names(tmp_path)
    assert left.startswith(".a.txt.")
    assert left.endswith(f"-{process.pid}.part")
    long_ago = time.time() - storage.SECONDS_UNTIL_ABANDONED - 1
    os.utime(tmp_path / left, (long_ago, long_ago))
    storage.save_lines(path, ["whole"])
    assert names(tmp_path) == ["a.txt"]
    assert storage.load_lines(path) == ["whole"]


def test_a_longer_remainder_of_a_killed_writer_is_replaced(tmp_path: Path) -> None:
    storage.part_of(tmp_path / "a.npy").write_bytes(b"x" * 100_000)
    storage.save_array(tmp_path / "a.npy", np.arange(3))
    assert storage.load_array(tmp_path / "a.npy").tolist() == [0, 1, 2]
    assert (tmp_path / "a.npy").stat().st_size < 1000


def test_two_processes_that_write_the_same_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    program = (
        "import sys; from scripts.lib.jobs.storage import whole_file\n"
        "with whole_file(sys.argv[1]) as part:\n"
        "    part.write_text('other half'); print('written', flush=True); sys.stdin.read()\n"
        "    part.open('a').write(', other rest')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    storage.save_lines(path, ["whole"])
    assert storage.load_lines(path) == ["whole"]
    process.communicate()
    assert process.returncode == 0
    assert storage.load_lines(path) == ["other half, other rest"]


# What is written is what is read.


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(0, 4), (5,), (3, 4, 2)])
def test_an_array_comes_back_as_it_was(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    storage.save_array(tmp_path / "a.npy", array)
    loaded = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert loaded.dtype == array.dtype
    assert loaded.shape == shape
    assert (loaded == array).all()


def test_a_saved_array_has_the_bytes_that_numpy_would_write(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    storage.save_array(tmp_path / "a.npy", array)
    np.save(tmp_path / "b.npy", array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_a_transposed_array_is_stored_row_by_row(tmp_path: Path) -> None:
    array = np.arange(6).reshape(2, 3).T
    storage.save_array(tmp_path / "a.npy", array)
    loaded = storage.load_array(tmp_path / "a.npy")
    assert loaded.flags.c_contiguous
    assert loaded.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_loaded_array_is_mapped_and_cannot_be_changed(tmp_path: Path) -> None:
    storage.save_array(tmp_path / "a.npy", np.arange(3))
    loaded = storage.load_array(tmp_path / "a.npy")
    assert isinstance(loaded, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded[0] = 1


def test_rows_are_stored_in_order(tmp_path: Path) -> None:
    storage.save_rows(tmp_path / "a.npy", (np.full((2, 2), row) for row in range(3)), 3, (2, 2), "uint8")
    loaded = storage.load_array(tmp_path / "a.npy")
    assert loaded.dtype == np.uint8
    assert loaded[:, 1, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("rows", [2, 4])
def test_too_few_or_too_many_rows_leave_no_file(rows: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not add up"):
        storage.save_rows(tmp_path / "a.npy", [np.zeros(2)] * rows, 3, (2,), "uint8")
    assert names(tmp_path) == []


def test_tables_json_and_lines_come_back_as_they_were(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"members": [[0, 1], [2]], "value": [0.5, None]}, schema_overrides={"members": pl.List(pl.UInt16)}
    )
    storage.save_table(tmp_path / "a.parquet", table)
    assert storage.load_table(tmp_path / "a.parquet").equals(table)
    storage.save_json(tmp_path / "a.json", {"a": [1, None, "é"]})
    assert storage.load_json(tmp_path / "a.json") == {"a": [1, None, "é"]}
    storage.save_lines(tmp_path / "a.txt", ["first", "", "Ä"])
    assert storage.load_lines(tmp_path / "a.txt") == ["first", "", "Ä"]


def test_only_the_named_columns_of_a_table_are_read(tmp_path: Path) -> None:
    table = pl.DataFrame({"a": [1, 2], "b": [[1], [2, 3]], "c": ["x", "y"]})
    storage.save_table(tmp_path / "table.parquet", table)
    assert storage.load_table(tmp_path / "table.parquet", ["c", "a"]).equals(table.select("c", "a"))


@pytest.mark.parametrize("lines", [[], [""], ["", ""], ["a", ""], ["a\u2028b", "\x85", "\x0b\x0c\x1c\x1d\x1e", " a "]])
def test_lines_end_at_line_feeds_only(lines: list[str], tmp_path: Path) -> None:
    storage.save_lines(tmp_path / "a.txt", lines)
    assert storage.load_lines(tmp_path / "a.txt") == lines


@pytest.mark.parametrize("text", ["a\nb", "a\nb\n", "a\r\nb\r\n", "\ufeffa\nb\n"])
def test_lines_that_other_programs_wrote_are_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert storage.load_lines(tmp_path / "a.txt") == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "shown"), [("a\nb", "a\\nb"), ("a\r", "a\\r"), ("\udce9", "\\xe9"), ("\ud800", "\\ud800")]
)
def test_a_line_that_would_not_come_back_is_refused(line: str, shown: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=re.escape(f"{tmp_path / 'a.txt'} cannot hold the id '{shown}'")):
        storage.save_lines(tmp_path / "a.txt", ["first", line])
    assert names(tmp_path) == []


# What cannot be read.

LOADERS: dict[str, Callable[[Path], Any]] = {
    "array": storage.load_array,
    "table": storage.load_table,
    "json": storage.load_json,
    "lines": storage.load_lines,
}


@pytest.mark.parametrize("loader", LOADERS)
def test_a_missing_file_is_named(loader: str, tmp_path: Path) -> None:
    path = tmp_path / "absent.file"
    with pytest.raises(StudyError, match=f"{path} is missing"):
        LOADERS[loader](path)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_file_of_other_content_is_named(loader: str, tmp_path: Path) -> None:
    path = tmp_path / "damaged.file"
    path.write_bytes(b"\xff\xfe\x00 no such content")
    with pytest.raises(StudyError, match=f"{path} is not( a)? readable"):
        LOADERS[loader](path)


@pytest.mark.parametrize("loader", ["array", "table", "json"])
def test_an_empty_file_is_named(loader: str, tmp_path: Path) -> None:
    path = tmp_path / "empty.file"
    path.touch()
    with pytest.raises(StudyError, match=f"{path} is not( a)? readable"):
        LOADERS[loader](path)


@pytest.mark.parametrize("loader", ["array", "table", "json"])
def test_a_truncated_file_is_named(loader: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.file"
    small = {
        "array": lambda: storage.save_array(path, np.arange(100)),
        "table": lambda: storage.save_table(path, pl.DataFrame({"a": range(100)})),
        "json": lambda: storage.save_json(path, list(range(100))),
    }
    small[loader]()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StudyError, match=f"{path} is not( a)? readable"):
        LOADERS[loader](path)


class _Trap:
    """Unpickling it would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("form", ["npy", "pickle"])
def test_a_pickled_object_is_refused_and_not_run(form: str, tmp_path: Path) -> None:
    path, trace = tmp_path / "a.npy", tmp_path / "trace"
    if form == "npy":
        np.save(path, np.array([_Trap(trace)], dtype=object), allow_pickle=True)
    else:
        path.write_bytes(pickle.dumps(_Trap(trace)))
    with pytest.raises(StudyError, match=f"{path} is not( a)? readable"):
        storage.load_array(path)
    assert not trace.exists()


def test_an_array_of_objects_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Python objects"):
        storage.save_array(tmp_path / "a.npy", np.array([None]))
    assert names(tmp_path) == []


# Digests.


def test_the_digest_of_lines_knows_their_order_and_their_ends() -> None:
    digests = [storage.digest_of_lines(lines) for lines in (["a", "b"], ["b", "a"], ["ab"], ["a"], [])]
    assert len(set(digests)) == 5
    assert digests[0] == storage.digest_of_lines(iter(["a", "b"]))


def test_the_digest_of_a_file_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert storage.digest_of_file(tmp_path / "a") == expected


def test_a_list_of_lines_has_the_digest_of_its_file(tmp_path: Path) -> None:
    storage.save_lines(tmp_path / "a.txt", ["a", "b"])
    assert storage.digest_of_lines(["a", "b"]) == storage.digest_of_file(tmp_path / "a.txt")

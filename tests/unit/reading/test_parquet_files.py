"""Users' Parquet files are read in a separate process, because they can crash it."""

import os
import signal
from pathlib import Path

import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading import parquet_files
from scripts.lib.reading.parquet_files import read_parquet
from scripts.lib.reading.user_tables import read_table
from tests.fuzz.test_targets import KNOWN

TABLE = pl.DataFrame(
    {
        "sample": ["0001", "größe 🙂", None],
        "a": [0.1, float("nan"), None],
        "n": [1, None, -(2**62)],
        "list": [[1.0], [], None],
        "flag": [True, None, False],
    }
)
DEADLY = KNOWN / "parquet-that-ends-polars" / "m.parquet"


def test_a_table_is_read_as_polars_reads_it(tmp_path: Path) -> None:
    table = TABLE.with_columns(
        pl.col("sample").cast(pl.Categorical).alias("category"),
        pl.col("sample").cast(pl.Binary).alias("bytes"),
        pl.col("a").cast(pl.Float32).alias("narrow"),
        pl.Series("nothing", [None] * 3, dtype=pl.Null),
    )
    for name in ("m.parquet", "m [1]*.parquet", "new\nline.parquet", "größe.parquet"):
        table.write_parquet(tmp_path / name)
        found = read_parquet(tmp_path / name)
        assert found.schema == table.schema
        assert found.equals(table)


def test_one_process_reads_one_file_after_another(tmp_path: Path) -> None:
    TABLE.write_parquet(tmp_path / "m.parquet")
    pids = set()
    for _ in range(3):
        read_parquet(tmp_path / "m.parquet")
        pids.add(parquet_files.reader().process.pid)
    assert len(pids) == 1


def test_a_file_that_polars_dies_of_is_named_and_the_next_is_read(tmp_path: Path) -> None:
    """polars asked for 2^61 bytes, and Rust ended the job by SIGABRT: no exception, no file named."""
    with pytest.raises(StudyError, match=r"m\.parquet cannot be read: .*SIGABRT.*damaged"):
        read_table(DEADLY, None)
    TABLE.write_parquet(tmp_path / "m.parquet")
    assert read_parquet(tmp_path / "m.parquet").equals(TABLE)


def test_a_reader_that_was_stopped_is_started_again(tmp_path: Path) -> None:
    TABLE.write_parquet(tmp_path / "m.parquet")
    read_parquet(tmp_path / "m.parquet")
    process = parquet_files.reader().process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert read_parquet(tmp_path / "m.parquet").equals(TABLE)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_parquet(tmp_path / "m.parquet")
    with pytest.raises(StudyError, match=r"m\.parquet does not exist"):
        read_table(tmp_path / "m.parquet", None)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1", b"a,b\n1,2\n"])
def test_what_is_no_parquet_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.parquet"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"\w"):
        read_parquet(path)
    with pytest.raises(StudyError, match=r"m\.parquet cannot be read: \w"):
        read_table(path, None)

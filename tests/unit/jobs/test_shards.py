"""Which samples a job reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.lib.jobs.shards import MINIBATCH, blocks, shard


@given(st.integers(1, 5000), st.integers(1, 12))
def test_shards_are_all_samples_in_order_and_start_at_whole_minibatches(samples: int, parts: int) -> None:
    shards = [shard(samples, part, parts) for part in range(parts)]
    assert [row for rows in shards for row in rows] == list(range(samples))
    assert all(rows.start % MINIBATCH == 0 for rows in shards if rows)


def test_more_shards_than_minibatches_leave_some_empty() -> None:
    assert [len(shard(300, part, 4)) for part in range(4)] == [0, 256, 0, 44]


@pytest.mark.parametrize("bytes_per_sample", [1, 10_000, 1 << 30])
def test_blocks_are_the_rows_in_order(bytes_per_sample: int) -> None:
    rows = range(512, 5000)
    found = list(blocks(rows, bytes_per_sample))
    assert [row for block in found for row in range(block.start, block.stop)] == list(rows)
    assert all(block.start % MINIBATCH == 0 for block in found)
    assert len(found) == (18 if bytes_per_sample == 1 << 30 else 1)


def test_no_rows_are_no_block() -> None:
    assert list(blocks(range(0), 8)) == []

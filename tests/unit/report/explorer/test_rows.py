"""Which ensembles are in the page, and where."""

from itertools import combinations

import numpy as np
import polars as pl

from scripts.lib.report.explorer import rows as module
from scripts.lib.report.explorer.arrays import unpacked
from scripts.lib.report.explorer.rows import MOST_BYTES, Numbers, rows_of

FEW = Numbers(counts=1)


def table_of(lists: list[tuple[int, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "members": pl.Series([list(members) for members in lists], dtype=pl.List(pl.UInt16)),
            "size": pl.Series([len(members) for members in lists], dtype=pl.UInt16),
        }
    )


def every(members: int, sizes: range) -> list[tuple[int, ...]]:
    return [found for size in sizes for found in combinations(range(members), size)]


def test_all_ensembles_stand_at_the_numbers_whose_bits_are_their_members() -> None:
    lists = every(5, range(1, 6))  # the table may have single members too
    rows = rows_of(5, table_of(lists), FEW)
    assert rows.described == {"kind": "every"}
    values = rows.spread(np.arange(100, 100 + len(lists)))
    assert len(values) == 32
    for number, members in enumerate(lists):
        assert values[sum(1 << m for m in members)] == (100 + number if len(members) > 1 else 0)


def test_a_sample_is_listed_in_the_order_of_the_table() -> None:
    lists = [(0, 1), (3, 7), (0, 2, 19)]
    rows = rows_of(20, table_of(lists), FEW)
    assert rows.described["kind"] == "listed"
    assert rows.described["evaluated"] == 3
    assert unpacked(rows.described["sizes"]).tolist() == [2, 2, 3]
    assert unpacked(rows.described["members"]).tolist() == [0, 1, 3, 7, 0, 2, 19]
    assert rows.spread(np.array([5.0, 6.0, 7.0]), np.nan).tolist() == [5, 6, 7]


def test_ensembles_of_some_sizes_are_listed() -> None:
    assert rows_of(4, table_of(every(4, range(2, 4))), FEW).described["kind"] == "listed"


def test_of_too_many_as_many_of_each_size_are_taken_and_those_that_must_be_kept(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "MOST_ROWS", 40)
    lists = every(17, range(2, 4))  # 136 and 680
    rows = rows_of(17, table_of(lists), FEW, kept=[[3, 5, 11], [0, 1]])
    kept = [lists[row] for row in rows.taken]
    sizes = [len(members) for members in kept]
    assert sizes.count(2) == 20
    assert sizes.count(3) == 21
    assert (3, 5, 11) in kept
    assert (0, 1) in kept
    assert kept[0] == lists[0]
    assert kept[-1] == lists[-1], "they are spread over the whole table"
    assert rows.described["evaluated"] == len(lists)


def test_no_ensembles_and_one_member() -> None:
    rows = rows_of(3, table_of([]), FEW)
    assert rows.length == 0
    assert unpacked(rows.described["members"]).tolist() == []
    assert rows_of(1, table_of([]), FEW).described == {"kind": "every"}


def test_all_ensembles_are_in_the_page_as_long_as_there_is_room() -> None:
    """Of twenty members: one set by two consensus (three counts each) has room for all, two sets have not."""
    assert Numbers(counts=3).room(2**20, scores=False)
    assert not Numbers(counts=6).room(2**20, scores=False)
    assert not Numbers(counts=3, scores=2).room(2**20, scores=True)
    assert Numbers(counts=15, scores=10).room(2**15, scores=True), "the built-in study has its scores"


def test_what_has_no_room_is_a_sample_but_up_to_16_members_are_always_all(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    table = table_of(every(6, range(2, 7)))
    many = Numbers(counts=MOST_BYTES)
    assert rows_of(6, table, many).described == {"kind": "every"}
    monkeypatch.setattr(module, "MOST_ROWS", 32)
    assert rows_of(6, table, many).described["kind"] == "listed"
    assert rows_of(6, table, Numbers(counts=MOST_BYTES // 64)).described == {"kind": "every"}
    assert rows_of(6, table, Numbers(counts=MOST_BYTES // 64 + 1)).described["kind"] == "listed"
    monkeypatch.setattr(module, "MOST_MEMBERS_BY_PATTERN", 5)
    assert rows_of(6, table, FEW).described["kind"] == "listed"

"""Which ensembles the explorer has, and where each is in its arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.report.explorer.arrays import counts, packed

MOST_MEMBERS_BY_PATTERN = 20  # 2^20 ensembles
MOST_ROWS = 1 << 16  # of a sample; where no more than these were possible, all are in the page
MOST_BYTES = 4_000_000  # of the page, for the numbers of ensembles
COUNT_BYTES, SCORE_BYTES = 1, 3.3  # of a number in the page, deflated and in base64: what the built-in study takes


@dataclass(frozen=True)
class Numbers:
    """How many numbers the page has of each ensemble, over all sets: counts of samples, and scores as float32."""

    counts: int
    scores: int = 0

    def room(self, ensembles: int, scores: bool) -> bool:
        """Whether the page has room for so many ensembles, with their scores or without."""
        each = self.counts * COUNT_BYTES + (self.scores * SCORE_BYTES if scores else 0)
        return ensembles * each <= MOST_BYTES


@dataclass(frozen=True)
class Rows:
    """The ensembles of the explorer, each at a place in arrays of `length` numbers.

    `taken` int64 [E] are rows of the table of one consensus, and `places` int64 [E] where they go. If every ensemble of
    two and more members was evaluated and the page has room for all, the place of an ensemble is the number whose bits
    are its members; otherwise the ensembles follow each other, and `described` lists their members.
    """

    taken: np.ndarray
    places: np.ndarray
    length: int
    described: dict[str, Any]

    def spread(self, values: np.ndarray, missing: float = 0) -> np.ndarray:
        """A column of the table [rows of one consensus] as an array [length]."""
        result = np.full(self.length, missing, dtype=values.dtype if missing == 0 else np.float64)
        result[self.places] = values[self.taken]
        return result


def rows_of(members: int, table: pl.DataFrame, numbers: Numbers, kept: Sequence[Sequence[int]] = ()) -> Rows:
    """The rows for `table`, which has columns members and size of the ensembles of one consensus.

    Of more than 65 536 ensembles that the page has no room for, as many of each size are taken, evenly spread over the
    table; `kept` are ensembles that must be among them.
    """
    total = len(table)
    several = np.flatnonzero(table["size"].to_numpy() > 1)
    if len(several) == 2**members - members - 1 and _room_for_every(members, numbers):
        places = _patterns(table["members"], several)
        return Rows(several, places, 2**members, {"kind": "every"})
    taken = _evenly_spread(table, several, kept) if len(several) > MOST_ROWS else several
    lists = table["members"][taken]
    described = {
        "kind": "listed",
        "evaluated": len(several),
        "of": total,
        "sizes": counts(table["size"].to_numpy()[taken]),
        "members": packed(lists.explode().to_numpy() if len(taken) else np.zeros(0), "u16"),
    }
    return Rows(taken, np.arange(len(taken)), len(taken), described)


def _room_for_every(members: int, numbers: Numbers) -> bool:
    """Whether an array can have a place for each set of members."""
    if members > MOST_MEMBERS_BY_PATTERN:
        return False
    return 2**members <= MOST_ROWS or numbers.room(2**members, scores=False)


def _patterns(lists: pl.Series, taken: np.ndarray) -> np.ndarray:
    chosen = lists[taken]
    owner = np.repeat(np.arange(len(taken)), chosen.list.len().to_numpy())
    bits = np.left_shift(1, chosen.explode().to_numpy().astype(np.int64))
    return np.bincount(owner, bits, len(taken)).astype(np.int64)


def _evenly_spread(table: pl.DataFrame, several: np.ndarray, kept: Sequence[Sequence[int]]) -> np.ndarray:
    sizes = table["size"].to_numpy()[several]
    share = MOST_ROWS // len(np.unique(sizes))
    chosen = []
    for size in np.unique(sizes):
        rows = several[sizes == size]
        chosen.append(rows[np.linspace(0, len(rows) - 1, min(share, len(rows))).round().astype(np.int64)])
    wanted = [",".join(map(str, members)) for members in kept]
    names = table["members"].cast(pl.List(pl.String)).list.join(",")
    found = several[names.gather(several).is_in(wanted).to_numpy()]
    return np.unique(np.concatenate([*chosen, found]))

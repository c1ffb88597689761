"""Whose probabilities are judged: every member, and the ensembles that were chosen on the clean selection split."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.recommendation import recommended

MEMBER, BEST_OF_SIZE, ALL_MEMBERS = "member", "best_of_size", "all_members"
ARITHMETIC, GEOMETRIC = "arithmetic", "geometric"
AVERAGING = (ARITHMETIC, GEOMETRIC)
BLOCK_BYTES = 1 << 28
# Which temperatures are applied: none; to each member its own, before averaging; or one to the average.
NONE, MEMBERS, AVERAGE = "none", "members", "average"


@dataclass(frozen=True)
class Forecast:
    """A member, or an ensemble of the `members` at these positions with a way of `averaging`.

    `role` is MEMBER, BEST_OF_SIZE or ALL_MEMBERS. `recommended` says that deployment recommends these members.
    """

    role: str
    members: tuple[int, ...]
    averaging: str | None = None
    recommended: bool = False

    @property
    def scalings(self) -> tuple[str, ...]:
        """What can be done to its temperature; for a member, its own temperature is that of the average, too."""
        return (NONE, MEMBERS) if self.role == MEMBER else (NONE, MEMBERS, AVERAGE)

    def log_probabilities(self, of_members: torch.Tensor) -> torch.Tensor:
        """Logarithms of its probabilities float64 [n, C], from those of its members, [L, n, C]."""
        if self.averaging == ARITHMETIC:
            return of_members.logsumexp(0) - math.log(len(of_members))
        return of_members.mean(0).log_softmax(-1) if self.averaging == GEOMETRIC else of_members[0]

    def ambiguity(self, of_members: torch.Tensor) -> torch.Tensor | None:
        """How much the members' probabilities differ from their average, float64 [n]; None for a member.

        By this much, the score of the average is better than the mean score of the members (Wood et al. 2023). Of an
        arithmetic average it is the mean of ‖p_i − p̄‖², for the Brier score; of a geometric one the mean of
        KL(p̄ ‖ p_i), for the negative log-likelihood. Arguments as above.
        """
        if self.averaging == ARITHMETIC:
            values = of_members.exp()
            return (values - values.mean(0)).square().sum(2).mean(0)
        return -of_members.mean(0).logsumexp(1) if self.averaging == GEOMETRIC else None


def forecasts(members: int, chosen: pl.DataFrame | None) -> list[Forecast]:
    """All members, then the chosen ensembles by size with both ways of averaging.

    `chosen` is the part of a table of deployment with one consensus that averages probabilities, or None if the study
    has no such consensus; then there are members only. Of the table, the best ensembles of each size count, and the
    ensemble of all members joins them.
    """
    ensembles = [] if chosen is None else _ensembles(members, chosen)
    best = () if chosen is None else tuple(recommended(chosen)["members"])
    alone = [Forecast(MEMBER, (member,), None, (member,) == best) for member in range(members)]
    together = [
        Forecast(ALL_MEMBERS if len(ensemble) == members else BEST_OF_SIZE, ensemble, averaging, ensemble == best)
        for ensemble in ensembles
        for averaging in AVERAGING
    ]
    return alone + together


def _ensembles(members: int, chosen: pl.DataFrame) -> list[tuple[int, ...]]:
    best = chosen.filter(pl.col("size") > 1, chosen_for="size").sort("size")["members"].to_list()
    everyone = tuple(range(members))
    return list(dict.fromkeys([*map(tuple, best), *([everyone] if members > 1 else [])]))


def forecasts_table(listed: Sequence[Forecast]) -> pl.DataFrame:
    """One row per forecast: role, members (list of u16), size, averaging, recommended."""
    return pl.DataFrame(
        {
            "role": [forecast.role for forecast in listed],
            "members": pl.Series([list(forecast.members) for forecast in listed], dtype=pl.List(pl.UInt16)),
            "size": pl.Series([len(forecast.members) for forecast in listed], dtype=pl.UInt16),
            "averaging": pl.Series([forecast.averaging for forecast in listed], dtype=pl.String),
            "recommended": [forecast.recommended for forecast in listed],
        }
    )


def forecasts_of_table(table: pl.DataFrame) -> list[Forecast]:
    """What `forecasts_table` made a table of."""
    return [
        Forecast(row["role"], tuple(row["members"]), row["averaging"], row["recommended"])
        for row in table.iter_rows(named=True)
    ]


def logs_of_members(
    logits: Sequence[np.ndarray], rows: np.ndarray, copies: int, device: torch.device
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Logarithms of members' probabilities float64 [L, n, C] of the samples `rows` [N], block by block.

    Each block comes with its place among the `rows`. Logits that differ by 10 000 are safe: nothing becomes 0. A block
    is so small that `copies` arrays of its size have some hundred MB, or has one sample.
    """
    step = max(1, BLOCK_BYTES // (8 * copies * logits[0].shape[1] * len(logits)))
    for start in range(0, len(rows), step):
        piece = slice(start, min(start + step, len(rows)))
        values = np.stack([array[rows[piece]] for array in logits])
        yield piece, torch.from_numpy(values).to(device).double().log_softmax(2)

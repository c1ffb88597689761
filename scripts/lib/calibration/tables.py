"""The tables of calibration: temperatures fitted on the clean selection split, and scores on the evaluation split."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.calibration.forecasts import (
    AVERAGE,
    MEMBER,
    MEMBERS,
    NONE,
    Forecast,
    forecasts,
    forecasts_of_table,
    forecasts_table,
    logs_of_members,
)
from scripts.lib.calibration.outcomes import Outcomes, curve_of, joined, nll_of_samples, outcomes, scores
from scripts.lib.calibration.temperature import Temperature, fit_temperature, scaled
from scripts.lib.ensembles.deployment import split
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.job import progress

COPIES = 6  # arrays of the size of a block of members that are in memory at once
SCHEMA: dict[str, Any] = {
    "scaling": pl.String,
    "temperatures": pl.List(pl.Float64),
    "samples": pl.UInt32,
    "accuracy": pl.Float64,
    "mean_confidence": pl.Float64,
    "nll": pl.Float64,
    "nll_clipped": pl.UInt32,
    "nll_change": pl.Float64,
    "nll_change_low": pl.Float64,
    "nll_change_high": pl.Float64,
    "brier": pl.Float64,
    "ambiguity": pl.Float64,
    "ece": pl.Float64,
    "ece_equal_mass": pl.Float64,
    "aurc": pl.Float64,
    "one_hot": pl.UInt32,
}


def temperatures_table(
    predictions: Predictions,
    labels: torch.Tensor,
    chosen: pl.DataFrame | None,
    share: float,
    seed: int,
    device: torch.device,
) -> pl.DataFrame:
    """One row per forecast (`forecasts.forecasts`): its temperature on the selection split, or the reason for none.

    `chosen` is the part of the table of deployment with a consensus that averages probabilities, or None. Raises
    StudyError for fewer than two samples.
    """
    rows, _ = split(len(labels), share, seed)
    listed = forecasts(len(predictions.members), chosen)
    true = labels[torch.from_numpy(rows)].to(device)
    fitted = [
        fit_temperature(_whole(predictions, forecast, rows, device), true)
        for forecast in progress(listed, f"temperatures on {predictions.dataset}", "forecast")
    ]
    return forecasts_table(listed).hstack(_columns_of(fitted, len(rows)))


def _whole(predictions: Predictions, forecast: Forecast, rows: np.ndarray, device: torch.device) -> torch.Tensor:
    """Logarithms of the probabilities of a forecast float64 [n, C] of all samples `rows`."""
    logits = [predictions.logits[member] for member in forecast.members]
    return torch.cat([forecast.log_probabilities(values) for _, values in logs_of_members(logits, rows, 3, device)])


def _columns_of(fitted: Sequence[Temperature], samples: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "temperature": pl.Series([one.value for one in fitted], dtype=pl.Float64),
            "at_limit": pl.Series([one.at_limit for one in fitted], dtype=pl.Boolean),
            "reason": pl.Series([one.reason for one in fitted], dtype=pl.String),
            "samples": pl.Series([samples] * len(fitted), dtype=pl.UInt32),
            "nll_before": pl.Series([one.before for one in fitted], dtype=pl.Float64),
            "nll_after": pl.Series([one.after for one in fitted], dtype=pl.Float64),
        }
    )


def calibration_tables(
    predictions: Predictions,
    labels: torch.Tensor,
    temperatures: pl.DataFrame,
    share: float,
    seed: int,
    device: torch.device,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores of the forecasts in `temperatures` (`temperatures_table`) on the evaluation split, and their curves.

    One row, and one curve, per forecast and scaling. Scores are null, and there is no curve, where a temperature is.
    Memory grows with the number of samples only by the confidences of the forecasts that are judged at once: one
    member, or all ensembles. Raises StudyError for fewer than two samples.
    """
    _, rows = split(len(labels), share, seed)
    judge = _Judge(predictions, labels, temperatures, rows, device)
    alone = [[number] for number, forecast in enumerate(judge.listed) if forecast.role == MEMBER]
    together = [number for number, forecast in enumerate(judge.listed) if forecast.role != MEMBER]
    groups = [*alone, *([together] if together else [])]
    tables, curves = zip(
        *(_tables(judge, group) for group in progress(groups, f"calibration on {predictions.dataset}", "group")),
        strict=True,
    )
    return pl.concat(tables), pl.concat(curves)


class _Judge:
    """Judges the forecasts of a table of temperatures on the samples `rows` of a validation set."""

    def __init__(
        self,
        predictions: Predictions,
        labels: torch.Tensor,
        temperatures: pl.DataFrame,
        rows: np.ndarray,
        device: torch.device,
    ) -> None:
        self.predictions, self.rows, self.device = predictions, rows, device
        self.labels = labels[torch.from_numpy(rows)].to(device)
        self.listed = forecasts_of_table(temperatures)
        self.temperatures = temperatures["temperature"].to_list()  # the members come first, in their order

    def applied(self, number: int, scaling: str) -> list[float] | None:
        """The temperatures of a scaling of a forecast; None if one that it needs is missing."""
        if scaling == NONE:
            return []
        sources = self.listed[number].members if scaling == MEMBERS else [number]
        values = [self.temperatures[source] for source in sources]
        return None if None in values else values

    def outcomes(self, group: Sequence[int]) -> dict[tuple[int, str], Outcomes]:
        """What some forecasts say, by their number and scaling; their members are read once."""
        members = sorted({member for number in group for member in self.listed[number].members})
        logits = [self.predictions.logits[member] for member in members]
        parts = defaultdict(list)
        for piece, logs in logs_of_members(logits, self.rows, COPIES, self.device):
            for key, part in self._block(group, members, logs, self.labels[piece]):
                parts[key].append(part)
        return {key: joined(blocks) for key, blocks in parts.items()}

    def _block(
        self, group: Sequence[int], members: Sequence[int], logs: torch.Tensor, labels: torch.Tensor
    ) -> Iterator[tuple[tuple[int, str], Outcomes]]:
        places = {member: place for place, member in enumerate(members)}
        known = [self.temperatures[member] or 1.0 for member in members]
        own_temperature = scaled(logs, torch.tensor(known, dtype=logs.dtype, device=logs.device)[:, None, None])
        for number in group:
            forecast = self.listed[number]
            place = [places[member] for member in forecast.members]
            plain = forecast.log_probabilities(logs[place])
            yield (number, NONE), outcomes(plain, labels, ambiguity=forecast.ambiguity(logs[place]))
            unscaled = nll_of_samples(plain, labels)
            if self.applied(number, MEMBERS) is not None:
                own = own_temperature[place]
                ambiguity = forecast.ambiguity(own)
                found = outcomes(forecast.log_probabilities(own), labels, unscaled=unscaled, ambiguity=ambiguity)
                yield (number, MEMBERS), found
            if AVERAGE in forecast.scalings and (value := self.temperatures[number]) is not None:
                yield (number, AVERAGE), outcomes(scaled(plain, value), labels, unscaled=unscaled)


def _tables(judge: _Judge, group: Sequence[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of some forecasts in both tables."""
    found = judge.outcomes(group)
    keys = [(number, scaling) for number in group for scaling in judge.listed[number].scalings]
    rows = [
        {"scaling": scaling, "temperatures": judge.applied(number, scaling) or None}
        | (scores(found[number, scaling]) if (number, scaling) in found else {})
        for number, scaling in keys
    ]
    empty = dict.fromkeys(SCHEMA)
    values = pl.DataFrame([empty | row for row in rows], schema=SCHEMA)
    names = forecasts_table([judge.listed[number] for number, _ in keys]).hstack(values.select("scaling"))
    curves = [curve_of(found[key]) if key in found else curve_of(found[keys[0]]).clear() for key in keys]
    lengths = [len(curve) for curve in curves]
    of_curves = names[np.repeat(np.arange(len(keys)), lengths)]
    return names.drop("scaling").hstack(values), of_curves.hstack(pl.concat(curves))

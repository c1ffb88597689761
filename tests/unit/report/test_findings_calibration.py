"""What the findings say of confidence follows from the tables."""

import polars as pl

from scripts.lib.report.findings import Tables, findings
from scripts.lib.report.findings_calibration import on_calibration

NAMES = ["a", "b", "c"]


def temperatures(values: list[float | None], reason: str | None = None, at_limit: int = 0) -> pl.DataFrame:
    reasons = [reason if value is None else None for value in values]
    limits = [None if value is None else place < at_limit for place, value in enumerate(values)]
    columns = {"role": "member", "members": [[place] for place in range(len(values))], "temperature": values}
    columns |= {"at_limit": limits, "reason": reasons, "samples": 60}
    return pl.DataFrame(columns, schema_overrides={"temperature": pl.Float64, "at_limit": pl.Boolean})


def row(role: str, scaling: str, **values: object) -> dict[str, object]:
    """A row of the table of calibration; what is not given is null."""
    names = ("averaging", "samples", "accuracy", "nll", "ece", "nll_change", "nll_change_low", "nll_change_high")
    return {"role": role, "members": [0], "scaling": scaling} | dict.fromkeys(names) | values


def table_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    numbers = ("nll", "ece", "nll_change", "nll_change_low", "nll_change_high")
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides=dict.fromkeys(numbers, pl.Float64))


def members(ece: list[tuple[float, float | None]]) -> list[dict[str, object]]:
    """Rows of members with these calibration errors, before and after scaling; NLL is ten times as large."""
    return [
        row("member", scaling, members=[place], samples=error and 40, ece=error, nll=error and 10 * error)
        for place, pair in enumerate(ece)
        for scaling, error in zip(("none", "members"), pair, strict=True)
    ]


def together(scaling: str, arithmetic: tuple[float, float], geometric: tuple[float, float]) -> list[dict[str, object]]:
    """Rows of the ensemble of all members with these accuracies and calibration errors."""
    pairs = {"arithmetic": arithmetic, "geometric": geometric}
    return [
        row("all_members", scaling, averaging=name, samples=40, accuracy=accuracy, ece=error)
        for name, (accuracy, error) in pairs.items()
    ]


def test_temperatures_are_named_with_their_range_and_exceptions() -> None:
    table = {"clean": table_of(members([(0.1, 0.05)]))}
    first = on_calibration(temperatures([1.5, 0.8, 11.9], at_limit=1), table, NAMES)[0]
    assert "fitted on the 60 samples of the selection split of Clean only, and are applied to all sets: " in first
    assert "they are between 0.80 (b) and 11.90 (c). A temperature above 1 lowers confidence; 2 of 3 members" in first
    assert first.endswith("1 temperature is at a limit of the search, so the best one may be beyond it.")
    first = on_calibration(temperatures([None, 0.8, None], "one_hot"), table, NAMES)[0]
    assert "it is 0.80 (b). A temperature above 1 lowers confidence; 0 of 1 member have one." in first
    assert first.endswith("2 members have no temperature: one class has a probability of 1 on every sample.")
    first = on_calibration(temperatures([None] * 3, "few_samples"), table, NAMES)[0]
    assert first.startswith("No member has a temperature from the 60 samples of the selection split of Clean: the ")
    assert first.endswith("too few samples (fewer than 50).")


def test_means_are_those_of_the_members_that_have_both() -> None:
    clean, noise = table_of(members([(0.1, 0.02), (0.3, 0.04), (9.0, None)])), table_of(members([(0.5, 0.6)]))
    said = on_calibration(temperatures([1, 1, None], "one_hot"), {"clean": clean, "noise": noise}, NAMES)
    assert said[1].endswith("is, without and with it, 0.200 and 0.030 on Clean and 0.500 and 0.600 on Noise.")
    assert said[2].endswith("is, without and with it, 2.000 and 0.300 on Clean and 5.000 and 6.000 on Noise.")


def test_averages_are_compared_and_the_scaled_one_has_its_interval() -> None:
    change = {"nll_change": -0.1, "nll_change_low": -0.3, "nll_change_high": 0.1}
    scaled = row("all_members", "average", averaging="arithmetic", samples=40, **change)
    rows = [*members([(0.1, 0.02)]), *together("none", (72.1, 0.2), (36.5, 0.4)), scaled]
    rows += together("members", (70.0, 0.1), (71.0, 0.1))
    said = on_calibration(temperatures([2.0]), {"noise": table_of(rows)}, NAMES)
    assert said[3].endswith(
        "the arithmetic and the geometric average of all members have an ECE of 0.200 and 0.400 on Noise."
    )
    assert said[4].endswith("in percentage points, −35.6 on Noise; with each member scaled, +1.0 on Noise.")
    assert said[5].endswith("as it was fitted): −0.100 (−0.300 to +0.100) on Noise.")


def test_members_without_ensembles_and_without_temperatures() -> None:
    table = pl.DataFrame(members([(0.1, None)]), infer_schema_length=None).with_columns(
        pl.col("nll_change").cast(float)
    )
    said = on_calibration(temperatures([None], "few_samples"), {"clean": table}, NAMES)
    assert said[0].startswith("No member has a temperature")
    assert said[1:] == [""] * 5


def test_one_sample_has_a_change_without_interval() -> None:
    scaled = row("all_members", "average", averaging="arithmetic", samples=1, nll_change=0.25)
    said = on_calibration(temperatures([2.0]), {"clean": table_of([*members([(0.1, 0.02)]), scaled])}, NAMES)
    assert said[5].endswith("as it was fitted): +0.250 on Clean.")


def test_the_findings_of_a_study_have_them(tables: Tables) -> None:
    """80 samples: a selection split of 40 is too small for temperatures."""
    start = "No member has a temperature from the 40 samples of the selection split of Clean"
    paragraphs = [paragraph.replace("\u00a0", " ") for paragraph in findings(tables)]
    [text] = [paragraph for paragraph in paragraphs if paragraph.startswith(start)]
    assert "Not scaled, the arithmetic and the geometric average of all members have an ECE of" in text
    assert "with each member scaled" not in text

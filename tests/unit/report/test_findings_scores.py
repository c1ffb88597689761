"""What the findings say of probabilities follows from the tables."""

from dataclasses import replace

import polars as pl

from scripts.lib.report.findings import Tables, findings
from scripts.lib.report.findings_scores import on_scores, one_hot_members


def ensembles(accuracy: list[float], over_mean: list[float | None], over_best: list[float | None]) -> pl.DataFrame:
    columns = {"nll_improvement_over_mean": over_mean, "nll_improvement_over_best": over_best}
    types = dict.fromkeys(columns, pl.Float64)
    return pl.DataFrame({"improvement_over_best": accuracy} | columns, schema_overrides=types)


def members(one_hot: list[int], names: str = "ab") -> pl.DataFrame:
    count = range(len(one_hot))
    return pl.DataFrame({"position": count, "member": list(names), "samples": 10, "one_hot": one_hot})


def test_accurate_ensembles_with_worse_probabilities_are_counted() -> None:
    tables = {
        "clean": ensembles([1, 2, 0, -1], [0.2, 0.1, 0.3, 0.4], [0.1, -0.1, -0.2, -0.3]),
        "noise": ensembles([1, 2, 3, 4], [0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.1, 0]),
        "blur": ensembles([0, 0, 0, 0], [1, 1, 1, 1], [-1, -1, -1, -1]),
    }
    gains, worse, one_hot = on_scores(tables, {"clean": members([9, 0])})
    assert gains.endswith("in nats, +0.250 on Clean, +0.500 on Noise and +1.000 on Blur.")
    assert worse.endswith("member by NLL is 50.0 % (1 of 2 ensembles) on Clean and 0.0 % (0 of 4 ensembles) on Noise.")
    assert one_hot == ""


def test_no_ensemble_is_more_accurate() -> None:
    _, worse, _ = on_scores({"clean": ensembles([0, -1], [0, 0], [-1, -1])}, {"clean": members([0, 0])})
    assert worse == "No ensemble is more accurate than the best of its members."


def test_ensembles_without_probabilities_have_no_sentence() -> None:
    without = ensembles([1, 2], [None, None], [None, None])
    assert on_scores({"clean": without}, {"clean": members([10, 10])}) == []
    assert on_scores({"clean": without.clear()}, {"clean": members([0, 0])}) == []


def test_members_that_give_classes_on_every_dataset_are_named() -> None:
    text = one_hot_members({"clean": members([10, 10]), "noise": members([10, 9])})
    assert text.startswith("1 member (a) gives classes instead of probabilities")
    assert one_hot_members({"clean": members([10, 10])}).startswith("2 members (a and b) give classes")
    many = one_hot_members({"clean": members([10] * 8, "abcdefgh")})
    assert many.startswith("8 members (a, b, c, d, e and 3 more) give")


def test_the_findings_of_a_study_have_them(tables: Tables) -> None:
    text = findings(tables)[0]
    assert "negative log-likelihood (NLL)" in text
    assert "worse (larger) than that of their best member by NLL is" in text
    null = {name: pl.lit(None, pl.Float64) for name in ("nll_improvement_over_mean", "nll_improvement_over_best")}
    voting = replace(tables, ensembles={name: table.with_columns(**null) for name, table in tables.ensembles.items()})
    assert "NLL" not in findings(voting)[0]

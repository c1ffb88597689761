"""All ensembles under shift, from the tables of a study."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scripts.lib.ensembles.subsets import subsets
from scripts.lib.ensembles.tables import lists_of_members
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import save_array, save_table
from scripts.lib.statistics.robustness import Counts, effective_robustness, fit_line, is_extrapolated
from scripts.lib.statistics.robustness_of_ensembles import BY_SIZE, by_size, robustness_of_ensembles
from scripts.lib.statistics.robustness_study import StudyFiles, robustness_of_study
from tests.unit.statistics.test_robustness_tables import CLEAN, NOISE

MEMBERS, SAMPLES = 5, 101
CHOSEN = subsets(MEMBERS, "all", 0, 0)
WAYS = ("average", "vote")


def write(folder: Path, dataset: str, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The tables of one dataset; returns the correct answers of members and of ensembles."""
    generator = np.random.default_rng(seed)
    of_members = generator.integers(20, 51, (2, MEMBERS))
    position = pl.Series("position", range(MEMBERS), dtype=pl.UInt16)
    columns = {"right_even": of_members[0], "right_odd": of_members[1]}
    table = pl.DataFrame({"position": position, "samples": [SAMPLES] * MEMBERS, **columns})
    save_table(folder / "accuracies" / f"{dataset}.parquet", table.reverse())
    halves = {f"{way}_{half}": generator.integers(20, 51, len(CHOSEN)) for way in WAYS for half in ("even", "odd")}
    save_table(folder / "halves" / f"{dataset}.parquet", pl.DataFrame(halves).cast(pl.UInt32))
    right = {way: halves[f"{way}_even"] + halves[f"{way}_odd"] for way in WAYS}
    described = pl.DataFrame({"members": lists_of_members(CHOSEN), "size": CHOSEN.sum(1).astype(np.uint16)})
    ensembles = [described.with_columns(consensus=pl.lit(way), accuracy=100 * right[way] / SAMPLES) for way in WAYS]
    save_table(folder / "ensembles" / f"{dataset}.parquet", pl.concat(ensembles))
    return of_members.sum(0), right


def test_every_ensemble_of_a_finished_study_is_compared_with_the_line(tmp_path: Path) -> None:
    (clean, before), (noise, after) = (write(tmp_path, name, seed) for seed, name in enumerate(("clean", "noise")))
    table = robustness_of_ensembles(tmp_path, "clean", "noise", "vote")
    counts = Counts(before["vote"], SAMPLES), Counts(after["vote"], SAMPLES)
    line = fit_line(Counts(clean, SAMPLES), Counts(noise, SAMPLES))
    np.testing.assert_allclose(table["effective"], effective_robustness(*counts, line))
    np.testing.assert_array_equal(table["extrapolated"], is_extrapolated(counts[0], line))
    ensembles = pl.read_parquet(tmp_path / "ensembles" / "noise.parquet").filter(consensus="vote")
    assert_frame_equal(table.select("members", "accuracy"), ensembles.select("members", "accuracy"))
    np.testing.assert_allclose(table["change"], table["accuracy"] - 100 * before["vote"] / SAMPLES)
    np.testing.assert_allclose(table["relative"], 100 * after["vote"] / before["vote"])


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    write(tmp_path, "clean", 0)
    with pytest.raises(StudyError, match=r"accuracies/noise\.parquet is missing"):
        robustness_of_ensembles(tmp_path, "clean", "noise", "vote")


def test_ensembles_are_summarised_by_size_single_members_first(tmp_path: Path) -> None:
    (clean, before), (noise, after) = (write(tmp_path, name, seed) for seed, name in enumerate(("clean", "noise")))
    members = Counts(clean, SAMPLES), Counts(noise, SAMPLES)
    line, sizes = fit_line(*members), CHOSEN.sum(1)
    sets = [{way: Counts(right[way], SAMPLES) for way in WAYS} for right in (before, after)]
    table = by_size("noise", sizes, *sets, members, line)
    assert dict(table.schema) == BY_SIZE
    assert table.filter(consensus="vote")["size"].to_list() == [1, 2, 3, 4, 5]
    assert table.filter(consensus="vote")["ensembles"].to_list() == [5, 10, 10, 5, 1]
    every = robustness_of_ensembles(tmp_path, "clean", "noise", "vote")
    [row] = table.filter(consensus="vote", size=3).to_dicts()
    own = every.filter(size=3)
    assert row["effective"] == pytest.approx(own["effective"].mean())
    assert row["change"] == pytest.approx(own["change"].mean())
    assert row["change_q05"] == pytest.approx(np.quantile(own["change"], 0.05))
    assert row["effective_q95"] == pytest.approx(np.quantile(own["effective"], 0.95))
    assert row["above_line"] == pytest.approx(100 * (own["effective"] > 0).mean())
    assert row["extrapolated"] == pytest.approx(100 * own["extrapolated"].mean())
    [alone] = table.filter(consensus="vote", size=1).to_dicts()
    assert alone["effective"] == pytest.approx(effective_robustness(*members, line).mean())


def test_single_members_that_are_listed_as_ensembles_count_once(tmp_path: Path) -> None:
    (clean, before), (noise, after) = (write(tmp_path, name, seed) for seed, name in enumerate(("clean", "noise")))
    members = Counts(clean, SAMPLES), Counts(noise, SAMPLES)
    sizes = np.concatenate([np.ones(5, np.int64), CHOSEN.sum(1)])
    sets = [{"average": Counts(np.append(np.zeros(5), right["average"]), SAMPLES)} for right in (before, after)]
    table = by_size("noise", sizes, *sets, members, fit_line(*members))
    assert table["ensembles"].to_list() == [5, 10, 10, 5, 1]
    assert table["clean_accuracy"][0] == pytest.approx(100 * clean.mean() / SAMPLES)


def test_without_a_line_changes_are_summarised_all_the_same(tmp_path: Path) -> None:
    members = Counts(np.array([70, 80]), 100), Counts(np.array([40, 50]), 100)
    sets = [{"average": Counts(np.array([right]), 100)} for right in (85, 60)]
    table = by_size("noise", np.array([2]), *sets, members, fit_line(*members))
    assert table["change"].to_list() == [-30, -25]
    assert all(table[name].is_null().all() for name in ("effective", "effective_q50", "above_line", "extrapolated"))


def test_a_study_has_four_tables(tmp_path: Path) -> None:
    files: dict[str, list[str]] = {name: [] for name in StudyFiles.names()}
    for seed, (dataset, data) in enumerate({"clean": CLEAN, "noise": NOISE}.items()):
        write(tmp_path, dataset, seed)
        save_table(tmp_path / "held_out" / f"{dataset}.parquet", data.table)
        save_array(tmp_path / "held_out" / f"{dataset}.npy", data.resampled)
        folders = {"resampled": "held_out"}
        for name, paths in files.items():
            suffix = "npy" if name == "resampled" else "parquet"
            paths.append(str(tmp_path / folders.get(name, name) / f"{dataset}.{suffix}"))
    tables = robustness_of_study(StudyFiles(["clean", "noise"], **files), CHOSEN.sum(1), baseline=0)
    assert tables.keys() == {"robustness", "lines", "over_sets", "by_size"}
    assert tables["lines"].select("dataset", "split").rows() == [("noise", "all"), ("noise", "evaluation")]
    assert set(tables["robustness"]["dataset"]) == {"noise"}
    assert tables["over_sets"]["relative_error"][0] == pytest.approx(100)
    assert set(tables["by_size"]["consensus"]) == set(WAYS)

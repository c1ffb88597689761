"""The benchmark of the statistics: it continues where it was killed, and its tables follow from its results."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks import statistics, statistics_figure, statistics_page, statistics_summary
from benchmarks.statistics import Cell, run
from kernels import cpu
from scripts.lib.jobs.storage import load_table, save_table
from tests.simulations.members import DISAGREEMENT, FAMILY, SKILL, UNRELATED

CELLS = [Cell(SKILL, 6, 200), Cell(FAMILY, 6, 200)]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(statistics, "PERMUTATIONS", 99)
    monkeypatch.setattr(statistics, "BATCH", 2)
    monkeypatch.setattr(cpu, "LEAST_OPERATIONS", cpu.LEAST_OPERATIONS)  # `run` lowers it
    monkeypatch.setattr(statistics_summary, "TABLE", tmp_path / "statistics.csv")


def test_a_run_continues_with_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, CELLS[:1], studies=3, seed=0)
    assert capsys.readouterr().out.count("processor time") == 2, "a batch of two studies, and one of one"
    whole = [load_table(path) for path in sorted(tmp_path.glob("*.parquet"))]
    run(tmp_path, CELLS, studies=3, seed=0)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "families-6-200-1-0.parquet",
        "families-6-200-1-1.parquet",
    ]
    (tmp_path / "nothing-but-skill-6-200-1-1.parquet").unlink()
    run(tmp_path, CELLS, studies=3, seed=0)
    again = [load_table(path) for path in sorted(tmp_path.glob("nothing*.parquet"))]
    assert all(one.drop("seconds").equals(two.drop("seconds")) for one, two in zip(whole, again, strict=True))
    run(tmp_path, CELLS[:1], studies=4, seed=0)
    assert capsys.readouterr().out.count("\n") == 2, "the file that was removed, and the batch that has two studies now"


def test_results_of_other_code_or_of_another_seed_are_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, CELLS[:1], studies=1, seed=0)
    run(tmp_path, CELLS[:1], studies=1, seed=1)
    [path] = tmp_path.glob("*.parquet")
    save_table(path, load_table(path).with_columns(code=pl.lit("other")))
    run(tmp_path, CELLS[:1], studies=1, seed=1)
    assert capsys.readouterr().out.count("\n") == 3


def test_cells_that_take_long_have_a_part_of_the_studies() -> None:
    small, large = Cell(SKILL, 6, 200), Cell(SKILL, 25, 10_000)
    assert [len(small.batch(number, 4)) for number in (0, 1)] == [2, 2]
    assert [list(large.batch(number, 4)) for number in (0, 1)] == [[0], []]
    assert [Cell(SKILL, 15, 10_000).batch(number, 8) for number in range(4)] == [range(n, n + 1) for n in range(4)]


def results(**columns: list[Any]) -> pl.DataFrame:
    """Two studies of one cell, with one measure; `columns` replace what both have in common."""
    rows = {"study": [0, 1], "dataset": "set 1", "consensus": "average", "measure": DISAGREEMENT, "members": 6}
    rows |= {"truth": SKILL.name, "samples": 200, "sets": 1, "seed": 0, "permutations": 99, "commit": "a"}
    rows |= {"machine": "m", "seconds": [1.4, 1.4], "code": "c"}
    rows |= {"partial": [0.5, -0.1], "per_sd": [1.0, 2.0], "per_sd_low": [0.5, -1.0], "per_sd_high": [1.5, 5.0]}
    rows |= {"p_value": [0.01, 0.04], "q_value": [0.02, 0.08], "same_partial": 0.5, "same_per_sd": 1.0}
    rows |= {"same_p_value": [0.01, 0.5], "plain_pearson": [0.5, 0.7], "plain_p_value": [0.01, 0.02]}
    rows |= {"plain_q_value": [0.01, 0.01], "plain_ci_low": [0.1, -0.1], "plain_ci_high": [0.8, 0.9]}
    rows |= {"variance_share": [0.2, 0.3], "variance_low": [0.1, 0.35], "variance_high": [0.3, 0.5]}
    return pl.DataFrame(rows | {"variance_unique": [0.0, 0.1]} | columns)


def test_the_summary_counts_studies() -> None:
    row, family = statistics_summary.summary(results()).to_dicts()
    counts = {
        name.removeprefix("n_"): value for name, value in row.items() if name.startswith("n_") and name != "n_false"
    }
    expected = {"plain_p": 2, "once_called": 1, "same_p": 1, "p": 2, "interval": 1, "shown": 1, "intervals": 2}
    assert counts == expected | {"covers_mean": 2, "covers_large": None, "share_covers": 1}
    assert row["points_mean"] == 1.5
    assert row["unique_mean"] == 0.05
    assert (family["measure"], family["n_shown"], family["n_false"], family["false_share"]) == ("any", 1, 1, 0.5)


def test_the_interval_may_cover_the_mean_at_many_images() -> None:
    large = results(per_sd=[5.0, 5.0]).with_columns(samples=pl.lit(10_000))
    rows = statistics_summary.summary(pl.concat([results(), large])).filter(pl.col("measure") != "any")
    assert rows.select("samples", "n_covers_large").rows() == [(200, 1), (10_000, 1)]


def test_in_families_only_the_unrelated_diversity_has_no_effect() -> None:
    for measure, false in ((DISAGREEMENT, 0), (UNRELATED, 1)):
        table = statistics_summary.summary(results(truth=[FAMILY.name] * 2, measure=[measure] * 2))
        assert table.filter(measure="any")["n_false"].to_list() == [false]


def test_a_folder_without_results_or_with_results_of_different_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has no results"):
        statistics_summary.write(tmp_path)
    for number in (0, 1):
        save_table(tmp_path / f"{number}.parquet", results().with_columns(code=pl.lit(str(number))))
    with pytest.raises(SystemExit, match="different code"):
        statistics_summary.write(tmp_path)


def test_the_page_has_the_tables_that_follow_from_the_csv() -> None:
    page = statistics_page.PAGE.read_text(encoding="utf-8")
    assert statistics_page.page_with_tables(page, statistics_page.read()) == page, (
        "run python -m benchmarks.statistics --tables"
    )


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the table"):
        statistics_page.page_with_tables("# Statistics\n", statistics_page.read())


def test_a_rate_has_its_interval() -> None:
    assert statistics_page.rate(5, 100) == "5 % (2–11)"
    assert statistics_page.rate(None, 100) == "–"


def test_the_figure_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_figure, "FIGURES", tmp_path)
    statistics_figure.draw(statistics_page.of_disagreement(statistics_page.read()))
    assert (tmp_path / "statistics.png").stat().st_size > 10_000

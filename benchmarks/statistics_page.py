"""The tables of docs/statistics.md and its figure, from results/statistics.csv.

Made by `python -m benchmarks.statistics --tables`. Each table stands between two comments that name it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl

from benchmarks.statistics_summary import LARGE, TABLE
from scripts.lib.ensembles.intervals import wilson_interval
from scripts.lib.jobs.paths import ROOT
from tests.simulations.members import DISAGREEMENT, FAMILY, SKILL, UNRELATED, WEAK

PAGE = ROOT / "docs" / "statistics.md"
Row = dict[str, Any]
RATES = {
    "n_plain_p": "plain correlation: p < .05",
    "n_once_called": "plain correlation: once called “significant”",
    "n_same_p": "effect from the same images: p < .05",
    "n_p": "effect: p < .05",
    "n_interval": "effect: interval excludes 0",
    "n_shown": "reported as shown",
}
MEASURES = {"disagreement": "disagreement", "js_divergence": "Jensen-Shannon divergence"}
MEASURES |= {"one_minus_double_fault": "1 − double fault", UNRELATED: UNRELATED}


def write() -> None:
    """Write all tables into the page, and draw the figure."""
    from benchmarks.statistics_figure import draw

    table = read()
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")
    draw(of_disagreement(table))


def read() -> pl.DataFrame:
    """The summary of all simulated studies."""
    return pl.read_csv(TABLE, infer_schema_length=None)


def page_with_tables(page: str, table: pl.DataFrame) -> str:
    """The page with every table between its comments made anew. Raises ValueError if the page lacks one."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}: made by `python -m benchmarks.statistics --tables` -->", f"<!-- end of {name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"{PAGE} has no place for the table {name}")
        content = "\n".join([begin, "", *make(table), "", end])
        page = re.sub(rf"{re.escape(begin)}.*?{re.escape(end)}", lambda _, text=content: text, page, flags=re.DOTALL)
    return page


def of_disagreement(table: pl.DataFrame) -> pl.DataFrame:
    """Averaging; disagreement, and the diversity that is related to nothing in studies without an effect."""
    unrelated = (pl.col("measure") == UNRELATED) & (pl.col("truth") == SKILL.name)
    return table.filter(unrelated | (pl.col("measure") == DISAGREEMENT), pl.col("consensus") == "average")


def _rates_without_effect(table: pl.DataFrame) -> Iterator[str]:
    rows = of_disagreement(table).filter(~pl.col("truth").is_in([FAMILY.name, WEAK.name]))
    yield from _rates(rows.sort(pl.col("measure") != UNRELATED, maintain_order=True))


def _rates_with_effect(table: pl.DataFrame) -> Iterator[str]:
    yield from _rates(of_disagreement(table).filter(pl.col("truth").is_in([FAMILY.name, WEAK.name])))


def _rates(rows: pl.DataFrame) -> Iterator[str]:
    yield from _header("truth", "members", "images", "studies", *RATES.values())
    for row in rows.iter_rows(named=True):
        truth = "diversity related to nothing" if row["measure"] == UNRELATED else row["truth"]
        yield _line(truth, *_size(row), *(rate(row[name], row["studies"]) for name in RATES))


def _coverage(table: pl.DataFrame) -> Iterator[str]:
    yield from _header(
        *("truth", "members", "images", "studies", "points per SD, mean ± SD", "error of the jackknife / SD"),
        *("interval covers the mean of such studies", f"interval covers their mean with {_number(LARGE)} images"),
        *("mean / mean with 10\u202f000 images", "points per SD from the same images, mean"),
    )
    rows = of_disagreement(table).filter(pl.col("measure") == DISAGREEMENT)
    for row in rows.iter_rows(named=True):
        large = rows.filter(truth=row["truth"], members=row["members"], samples=LARGE)["points_mean"]
        ratio = "–"
        if len(large) and row["truth"] in (FAMILY.name, WEAK.name):
            ratio = f"{row['points_mean'] / large[0]:.2f}"
        yield _line(
            *(row["truth"], *_size(row), f"{_signed(row['points_mean'])} ± {row['points_sd']:.2f}"),
            f"{row['points_error'] / row['points_sd']:.1f}",
            *(rate(row[name], row["n_intervals"]) for name in ("n_covers_mean", "n_covers_large")),
            *(ratio, _signed(row["same_points_mean"])),
        )


def _measures(table: pl.DataFrame) -> Iterator[str]:
    yield from _header(
        *("truth", "measure", "members", "images", "ensembles by", "studies", "partial r, mean ± SD"),
        *("effect: p < .05", "effect: interval excludes 0", "reported as shown"),
    )
    rows = table.filter(pl.col("measure").is_in([*MEASURES]), pl.col("measure") != UNRELATED)
    others = (pl.col("measure") != DISAGREEMENT) | (pl.col("consensus") != "average")
    some = pl.col("members").is_in([8, 15]) & (pl.col("truth") != WEAK.name)
    for row in rows.filter(others, some).iter_rows(named=True):
        yield _line(
            *(row["truth"], MEASURES[row["measure"]], *_size(row)[:2], row["consensus"], row["studies"]),
            f"{_signed(row['partial_mean'])} ± {row['partial_sd']:.2f}",
            *(rate(row[name], row["studies"]) for name in ("n_p", "n_interval", "n_shown")),
        )


def _families_of_tests(table: pl.DataFrame) -> Iterator[str]:
    yield from _header(
        *("truth", "members", "images", "sets", "effects of a study", "studies", "at least one shown"),
        *("at least one shown that is not there", "mean share of those among the shown"),
    )
    for row in table.filter(measure="any").iter_rows(named=True):
        members, images, studies = _size(row)
        shown = (rate(row[name], row["studies"]) for name in ("n_shown", "n_false"))
        share = f"{100 * row['false_share']:.0f} %"
        yield _line(row["truth"], members, images, row["sets"], row["effects"], studies, *shown, share)


def _shares(table: pl.DataFrame) -> Iterator[str]:
    yield from _header(
        *("truth", "members", "images", "studies", "disagreement: share", "after all others"),
        *("unrelated diversity: share", "after all others", "interval of the share covers the mean of such studies"),
    )
    rows = table.filter(consensus="average", measure=DISAGREEMENT)
    for row in rows.iter_rows(named=True):
        key = {name: row[name] for name in ("truth", "members", "samples", "sets")}
        [other] = table.filter(consensus="average", measure=UNRELATED, **key).to_dicts()
        shares = [f"{100 * of[name]:.1f} %" for of in (row, other) for name in ("share_mean", "unique_mean")]
        yield _line(row["truth"], *_size(row), *shares, rate(row["n_share_covers"], row["studies"]))


TABLES: dict[str, Callable[[pl.DataFrame], Iterator[str]]] = {
    "rates without an effect": _rates_without_effect,
    "rates with an effect": _rates_with_effect,
    "coverage": _coverage,
    "other measures and votes": _measures,
    "several effects": _families_of_tests,
    "shares of the variance": _shares,
}


def rate(count: int | None, studies: int) -> str:
    """`5 % (3–9)`: a share of studies with its 95 % Wilson interval in percent."""
    if count is None:
        return "–"
    low, high = wilson_interval(np.array([count]), studies)
    return f"{100 * count / studies:.0f} % ({low[0]:.0f}–{high[0]:.0f})"


def _size(row: Row) -> tuple[str, str, str]:
    return str(row["members"]), _number(row["samples"]), str(row["studies"])


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def _header(*titles: str) -> list[str]:
    return [_line(*titles), f"|{'---|' * len(titles)}"]


def _line(*cells: Any) -> str:
    return f"| {' | '.join(map(str, cells))} |"

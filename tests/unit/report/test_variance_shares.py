"""What the report says of how the variance of accuracy divides follows from the table."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl
from matplotlib.figure import Figure
from matplotlib.text import Text

from scripts.lib.report.drawings.variance_shares import draw_variance_shares
from scripts.lib.report.findings import Tables, findings
from scripts.lib.report.labels import WHAT_SHARES_ARE
from scripts.lib.report.variance_tables import terms_together, variance_tables
from scripts.lib.statistics.variance_shares import SCHEMA

OWN = {"size": 0.5, "member_accuracies": 0.3, "disagreement": 0.15, "unexplained": 0.05}
TOGETHER = {"size": 0.5, "member_accuracies": 0.3, "disagreement": 0.1, "js_divergence": 0.06, "unexplained": 0.04}


def model(
    name: str, shares: Mapping[str, float | None], dataset: str = "clean", members: int = 8, interval: float = 0.02
) -> pl.DataFrame:
    """The rows of one model, with intervals of this half width and half of the share after all others."""
    rows = []
    for term, share in shares.items():
        row = {"dataset": dataset, "consensus": "average", "model": name, "term": term, "members": members}
        row |= {"ensembles": 247, "share": share}
        if share is not None:
            row |= {"low": max(0, share - interval), "high": share + interval}
        if share is not None and term != "unexplained":
            row |= {"unique": share / 2, "unique_low": 0.0, "unique_high": share}
        rows.append(row)
    return pl.DataFrame(rows, schema=SCHEMA)


def two_measures() -> pl.DataFrame:
    other = {"js_divergence" if term == "disagreement" else term: share for term, share in OWN.items()}
    return pl.concat([model("disagreement", OWN), model("js_divergence", other), model("all", TOGETHER)])


def test_the_model_with_all_measures_is_shown_if_there_is_one() -> None:
    rows = terms_together(two_measures())
    assert {row["term"]: row["share"] for row in rows} == TOGETHER
    assert {row["term"]: row["share"] for row in terms_together(model("disagreement", OWN))} == OWN


def test_a_measure_that_no_model_of_all_members_has_is_shown_from_its_own_model() -> None:
    fewer = {"size": 0.6, "member_accuracies": 0.2, "attribution_dissimilarity": 0.12, "unexplained": 0.08}
    rows = terms_together(pl.concat([two_measures(), model("attribution_dissimilarity", fewer, members=6)]))
    assert {row["term"]: row["share"] for row in rows} == TOGETHER | {"attribution_dissimilarity": 0.12}


def test_without_a_model_of_all_measures_only_measures_are_shown() -> None:
    rows = terms_together(two_measures().filter(pl.col("model") != "all"))
    assert {row["term"]: row["share"] for row in rows} == {"disagreement": 0.15, "js_divergence": 0.15}
    assert terms_together(pl.DataFrame(schema=SCHEMA)) == []


def test_what_a_measure_adds_is_that_of_its_own_model() -> None:
    added = {row["term"]: row["added"] for row in terms_together(two_measures())}
    assert added == dict.fromkeys(TOGETHER) | {"disagreement": 0.075, "js_divergence": 0.075}


def test_the_tables_have_every_term_and_every_model() -> None:
    together, alone = variance_tables(two_measures())
    assert together.rows[0] == ["Clean", "Size", "50.0", "48.0 to 52.0", "25.0", "0.0 to 50.0", "8"]
    assert together.rows[-1] == ["Clean", "Not explained", "4.0", "2.0 to 6.0", "–", "–", "8"]
    assert len(together.rows) == len(TOGETHER)
    assert alone.rows[0] == ["Clean", "Prediction disagreement", "50.0", "30.0", "15.0", "13.0 to 17.0", "7.5", "5.0"]
    assert len(alone.rows) == 2
    assert all(len(row) == len(table.header) for table in (together, alone) for row in table.rows)


def test_what_is_not_known_is_a_dash() -> None:
    together, alone = variance_tables(model("disagreement", dict.fromkeys(OWN)))
    assert all(row[2:-1] == ["–"] * 4 for row in together.rows)
    assert alone.rows[0][2:] == ["–"] * 6


def with_shares(tables: Tables, shares: pl.DataFrame) -> list[str]:
    return [text.replace("\u00a0", " ") for text in findings(replace(tables, variance_shares=shares))]


def on_shares(paragraphs: list[str]) -> list[str]:
    return [text for text in paragraphs if "variance" in text]


def test_the_findings_name_the_shares_on_the_first_dataset(tables: Tables) -> None:
    [paragraph] = on_shares(with_shares(tables, two_measures()))
    assert paragraph == (
        "Shares in the variance of accuracy over the ensembles on Clean: size 50 % (95 % interval 48 to 52 %), "
        "members' accuracies 30 % (95 % interval 28 to 32 %), prediction disagreement 10 % (95 % interval 8 to 12 %) "
        "and Jensen-Shannon divergence 6 % (95 % interval 4 to 8 %); 4 % is not explained. What each measure adds to "
        "size and members' accuracies: prediction disagreement 7.5 % and Jensen-Shannon divergence 7.5 %. "
        f"{WHAT_SHARES_ARE}"
    )


def test_the_findings_say_when_every_measure_has_a_model_of_its_own(tables: Tables) -> None:
    [text] = on_shares(with_shares(tables, two_measures().filter(pl.col("model") != "all")))
    assert text.startswith(
        "Shares in the variance of accuracy over the ensembles on Clean, each measure in a model of its own: "
        "prediction disagreement 15 % (95 % interval 13 to 17 %) and Jensen-Shannon divergence 15 %"
    )


def test_without_shares_the_findings_do_not_speak_of_them(tables: Tables) -> None:
    for shares in (pl.DataFrame(schema=SCHEMA), model("disagreement", dict.fromkeys(OWN))):
        assert on_shares(with_shares(tables, shares)) == []


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def test_the_figure_has_a_panel_for_each_dataset_and_a_line_for_each_term() -> None:
    other = model("all", TOGETHER, dataset="$noise")
    found = texts(draw_variance_shares(pl.concat([two_measures(), other]), "average"))
    assert {"Clean", r"\$noise", "Size", "Members' accuracies", "Jensen-Shannon divergence", "50"} <= set(found)
    assert found.index("Not explained") > found.index("Jensen-Shannon divergence")


def test_the_figure_says_where_there_is_no_value() -> None:
    assert texts(draw_variance_shares(model("disagreement", dict.fromkeys(OWN)), "vote")).count("no value") == 4
    nothing = draw_variance_shares(pl.DataFrame(schema=SCHEMA), "vote")
    assert not any(axes.axison for axes in nothing.axes)

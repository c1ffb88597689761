"""The report is one file that needs nothing else, and what it says follows from the tables."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scripts.lib.jobs.provenance import study_hash
from scripts.lib.jobs.storage import load_json
from scripts.lib.report.build import build_report, read_tables
from scripts.lib.report.ensemble_tables import correlation_tables
from scripts.lib.report.figure import FIGURES, captioned_pictures, draw_pictures
from scripts.lib.report.findings import Tables, compared, findings
from scripts.lib.report.labels import counted, in_words, listed, probability, signed
from scripts.lib.report.member_tables import expectations_table
from tests.unit.synthetic_study import NAMES, make_study, outline

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_study(tmp_path_factory.mktemp("study"), members=5, samples=80, baseline=True)
    for name, shown in (
        ("member_accuracies", {"member_accuracies": {}}),
        ("pairwise", {"pairwise_disagreement": {"measure": "disagreement"}}),
    ):
        inputs = FIGURES[name].inputs(outline(folder))
        files = {key: [str(folder / path) for path in paths] for key, paths in inputs.items()}
        draw_pictures(FIGURES[name], files, shown, folder / "figures")
    return folder


def captioned(study: Path) -> dict[str, dict[str, str]]:
    """The words of every picture of a study, by name."""
    return {picture["name"]: picture for picture in captioned_pictures(outline(study))}


@pytest.fixture(scope="module")
def report(study: Path) -> Path:
    names = ("member_accuracies", "pairwise_disagreement")
    figures = {str(study / f"figures/{name}.png"): captioned(study)[name] for name in names}
    build_report(study, figures, study / "report.html")
    return study / "report.html"


@pytest.fixture(scope="module")
def tables(study: Path) -> Tables:
    return read_tables(study, load_json(study / "study.json"))


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[Mapping[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def browse(path: Path, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={profile}", *options, path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)


def correlate(tables: Tables, **columns: Any) -> Tables:
    """The same study with other values in every row of its correlations."""
    values = {name: pl.lit(value, dtype=pl.Float64) for name, value in columns.items()}
    return replace(tables, correlations=tables.correlations.with_columns(**values))


def sentences(tables: Tables) -> list[str]:
    return [paragraph.replace("\u00a0", " ") for paragraph in findings(tables)]


def test_the_page_carries_everything_itself(report: Path) -> None:
    page = Page(report)
    sources = [attributes[key] for _, attributes in page.tags for key in ("src", "href") if key in attributes]
    assert sources
    assert all(re.match(r"data:image/png;base64,|#", source or "") for source in sources)
    assert not page.all("script")
    assert not page.all("link")
    assert "url(" not in report.read_text()
    assert "@import" not in report.read_text()


def test_every_picture_has_an_alternative_text_a_caption_and_a_size(report: Path) -> None:
    page = Page(report)
    assert len(page.all("img")) == len(page.all("figcaption")) == 2
    assert all(image["alt"] and int(image["width"] or 0) > 100 and image["height"] for image in page.all("img"))


def test_headings_tables_and_links_are_complete(report: Path) -> None:
    page = Page(report)
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table"))
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {(link["href"] or "").removeprefix("#") for link in page.all("a")} <= targets


def test_tables_hold_the_members_their_accuracies_and_all_correlations(report: Path, tables: Tables) -> None:
    text = Page(report).text
    for name in NAMES[:5]:
        assert name in text
    row = tables.accuracies["blur"].row(2, named=True)
    assert f"{row['accuracy']:.1f} ({row['low']:.1f}–{row['high']:.1f})" in text
    assert "Improvement over the baseline member, ensembles by majority vote" in text
    assert "1 min 42 s" in text, "the two training jobs of 61.5 s and 40.25 s"


def test_text_of_the_study_is_escaped(report: Path) -> None:
    assert "<script>alert" not in report.read_text()
    assert "&lt;script&gt;alert" in report.read_text()


def test_the_page_names_its_study_by_the_hash_that_provenance_names(report: Path, study: Path) -> None:
    assert study_hash(load_json(study / "study.json")) in report.read_text(encoding="utf-8")


def test_the_findings_are_in_the_page(report: Path, tables: Tables) -> None:
    assert all(paragraph in Page(report).text for paragraph in findings(tables))


@needs_browser
def test_a_real_browser_reports_no_error(report: Path, tmp_path: Path) -> None:
    log = browse(report, tmp_path / "profile", "--enable-logging=stderr", "--dump-dom").stderr
    assert not [line for line in log.splitlines() if "CONSOLE" in line]


@needs_browser
def test_a_real_browser_shows_every_picture(report: Path, tmp_path: Path) -> None:
    script = """<script>addEventListener("load", () => { document.title =
        [...document.images].map(image => image.complete ? image.naturalWidth : 0).join(" ") })</script>"""
    content = re.sub(r"<meta http-equiv=[^>]*>", "", report.read_text())  # it forbids scripts, this one included
    copy = tmp_path / "copy.html"
    copy.write_text(content.replace("</body>", f"{script}</body>"))
    page = browse(copy, tmp_path / "profile", "--dump-dom").stdout
    widths = re.search(r"<title>([\d ]+)</title>", page)
    assert widths
    assert [int(width) for width in widths[1].split()] == [1440, 1440]


def test_a_strong_positive_correlation(tables: Tables) -> None:
    changed = correlate(tables, pearson=0.8, ci_low=0.4, ci_high=0.9, p_value=0.001, q_value=0.004, partial_pearson=0.7)
    text = sentences(changed)[1]
    assert "r = +0.80 (95 % interval 0.40 to 0.90, p = 0.001, q = 0.004): ensembles whose members differ more" in text
    assert "differ more by this measure gain more" in text
    assert "accuracy held fixed, r is +0.70: more than half of the correlation remains." in text
    assert "r is +0.80 (0.40 to 0.90) on Noise, +0.80 (0.40 to 0.90) on Blur" in text
    assert "Over all 20 correlations between a diversity and this improvement, r is +0.80" in text


def test_a_strong_negative_correlation(tables: Tables) -> None:
    changed = correlate(tables, pearson=-0.8, ci_low=-0.9, ci_high=-0.4, q_value=0.01, partial_pearson=0.5)
    text = sentences(changed)[1]
    assert "r = −0.80 (95 % interval −0.90 to −0.40" in text
    assert "differ more by this measure gain less" in text
    assert "it changes sign" in text


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-0.1, 0.8, "the interval includes zero, so even the sign is uncertain."),
     (None, 0.8, "it has no interval, so even the sign is uncertain.")],
)  # fmt: skip
def test_where_the_interval_does_not_settle_the_sign_no_direction_is_said(
    tables: Tables, low: float | None, high: float | None, words: str
) -> None:
    text = sentences(correlate(tables, pearson=0.5, ci_low=low, ci_high=high, q_value=0.01))[1]
    assert words in text
    assert "gain more" not in text


def without_probabilities(text: str) -> str:
    return re.sub(r", [pq] [=<] [\d.]+", "", text)


def test_p_and_q_decide_no_word_of_the_findings(tables: Tables) -> None:
    """Which measure is named, in which order, and what is said of it follow from r and its interval."""
    texts = []
    for small, large in [(0.0001, 0.9), (0.9, 0.0001)]:
        first = pl.when(pl.col("measure") == "disagreement").then(small).otherwise(large)
        known = correlate(tables, ci_low=0.1, ci_high=0.9).correlations
        changed = replace(tables, correlations=known.with_columns(p_value=first, q_value=first))
        texts.append(sentences(changed)[1])
    assert texts[0] != texts[1]
    assert without_probabilities(texts[0]) == without_probabilities(texts[1])


def with_correlations(tables: Tables, values: Mapping[str, tuple[float, float, float]]) -> Tables:
    """The same study with r and its interval for each measure, the same on every dataset."""
    changed = [
        tables.correlations.filter(measure=measure).with_columns(
            pearson=pl.lit(r), ci_low=pl.lit(low), ci_high=pl.lit(high), partial_pearson=pl.lit(r / 4)
        )
        for measure, (r, low, high) in values.items()
    ]
    return replace(tables, correlations=pl.concat(changed))


def test_measures_follow_in_the_order_of_effect_and_interval(tables: Tables) -> None:
    values = {
        "disagreement": (0.501, -0.2, 0.9),
        "attribution_dissimilarity": (0.1, 0.05, 0.2),
        "activation_dissimilarity": (0.5, 0.3, 0.6),
        "js_divergence": (-0.4, -0.5, -0.3),
    }
    text = sentences(with_correlations(tables, values))[1]
    assert "most strongly with the improvement over the mean member is activation dissimilarity, r = +0.50" in text
    assert (
        "Next, in order of |r|: prediction disagreement (+0.50, 95 % interval −0.20 to 0.90; accuracy held fixed "
        "+0.13), Jensen-Shannon divergence (−0.40, 95 % interval −0.50 to −0.30; accuracy held fixed −0.10) and "
        "attribution dissimilarity (+0.10, 95 % interval 0.05 to 0.20; accuracy held fixed +0.03)." in text
    )
    assert "the diversity with the strongest correlation on average is activation dissimilarity" in text
    assert "r is between −0.40 and +0.50 (15 positive, 5 negative)" in text
    assert "with the mean member accuracy held fixed it is between −0.10 and +0.13" in text


def test_the_findings_say_what_p_tests_and_where_to_look_instead(tables: Tables) -> None:
    text = sentences(tables)[1]
    assert "“no relation at all, not even through accuracy”" in text
    assert "a small p does not say that diversity matters beyond accuracy" in text
    assert "no calibrated test of it yet" in text


def test_the_table_of_correlations_has_partial_r_beside_r_and_says_what_p_tests(report: Path, tables: Tables) -> None:
    [first, *_] = correlation_tables(tables.correlations)
    assert list(first.header[2:7]) == ["Pearson r", "95 % interval", "Partial r", "p", "q"]
    row = tables.correlations.row(0, named=True)
    assert first.rows[0][2] == signed(row["pearson"])
    assert first.rows[0][4] == signed(row["partial_pearson"])
    assert Page(report).text.count("“no relation at all, not even through accuracy”") >= 2


def test_the_page_and_its_captions_call_nothing_significant(report: Path, study: Path) -> None:
    """docs/architecture.md says why: the test does not bear the word."""
    captions = [" ".join(captioned(study)[name].values()) for name in ("correlations", "improvement_over_mean_average")]
    assert "p tests" in captions[0]
    assert "p tests" in captions[1]
    for text in (report.read_text(encoding="utf-8"), *captions):
        assert "signific" not in re.sub(r"base64,[^\"]*", "", text).lower()


def test_without_correlations_the_text_says_so(tables: Tables) -> None:
    for changed in (correlate(tables, pearson=None), replace(tables, correlations=tables.correlations.clear())):
        text = sentences(changed)[1]
        assert text == (
            "On Clean, no correlation with a diversity could be computed, because there are too few ensembles or a "
            "quantity does not vary."
        )


def test_the_strongest_measure_is_named_even_if_it_is_negative(tables: Tables) -> None:
    strongest = pl.when(pl.col("measure") == "js_divergence").then(-0.9).otherwise(0.1)
    changed = replace(tables, correlations=tables.correlations.with_columns(pearson=strongest))
    assert "the improvement over the mean member is Jensen-Shannon divergence, r = −0.90" in sentences(changed)[1]
    assert "strongest correlation on average is Jensen-Shannon divergence" in sentences(changed)[1]


def with_best_ensemble(tables: Tables, accuracy: float) -> Tables:
    """The study with members at 70 % and ensembles at 60 %, except for the largest ensemble."""
    members = {name: table.with_columns(accuracy=pl.lit(70.0)) for name, table in tables.accuracies.items()}
    best = pl.when(pl.col("size") == 5).then(accuracy).otherwise(60.0)
    ensembles = {name: table.with_columns(accuracy=best) for name, table in tables.ensembles.items()}
    return replace(tables, accuracies=members, ensembles=ensembles)


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [(72.5, "2.5 percentage points better than"), (69.0, "1.0 percentage points worse than"), (70.0, "as accurate as"),
     (70.01, "less than 0.1 percentage points from")],
)  # fmt: skip
def test_the_best_ensemble_is_compared_with_the_best_member(tables: Tables, accuracy: float, words: str) -> None:
    text = sentences(with_best_ensemble(tables, accuracy))[0]
    assert f"{', '.join(NAMES[:4])} and {NAMES[4]} with {accuracy:.1f} %: {words} the best single member" in text
    assert "this average stays at 70.0 %" in text


def test_equally_good_ensembles_are_counted(tables: Tables) -> None:
    assert "(25 other ensembles reached the same accuracy)" in sentences(with_best_ensemble(tables, 60.0))[0]


def test_a_rise_under_shift_is_not_called_a_fall(tables: Tables) -> None:
    accuracies = {
        name: table.with_columns(accuracy=pl.lit(50.0 if name == "clean" else 80.0))
        for name, table in tables.accuracies.items()
    }
    assert "this average rises to 80.0 %" in sentences(replace(tables, accuracies=accuracies))[0]


def test_one_dataset_and_one_ensemble(tmp_path: Path) -> None:
    folder = make_study(tmp_path, members=2, datasets=["clean"], samples=50)
    build_report(folder, {}, folder / "report.html")
    first, second = sentences(read_tables(folder, load_json(folder / "study.json")))
    assert "2 members were tested alone and in 1 ensemble of 2 members, on 1 validation set." in first
    assert "other" not in first
    assert "no correlation" in second


def test_studies_without_ensembles_or_benchmarks_have_a_report(tmp_path: Path) -> None:
    folder = make_study(tmp_path, members=3, datasets=["clean"], samples=50)
    shutil.rmtree(folder / "benchmarks")
    table = pl.read_parquet(folder / "ensembles/clean.parquet")
    table.clear().write_parquet(folder / "ensembles/clean.parquet")
    best = pl.read_parquet(folder / "best_ensembles/clean.parquet")
    best.clear().write_parquet(folder / "best_ensembles/clean.parquet")
    build_report(folder, {}, folder / "report.html")
    assert "no ensemble of two or more members was evaluated" in Page(folder / "report.html").text


def test_words(study: Path) -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert [counted(1, "ensemble"), counted(32752, "ensemble")] == ["1 ensemble", "32\u202f752 ensembles"]
    assert [probability("p", 0.0123), probability("q", 0.0001)] == ["p = 0.012", "q < 0.001"]
    assert compared(-1e-13) == "as accurate as"
    assert captioned(study)["improvement_over_best_vote"]["title"] == "Improvement over the best member, majority vote"
    assert captioned(study)["pairwise_disagreement"]["title"] == "Prediction disagreement of every pair of members"
    assert in_words("my_figure") == "My figure"


def test_members_that_differ_by_more_than_a_point_from_what_is_expected_are_shown() -> None:
    clean = pl.DataFrame({"member": ["a", "b", "c"], "accuracy": [70.0, 71.5, 40.0]})
    members = [{"id": "a", "expected_top1": 70.9}, {"id": "b", "expected_top1": 75.2}, {"id": "c"}]
    [table] = expectations_table(members, clean)
    assert table.rows == [["b", "71.5", "75.2", "−3.7"]]
    assert list(expectations_table(members[:1], clean)) == []

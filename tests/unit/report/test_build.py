"""The report is one file that needs nothing else, and what it says follows from the tables."""

import re
import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
import pytest

from scripts.lib.jobs.provenance import study_hash
from scripts.lib.jobs.storage import load_json
from scripts.lib.report.build import build_report
from scripts.lib.report.figure import FIGURES, captioned_pictures, draw_pictures
from scripts.lib.report.findings import Tables, findings
from tests.unit.report.browser import Browser, needs_browser
from tests.unit.synthetic_study import NAMES, make_study, outline


def captioned(study: Path) -> dict[str, dict[str, Any]]:
    """The words of every picture of a study, by name."""
    return {picture["name"]: picture for picture in captioned_pictures(outline(study))}


@pytest.fixture(scope="module")
def report(study: Path) -> Path:
    shown = {
        "member_accuracies": {"member_accuracies": {}},
        "pairwise": {"pairwise_disagreement": {"measure": "disagreement"}},
    }
    for name, pictures in shown.items():
        inputs = FIGURES[name].inputs(outline(study))
        files = {key: [str(study / path) for path in paths] for key, paths in inputs.items()}
        draw_pictures(FIGURES[name], files, pictures, study / "figures")
    names = ("member_accuracies", "pairwise_disagreement")
    figures = {str(study / f"figures/{name}.png"): captioned(study)[name] for name in names}
    build_report(study, figures, study / "report.html")
    return study / "report.html"


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


def test_the_page_carries_everything_itself(report: Path) -> None:
    page = Page(report)
    sources = [attributes[key] for _, attributes in page.tags for key in ("src", "href") if key in attributes]
    assert sources
    local = re.compile(r"data:image/webp;base64,|#|[\w%./-]+$")
    assert all(local.match(source or "") and not re.match(r"\w+:(?!image)", source or "") for source in sources)
    assert all(not script.keys() & {"src", "nonce"} for script in page.all("script"))
    assert not page.all("link")
    without_scripts = re.sub(r"<script.*?</script>", "", report.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "url(" not in without_scripts
    assert "@import" not in without_scripts


def test_links_to_files_lead_to_files_that_are_there(report: Path) -> None:
    links = {unquote(link["href"] or "") for link in Page(report).all("a") if not (link["href"] or "").startswith("#")}
    assert {"study.json", "ensembles/noise.parquet", "figures/member_accuracies.pdf", "checkpoints/"} <= links
    assert [link for link in links if not (report.parent / link).exists()] == []


def test_every_picture_has_an_alternative_text_a_caption_and_a_size(report: Path) -> None:
    page = Page(report)
    assert len(page.all("img")) == len(page.all("figcaption")) == 2
    assert all(image["alt"] and int(image["width"] or 0) > 100 and image["height"] for image in page.all("img"))


def test_headings_tables_and_links_are_complete(report: Path) -> None:
    page = Page(report)
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table"))
    targets = {attributes.get("id") for _, attributes in page.tags}
    links = {link["href"] or "" for link in page.all("a")}
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= targets


def test_no_two_elements_have_the_same_id_and_every_figure_has_one(report: Path) -> None:
    page = Page(report)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert sorted(set(ids)) == sorted(ids)
    assert {"figure-member_accuracies", "figure-pairwise_disagreement"} <= set(ids)


def test_answers_come_before_figures(report: Path) -> None:
    page = Page(report)
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections[:3] == ["findings", "deployment", "explorer"]
    assert sections.index("figures") < sections.index("tables")


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
def test_a_real_browser_shows_every_picture_and_reports_no_error(report: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.open(report)
    widths = page.value("[...document.images].map(image => image.complete ? image.naturalWidth : 0)")
    assert widths == [1440, 1440]
    assert page.said == []


def test_the_page_and_its_captions_call_nothing_significant(report: Path, study: Path) -> None:
    """docs/statistics.md says why: the test does not bear the word."""
    shown = ("effects", "correlations", "improvement_over_mean_average")
    texts = ("title", "caption", "alternative")
    captions = [" ".join(captioned(study)[name][text] for text in texts) for name in shown]
    assert "after adjusting for" in captions[0]
    assert all("says nothing about causes" in caption for caption in captions[1:])
    for text in (report.read_text(encoding="utf-8"), *captions):
        assert "signific" not in re.sub(r"base64,[^\"]*|<script.*?</script>", "", text, flags=re.DOTALL).lower()


def test_studies_without_ensembles_or_benchmarks_have_a_report(tmp_path: Path) -> None:
    folder = make_study(tmp_path, members=3, datasets=["clean"], samples=50)
    shutil.rmtree(folder / "benchmarks")
    table = pl.read_parquet(folder / "ensembles/clean.parquet")
    table.clear().write_parquet(folder / "ensembles/clean.parquet")
    best = pl.read_parquet(folder / "best_ensembles/clean.parquet")
    best.clear().write_parquet(folder / "best_ensembles/clean.parquet")
    build_report(folder, {}, folder / "report.html")
    assert "no ensemble of two or more members was evaluated" in Page(folder / "report.html").text


def test_the_page_says_what_each_p_tests(report: Path) -> None:
    text = Page(report).text
    assert "“no relation at all, not even through accuracy”" in text
    assert "an effect is called shown only if q is below 0.05 and the interval over members excludes 0" in text


def test_effects_come_before_plain_correlations(report: Path) -> None:
    text = Page(report).text
    assert text.index("Effects on accuracy with 95 % intervals, ensembles by") < text.index(
        "Improvement over the mean member, ensembles by"
    )

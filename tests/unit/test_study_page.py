"""The published study: its page shows the numbers of its tables."""

import pytest

from benchmarks.study_facts import PAGE, SUBJECTS, PublishedTables
from benchmarks.study_page import published_tables, with_tables


def test_the_page_shows_the_published_tables() -> None:
    page = (PAGE / "README.md").read_text(encoding="utf-8")
    assert with_tables(page, published_tables(PublishedTables(PAGE / "csv"))) == page


# What the page says, and the fact that it says.
SENTENCES = {
    "The intervals are above 0 on eight of the eleven sets, not on noise-1, digital-1 and digital-3.": (
        "accuracy, disagreement: per sd 0.110 to 1.470; interval over both above 0 on 8 (clean, noise-3, blur-1, "
        "blur-3, weather-1, weather-2, extra-1, extra-3), below 0 on 0 ()"
    ),
    "the smallest q is 0.42": "smallest q of a difference between two measures: 0.418",
    "is above 0 on one set only (digital-3)": (
        "nll, disagreement: per sd -0.003 to 0.065; interval over both above 0 on 1 (digital-3)"
    ),
    "The interval of disagreement is above 0 on blur-1 and extra-1": (
        "from clean images, disagreement: interval above 0 on 2 (blur-1, extra-1)"
    ),
    "the accuracies of the members have 43 to 70 % of the variance": "member_accuracies: share 42.8 to 69.7 %",
    "disagreement 3 to 20 %": "disagreement: share 2.8 to 20.3 %",
    "another 2 to 14 %": "js_divergence: share 1.7 to 13.7 %",
    "above 0.9 on seven of the eleven sets": "disagreement: r 0.65 to 0.97; |r| > 0.9 on 7 (",
    "smaller for attributions (−0.07 to 0.72)": "attribution_dissimilarity: r -0.07 to 0.72",
    "around 0 for activations (−0.21 to 0.26)": "activation_dissimilarity: r -0.21 to 0.26",
    "has 75.8 % on average over the shifted sets": (
        "recommended (MNASNET_1, MNASNET_1p, Squeezenet_512, Squeezenet, together-1): clean 90.7, mean of the shifted "
        "sets 75.8"
    ),
    "77.2 % on the evaluation split": "single (together-1): clean 91.1, mean of the shifted sets 77.2",
    "all eighteen members together 75.9 %": "all (all): clean 90.0, mean of the shifted sets 75.9",
    "rank correlation with the mean over the shifted sets: 0.75": (
        "rank correlation of clean accuracy with the mean over the shifted sets: 0.75"
    ),
    "Only together-1 exceeds 90 %": "90 % or more on clean images: 1 (together-1)",
}


@pytest.fixture(scope="module")
def facts() -> list[str]:
    published = PublishedTables(PAGE / "csv")
    return [fact for subject in SUBJECTS.values() for fact in subject(published)]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_text_says_what_the_tables_say(sentence: str, facts: list[str]) -> None:
    assert sentence in (PAGE / "README.md").read_text(encoding="utf-8")
    assert any(fact.startswith(SENTENCES[sentence]) for fact in facts)


def test_a_table_is_replaced_below_its_line() -> None:
    page = "<!-- table: a -->\n\n| old |\n| --- |\n\ntext\n"
    table = "| new |\n| --- |\n| \\1 |"
    assert with_tables(page, {"a": table}) == f"<!-- table: a -->\n\n{table}\n\ntext\n"


@pytest.mark.parametrize("page", ["text\n", "<!-- table: a -->\n\ntext\n", 2 * "<!-- table: a -->\n\n| old |\n\n"])
def test_a_table_without_exactly_one_place(page: str) -> None:
    with pytest.raises(ValueError, match="must be one"):
        with_tables(page, {"a": "| new |"})

"""The published study: its page shows the numbers of its tables."""

import pytest

from benchmarks.study_facts import PAGE, SUBJECTS, PublishedTables
from benchmarks.study_page import published_tables, with_tables


def test_the_page_shows_the_published_tables() -> None:
    page = (PAGE / "README.md").read_text(encoding="utf-8")
    assert with_tables(page, published_tables(PublishedTables(PAGE / "csv"))) == page


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_numbers_in_the_text_can_be_computed(subject: str) -> None:
    assert list(SUBJECTS[subject](PublishedTables(PAGE / "csv")))


def test_a_table_is_replaced_below_its_line() -> None:
    page = "<!-- table: a -->\n\n| old |\n| --- |\n\ntext\n"
    table = "| new |\n| --- |\n| \\1 |"
    assert with_tables(page, {"a": table}) == f"<!-- table: a -->\n\n{table}\n\ntext\n"


@pytest.mark.parametrize("page", ["text\n", "<!-- table: a -->\n\ntext\n", 2 * "<!-- table: a -->\n\n| old |\n\n"])
def test_a_table_without_exactly_one_place(page: str) -> None:
    with pytest.raises(ValueError, match="must be one"):
        with_tables(page, {"a": "| new |"})

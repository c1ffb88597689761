"""A table of the report, and how its cells show sizes and times."""

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.lib.jobs import amounts
from scripts.lib.report.labels import missing, plain


@dataclass(frozen=True)
class Table:
    """Rows of text under a caption; the first column names the row, and numbers are right-aligned."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1


def millions(value: float | None) -> str:
    """A count in millions."""
    if value is None or missing(value):
        return "–"
    return plain(value / 1e6, 2 if value < 1e7 else 1)


def whole(value: float | None) -> str:
    """A whole number with its thousands separated."""
    return "–" if missing(value) else f"{value:,.0f}".replace(",", "\u202f")


def duration(seconds: float | None) -> str:
    """Seconds, minutes or hours."""
    return "–" if seconds is None or missing(seconds) else amounts.duration(seconds)

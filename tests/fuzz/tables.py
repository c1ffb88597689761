"""Tables of predictions and labels as they are meant, and the columns that a file of them may have.

What is meant is drawn first; then one to a few deviations from the plain, documented form. A reader may refuse a
deviation, but must not make another table of it; the plain form it must accept (`plain`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

Column = tuple[str, list[Any]]
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Table:
    """Values [N][C] of samples and classes; `kind` says what they are: "logits" or "probabilities"."""

    samples: list[str]
    classes: list[str]
    values: list[list[float]]
    kind: str
    plain: bool


@dataclass(frozen=True)
class Columns:
    """Columns of a file, in order; `plain` says whether the documentation promises that they can be read."""

    columns: list[Column]
    plain: bool


# Ids of samples by their number. Those of the second list may be refused.
PLAIN_IDS: list[Callable[[int], str]] = [
    lambda n: f"image-{n}",
    str,
    lambda n: str(97 * n % 13),  # numbers in no order
    lambda n: f"{n:04d}",
    lambda n: f"1.{'10'[n % 2] * (n + 1)}",  # one number, several texts
    lambda n: f"{n}e5",
    lambda n: f"cat/größe {n}.日本",
    lambda n: str(2**63 + n),
]
ODD_IDS: list[Callable[[int], str]] = [
    lambda n: f'a,"{n}";\'',
    lambda n: f" {n} ",
    lambda n: ["nan", "null", "NA", "None", "true", "inf", "-", "#"][n % 8] + "1" * (n // 8),
    lambda n: f"line\n{n}",
    lambda n: f"line\r\n{n}",
    lambda n: f"line\u2028{n}",
    lambda n: f"line\x85{n}\x0c",
    lambda n: f"\x00{n}",
    lambda n: f"tab\t{n}",
    lambda n: "" if n == 0 else f"\ufeff{n}",
    lambda n: f"-{n}",
]
PLAIN_CLASSES: list[Callable[[int], str]] = [
    lambda n: ["cat", "dog", "newt", "eft"][n % 4] + "s" * (n // 4),
    str,
    lambda n: f"n{n:08d}",
    lambda n: f"größe {n}",
]
ODD_CLASSES: list[Callable[[int], str]] = [
    lambda n: f'a,"{n}"',
    lambda n: f" {n} ",
    lambda n: f"class_{n}",
    lambda n: f"{n}.0",
    lambda n: ["label", "sample", "id", "", "loss", "prediction"][n % 6] + "x" * (n // 6),
    lambda n: f"line\n{n}",
    lambda n: str(n + 1),
    lambda n: str(11 - n),
]


@st.composite
def tables(draw: Draw) -> Table:
    """A table of 1 to 6 samples and 2 to 12 classes, mostly with plain names."""
    samples, classes = draw(st.integers(1, 6)), draw(st.sampled_from([2, 3, 4, 11, 12]))
    kind = draw(st.sampled_from(["probabilities", "logits"]))
    odd_ids, odd_classes = draw(st.integers(0, 5)) == 5, draw(st.integers(0, 5)) == 5
    name = draw(st.sampled_from(ODD_IDS if odd_ids else PLAIN_IDS))
    label = draw(st.sampled_from(ODD_CLASSES if odd_classes else PLAIN_CLASSES))
    values = values_of(draw(st.integers(0, 1000)), samples, classes, kind)
    return Table(
        [name(n) for n in range(samples)],
        [label(n) for n in range(classes)],
        values,
        kind,
        not (odd_ids or odd_classes),
    )


def values_of(seed: int, samples: int, classes: int, kind: str) -> list[list[float]]:
    """Logits, some outside of 0 to 1, or probabilities of rows that sum to 1; six digits, some of them round."""
    random = np.random.default_rng(seed)
    if kind == "logits":
        values = random.normal(scale=3, size=(samples, classes)).round(seed % 5)
        values[0, 0] = -2.0
    else:
        counts = random.multinomial(10**6, random.dirichlet(np.full(classes, 0.3)), size=samples)
        values = counts / 1e6
        values[seed % samples] = np.eye(classes)[seed % classes]
    return [[float(value) for value in row] for row in values]


@dataclass(frozen=True)
class Layout:
    """How a table lies in columns. `heading` makes a class's column name of its number and name."""

    ids: str | None
    rows: Sequence[int]
    classes: Sequence[int]
    place: int
    heading: Callable[[int, str], str]
    deviations: Sequence[str]


HEADINGS: list[Callable[[int, str], str]] = [
    lambda _, name: name,
    lambda _, name: name,
    lambda number, _: f"class_{number}",
    lambda number, _: str(number),
    lambda number, _: f"prob_{number}",
]
DEVIATIONS = [
    "lose a row", "double a row", "further row", "label", "loss", "prediction", "no heading", "Unnamed: 0", "text",
    "double column",
    "lose a column", "from one", "gap", "empty", "nan", "word", "both ids", "percent", "padded numbers",
    "mixed headings",
    "further class", "true", "not sorted", "large",
]  # fmt: skip
# Deviations that the documentation allows.
ALLOWED = {"further row", "label"}


@st.composite
def layouts(draw: Draw, table: Table, odd: bool = True) -> Layout:
    """A layout of the table: columns and rows in any order, and at times, if it may be `odd`, a deviation or two."""
    samples, classes = range(len(table.samples)), range(len(table.classes))
    ids = draw(st.sampled_from(["sample", "sample", "id", None]))
    odd = odd and draw(st.booleans())
    return Layout(
        ids,
        draw(st.permutations(samples)) if ids else list(samples),
        draw(st.permutations(classes)),
        draw(st.integers(0, 12)) if draw(st.booleans()) else 0,
        draw(st.sampled_from(HEADINGS)),
        draw(_deviations(bool(ids))) if odd else [],
    )


def _deviations(ids: bool) -> st.SearchStrategy[list[str]]:
    """One or two that do not add up to a whole table with other content, which could not be told from the true one."""
    unseen = [
        {"lose a column", "double column"},
        {"gap", "double column"},
        *([] if ids else [{"lose a row", "double a row"}]),
    ]
    found = st.lists(st.sampled_from(DEVIATIONS), min_size=1, max_size=2, unique=True)
    return found.filter(lambda names: set(names) not in unseen)


def columns_of(table: Table, layout: Layout) -> Columns:
    """The columns of a file with this layout."""
    order = list(layout.classes)
    heads = [layout.heading(number, table.classes[number]) for number in order]
    by_name = heads == [table.classes[number] for number in order]
    if not by_name and set(heads) & set(table.classes):  # numbers that are names of other classes: ambiguous
        heads, by_name = [table.classes[number] for number in order], True
    scores: list[Column] = [
        (head, [table.values[row][number] for row in layout.rows]) for head, number in zip(heads, order, strict=True)
    ]
    ids = [table.samples[row] for row in layout.rows]
    columns = Columns(scores, table.plain)
    if not by_name and table.classes != [str(number) for number in range(len(order))] and _numeric(table.classes):
        columns = replace(columns, plain=False)  # numbers that are names against numbers that are places
    if layout.ids:
        place = min(layout.place, len(scores))
        columns = replace(columns, columns=[*scores[:place], (layout.ids, ids), *scores[place:]])
    for deviation in layout.deviations:
        columns = replace(
            deviate(columns.columns, deviation, layout, ids), plain=columns.plain and deviation in ALLOWED
        )
    return columns


def _numeric(names: Sequence[str]) -> bool:
    return all(name.strip().replace(".", "").isdigit() for name in names)


def deviate(columns: list[Column], deviation: str, layout: Layout, ids: list[str]) -> Columns:
    """The columns with one deviation; a deviation that says another thing than the table must be refused."""
    length = len(columns[0][1]) if columns else 0
    at = next((place for place, (name, _) in enumerate(columns) if name not in ("sample", "id")), 0)
    name = columns[at][0] if columns else ""
    added: dict[str, Column] = {
        "label": ("label", [n % 2 for n in range(length)]),
        "loss": ("loss", [0.25 * n for n in range(length)]),
        "prediction": ("prediction", [n % 2 for n in range(length)]),
        "no heading": ("", list(range(length))),
        "Unnamed: 0": ("Unnamed: 0", list(range(length))),
        "text": ("split", ["test"] * length),
        "double column": (name, [0.5] * length),
        "both ids": ("id" if layout.ids == "sample" else "sample", list(range(length))),
        "further class": ("class_99", [0.0] * length),
    }
    if deviation in added:
        place = min(layout.place, len(columns))
        return Columns([*columns[:place], added[deviation], *columns[place:]], False)
    changed: dict[str, Callable[[], list[Column]]] = {
        "lose a row": lambda: [(head, values[:-1]) for head, values in columns],
        "double a row": lambda: [(head, [*values, *values[:1]]) for head, values in columns],
        "further row": lambda: (
            columns
            if not length
            else [
                (head, ["further", *values] if head == layout.ids else [*values[:1], *values])
                if layout.ids
                else (head, values)
                for head, values in columns
            ]
        ),
        "lose a column": lambda: [column for place, column in enumerate(columns) if place != at],
        "from one": lambda: [(_next_number(head), values) for head, values in columns],
        "gap": lambda: [(f"{head}7" if place == at else head, values) for place, (head, values) in enumerate(columns)],
        "mixed headings": lambda: [
            (head.removeprefix("class_").removeprefix("prob_") if place % 2 else head, values)
            for place, (head, values) in enumerate(columns)
        ],
        "padded numbers": lambda: [(_padded(head), values) for head, values in columns],
        "empty": lambda: _with_cell(columns, at, None),
        "nan": lambda: _with_cell(columns, at, float("nan")),
        "word": lambda: _with_cell(columns, at, "word"),
        "true": lambda: _with_cell(columns, at, True if length > 1 else "true"),  # alone it would be a number
        "percent": lambda: _with_cell(columns, at, "12%"),
        "large": lambda: _with_cell(columns, at, 1e300),
        "not sorted": lambda: sorted(columns, key=lambda column: column[0]),  # as text, as several programs do
    }
    if deviation == "lose a row" and length == 1:
        return Columns([(head, []) for head, _ in columns], False)
    return Columns(changed[deviation](), False)


def _with_cell(columns: list[Column], at: int, cell: Any) -> list[Column]:
    """One cell replaced: the table then says what no number says, and is to be refused."""
    return [
        (head, [cell, *cells[1:]] if place == at and cells else cells) for place, (head, cells) in enumerate(columns)
    ]


def _next_number(head: str) -> str:
    digits = head.lstrip("clasprob_")
    return head.removesuffix(digits) + str(int(digits) + 1) if digits.isdigit() else head


def _padded(head: str) -> str:
    digits = head.lstrip("clasprob_")
    return head.removesuffix(digits) + digits.zfill(3) if digits.isdigit() else head

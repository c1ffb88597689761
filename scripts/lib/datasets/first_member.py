"""What the first member's file of predictions says about a validation set that has only labels: classes and ids."""

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.align_predictions import ids_of, logits_of_file, of_dataset
from scripts.lib.reading.class_columns import (
    mostly_numbered,
    numbers_in,
    order_by_number,
    require_ascending,
    some,
    without_spaces,
)
from scripts.lib.reading.probabilities import ROUNDING, is_distribution
from scripts.lib.reading.read_labels import Labels
from scripts.lib.reading.read_predictions import Scores, read_scores

MOST_COLUMNS = 20


class FirstMember:
    """The first member's file on one validation set; it is read only when something is asked of it."""

    def __init__(self, member: dict[str, Any], dataset: str) -> None:
        self.member, self.dataset = member, dataset
        file = member["file"]
        self.path = Path(file[dataset] if isinstance(file, dict) else of_dataset(file, dataset)).expanduser()

    @cached_property
    def scores(self) -> Scores:
        """The file's content."""
        return read_scores(self.path)

    def has_ids(self) -> bool:
        """Whether the file says which samples its rows are."""
        return self.scores.samples is not None or bool(self.member.get("samples"))

    def predicted(self, samples: Sequence[str], classes: Sequence[str]) -> np.ndarray:
        """Predicted classes int64 [N] of the samples."""
        ids = ids_of(self.member, self.dataset)
        return logits_of_file(str(self.path), self.member, self.dataset, samples, classes, ids)[0].argmax(1)

    def classes(self, labels: Labels, first_label: int, every_column: bool) -> list[str]:
        """Names of the classes: the columns' names, or numbers.

        A named column must be the class of some label, unless `every_column` says that all columns are classes, or its
        values show it. Raises StudyError for columns that match no label.
        """
        columns, count = self.scores.classes, self.scores.values.shape[1]
        if columns is None:
            return _numbers(count)
        columns = without_spaces(columns, labels.texts)
        known = set(labels.texts) <= set(columns)
        numbers = numbers_in(columns)
        if labels.numbers is not None and set(labels.texts) == set(columns):
            return _numbers(count) if sorted(numbers or []) == list(range(count)) else sorted(columns, key=int)
        if labels.numbers is None and known and numbers:
            return [columns[place] for place in np.argsort(numbers, kind="stable")]
        if mostly_numbered(columns) and not (labels.numbers is None and known):
            order_by_number(columns, str(self.path))
            return _numbers(count)
        if labels.numbers is None:
            unknown = set(columns) - set(labels.texts) if known else set()
        else:
            require_ascending(columns, str(self.path))
            places = set((labels.numbers - first_label).tolist())
            unknown = {name for place, name in enumerate(columns) if place not in places}
            unknown = unknown if places <= set(range(count)) else set()
        if not every_column and (unproven := self._unproven(columns, unknown)):
            raise StudyError(self._unknown(columns, unproven, labels.numbers is not None))
        return columns

    def _unproven(self, columns: Sequence[str], unknown: Collection[str]) -> list[str]:
        """The columns that are not probabilities, or without which the rows would also sum to 1."""
        values = self.scores.values
        if unknown and self.member.get("values") != "logits" and is_distribution(values):
            return [
                name
                for name, most in zip(columns, values.max(0), strict=True)
                if name in unknown and most <= 2 * ROUNDING
            ]
        return [name for name in columns if name in unknown]

    def _unknown(self, columns: Sequence[str], unknown: Collection[str], numbered: bool) -> str:
        if numbered:
            shown = ", ".join(map(repr, columns[:MOST_COLUMNS])) + (", …" if len(columns) > MOST_COLUMNS else "")
            return (
                f"{self.path} has {len(columns)} columns of scores ({shown}), but only {len(columns) - len(unknown)} "
                f"numbers occur among the labels of validation set {self.dataset}. Remove the columns that are not "
                "classes, and name the classes in the order of the labels under datasets (`class_names: […]`), or "
                "write `class_names: columns` if every column is a class."
            )
        known = [name for name in columns if name not in unknown]
        listed = yaml.safe_dump(known, default_flow_style=True, allow_unicode=True, width=10**6).strip()
        return (
            f"{self.path}: no label of validation set {self.dataset} has the name of column {some(list(unknown))}. "
            "Remove it if it is not a class. If it is a class, name the classes in the order of the labels under "
            f"datasets: `class_names: {listed if len(known) <= MOST_COLUMNS else '[…]'}` and this one; or "
            "`class_names: columns` if every column is a class."
        )


def _numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]

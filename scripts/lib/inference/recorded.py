"""The recorded files of a validation set that a job compares, as its rule declares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RecordedFiles:
    """Files of the members `members` on the validation set `dataset`.

    `records` and `arrays` have one path per member: the record of its predictions, and the array that is compared, such
    as its predictions. `labels`, `samples` and `set_record` belong to the validation set; `classes` lists the classes
    that count on it.
    """

    dataset: str
    members: Sequence[str]
    records: Sequence[str]
    arrays: Sequence[str]
    labels: str
    samples: str
    set_record: str
    classes: str

    @classmethod
    def declared(cls, dataset: str, members: Sequence[str], inputs: Mapping[str, Any]) -> "RecordedFiles":
        """From the inputs of a rule, by their names.

        `records` and `arrays` have the files of members that were run one by one; files of members that were imported
        from users' files are together in the folder `imported`.
        """
        folder = inputs.get("imported")
        records, arrays = (
            _paths(members, suffix, inputs[name], folder) for name, suffix in (("records", ".json"), ("arrays", ".npy"))
        )
        of_set = {name: str(inputs[name]) for name in ("labels", "samples", "set_record", "classes")}
        return cls(dataset, list(members), records, arrays, **of_set)


def _paths(members: Sequence[str], suffix: str, own: Sequence[str], folder: str | None) -> list[str]:
    """One file per member: from `own`, or in the folder."""
    named = {Path(path).name: str(path) for path in own}
    names = [f"{member}{suffix}" for member in members]
    return [named.get(name, f"{folder}/{name}") for name in names]

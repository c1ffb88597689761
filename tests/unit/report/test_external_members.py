"""What the report says about files of predictions that are probably mistaken."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.jobs.storage import save_json
from scripts.lib.report.abstract import abstract
from scripts.lib.report.external_members import MOST_COPIES, doubts
from scripts.lib.report.findings import Tables


def study_of(folder: Path, checksums: dict[str, list[str]], rows: int = 10) -> dict[str, Any]:
    """A study of files of predictions of 10 samples; `checksums` has those of the members a, b, … on each set."""
    members = [{"id": name, "kind": "predictions"} for name in "abcdefghijklmnop"[: len(checksums["clean"])]]
    for dataset, found in checksums.items():
        for member, checksum in zip(members, found, strict=True):
            record = {"member": member["id"], "sample_count": 10, "rows": rows, "checksums": {"predictions": checksum}}
            save_json(folder / "predictions" / dataset / f"{member['id']}.json", record)
    return {"members": members, "datasets": {"validation": [{"id": dataset} for dataset in checksums]}}


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        ("112", ["a and b have the same predictions on every validation set. Are their files copies?"]),
        ("123", ["a and b have the same predictions on Clean. Are their files copies?"]),
        (
            "122",
            [
                "a and b have the same predictions on Clean. Are their files copies?",
                "b and c have the same predictions on Noise. Are their files copies?",
            ],
        ),
    ],
)
def test_members_with_the_same_predictions(tmp_path: Path, noise: str, said: list[str]) -> None:
    assert doubts(tmp_path, study_of(tmp_path, {"clean": list("112"), "noise": list(noise)})) == said


def test_a_few_of_many_groups_are_named(tmp_path: Path) -> None:
    found = doubts(tmp_path, study_of(tmp_path, {"clean": [str(number // 2) for number in range(16)]}))
    assert found[MOST_COPIES:] == ["3 more groups of members have the same predictions."]


def test_a_set_of_which_most_predicted_samples_have_no_label(tmp_path: Path) -> None:
    found = doubts(tmp_path, study_of(tmp_path, {"clean": list("12")}, rows=200))
    assert found == [
        "Clean: labels for 10 of the 200 predicted samples, and only these samples count. Is the file of labels "
        "complete?"
    ]


def test_the_abstract_begins_with_doubts(tables: Tables) -> None:
    assert abstract(replace(tables, doubts=["Are they?"]))[0] == "Are they?"

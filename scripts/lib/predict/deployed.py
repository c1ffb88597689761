"""Reads `deployment.json`, which users may have edited, and refuses what cannot be applied."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.choices.names import CALIBRATED
from scripts.lib.choices.summary import FORMAT
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.jobs.errors import StudyError, not_among, shown
from scripts.lib.jobs.storage import load_json

ROUNDING = 1e-6  # of the sum of the weights


@dataclass(frozen=True)
class Deployed:
    """A choice that can be applied: members with their weights (sum 1) and temperatures (1 for none), in one order.

    `consensus` is a name of the registry, or CALIBRATED for a weighted average of members with temperatures. `classes`
    are those of the study, in label order.
    """

    name: str
    members: tuple[str, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    consensus: str
    classes: tuple[str, ...]

    @property
    def averages(self) -> bool:
        """Whether the result is a (weighted) mean of probabilities."""
        return self.consensus == CALIBRATED or CONSENSUS_METHODS[self.consensus].averages


def load_deployed(path: str | Path, name: str | None = None) -> Deployed:
    """The choice called `name`, or the one that the file says to deploy.

    Raises StudyError, naming file and key, for a file that is missing, damaged, of another format, or not consistent.
    """
    content = _content(path)
    choices = _mapping(content.get("choices"), path, "choices")
    wanted = str(content.get("deploy")) if name is None else name
    if wanted not in choices:
        raise StudyError(f"{path}: the choice {not_among(wanted, choices)}.")
    classes = _names(content.get("classes"), path, "classes")
    known = _names(content.get("members"), path, "members")
    return _choice(choices[wanted], wanted, classes, known, path)


def names_of_choices(path: str | Path) -> dict[str, Any]:
    """All choices of the file by name, as they are in it. Raises StudyError as above."""
    return dict(_mapping(_content(path).get("choices"), path, "choices"))


def _content(path: str | Path) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise StudyError(f"{path} is not a file: name the deployment.json in the results of a study.")
    content = load_json(path)
    if not isinstance(content, dict) or "choices" not in content:
        raise StudyError(
            f"{path} is not a deployment.json of this workflow: it has no `choices`. An older one is written again "
            "when the study is run again."
        )
    if content.get("format") != FORMAT:
        raise StudyError(f"{path}: format is {shown(content.get('format'))}; this version reads format {FORMAT}.")
    return content


def _choice(entry: Any, name: str, classes: list[str], known: list[str], path: str | Path) -> Deployed:
    where = f"choices/{name}"
    choice = _mapping(entry, path, where)
    members = _names(choice.get("members"), path, f"{where}/members")
    if unknown := [member for member in members if member not in known]:
        raise StudyError(f"{path}: {where}/members: {not_among(unknown[0], known)}.")
    consensus = choice.get("consensus")
    if consensus not in (*CONSENSUS_METHODS, CALIBRATED):
        raise StudyError(f"{path}: {where}/consensus: {not_among(consensus, [*CONSENSUS_METHODS, CALIBRATED])}.")
    weights = _numbers(choice.get("weights"), len(members), path, f"{where}/weights")
    if abs(sum(weights) - 1) > ROUNDING:
        raise StudyError(f"{path}: {where}/weights: they sum to {sum(weights):.9g}; the sum of weights must be 1.")
    given = choice.get("temperatures")
    if (given is None) == (consensus == CALIBRATED):
        what = "are missing" if given is None else f"belong to consensus {CALIBRATED!r} only"
        raise StudyError(f"{path}: {where}/temperatures {what}; consensus is {consensus!r}.")
    temperatures = (
        [1.0] * len(members) if given is None else _numbers(given, len(members), path, f"{where}/temperatures")
    )
    found = Deployed(name, tuple(members), tuple(weights), tuple(temperatures), consensus, tuple(classes))
    if not found.averages and max(weights) - min(weights) > ROUNDING:
        raise StudyError(
            f"{path}: {where}/weights: {consensus!r} decides with equal weights; only averages have others."
        )
    return found


def _mapping(value: Any, path: str | Path, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not value:
        raise StudyError(f"{path}: {key}: expected an object with keys, got {shown(value)}.")
    return value


def _names(value: Any, path: str | Path, key: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise StudyError(f"{path}: {key}: expected a list of names, got {shown(value)}.")
    if len(set(value)) < len(value):
        twice = next(name for name in value if value.count(name) > 1)
        raise StudyError(f"{path}: {key}: {twice!r} is there {value.count(twice)} times.")
    return value


def _numbers(value: Any, count: int, path: str | Path, key: str) -> list[float]:
    """So many positive numbers."""
    if not isinstance(value, list) or len(value) != count:
        raise StudyError(f"{path}: {key}: expected {count} numbers, one for each member, got {shown(value)}.")
    for place, number in enumerate(value):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= sys.float_info.max:
            raise StudyError(
                f"{path}: {key}/{place}: {shown(number)} is not a positive number. A member without weight must be "
                "left out of `members`."
            )
    return [float(number) for number in value]

"""Reads `deployment.json`, which users may have edited, and refuses what cannot be applied."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.lib.choices.names import CALIBRATED
from scripts.lib.choices.summary import CHOICE_KEYS, FORMAT
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.jobs.errors import StudyError, not_among, shown
from scripts.lib.predict.json_files import read_object

ROUNDING = 1e-6  # of the sum of the weights
NAMES_SHOWN = 8
VALUES = ("auto", "logits", "probabilities")


@dataclass(frozen=True)
class FileFormat:
    """What a member's files of predictions hold: `values`, one of VALUES, and the class names in the order of columns
    without names, None for the study's order."""

    values: str = "auto"
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Deployed:
    """A choice that can be applied: members with their weights (sum 1) and temperatures (1 for none), in one order.

    `consensus` is a name of the registry, or CALIBRATED for a weighted average of members with temperatures. `classes`
    are those of the study, in label order. `files` has the format of the files of every member of the study.
    """

    name: str
    members: tuple[str, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    consensus: str
    classes: tuple[str, ...]
    files: Mapping[str, FileFormat] = field(default_factory=dict)

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
    wanted = content.get("deploy") if name is None else name
    shows_all = "LIST=1 or --list shows all choices"
    if not isinstance(wanted, str):
        raise StudyError(f"{path}: deploy: expected the name of a choice, got {shown(wanted)} ({shows_all}).")
    if wanted not in choices:
        where = "deploy: " if name is None else ""
        raise StudyError(f"{path}: {where}the choice {not_among(wanted, choices, NAMES_SHOWN)} ({shows_all}).")
    classes = _names(content.get("classes"), path, "classes")
    files = _files(content.get("files", {}), _names(content.get("members"), path, "members"), path)
    return _choice(choices[wanted], wanted, classes, files, path)


def names_of_choices(path: str | Path) -> dict[str, Any]:
    """All choices of the file by name, as they are in it. Raises StudyError as above."""
    return dict(_mapping(_content(path).get("choices"), path, "choices"))


def _content(path: str | Path) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise StudyError(f"{path} is not a file: name the deployment.json in the results of a study.")
    content = read_object(path, "deployment.json", "name results/STUDY/deployment.json")
    if "choices" not in content:
        raise StudyError(
            f"{path} is not a deployment.json of this workflow: it has no `choices`. Name "
            "results/STUDY/deployment.json. An older one is written again when the study is run again."
        )
    if content.get("format") != FORMAT:
        raise StudyError(f"{path}: format is {shown(content.get('format'))}; this version reads format {FORMAT}.")
    return content


def _files(value: Any, members: list[str], path: str | Path) -> dict[str, FileFormat]:
    """The format of every member's files; older files have no key `files`."""
    entries = {} if value == {} else _mapping(value, path, "files")
    _require_known(entries, members, path, "files")
    return {
        member: _file_format(entries[member], path, f"files/{member}") if member in entries else FileFormat()
        for member in members
    }


def _file_format(value: Any, path: str | Path, where: str) -> FileFormat:
    entry = _mapping(value, path, where)
    _require_known(entry, ("values", "classes"), path, where)
    values, classes = entry.get("values", "auto"), entry.get("classes")
    if values not in VALUES:
        raise StudyError(f"{path}: {where}/values: {not_among(values, VALUES)}.")
    return FileFormat(values, None if classes is None else tuple(_names(classes, path, f"{where}/classes")))


def _require_known(entry: Mapping[str, Any], allowed: Collection[str], path: str | Path, where: str) -> None:
    if unknown := [key for key in entry if key not in allowed]:
        raise StudyError(f"{path}: {where}: the key {not_among(unknown[0], allowed)}.")


def _choice(entry: Any, name: str, classes: list[str], files: Mapping[str, FileFormat], path: str | Path) -> Deployed:
    where = f"choices/{name}"
    choice = _mapping(entry, path, where)
    _require_known(choice, CHOICE_KEYS, path, where)
    members = _names(choice.get("members"), path, f"{where}/members")
    if unknown := [member for member in members if member not in files]:
        raise StudyError(f"{path}: {where}/members: {not_among(unknown[0], files, NAMES_SHOWN)}.")
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
    found = Deployed(name, tuple(members), tuple(weights), tuple(temperatures), consensus, tuple(classes), files)
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

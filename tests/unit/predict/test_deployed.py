"""A deployment.json is read as it says, or refused by file and key."""

from pathlib import Path
from typing import Any

import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.predict.deployed import FileFormat, load_deployed, names_of_choices
from tests.unit.predict.finished_study import CLASSES, MEMBERS, choice, write_deployment


def test_the_choice_that_the_file_deploys_or_another_by_name(tmp_path: Path) -> None:
    weights = [0.5, 0.25, 0.25]
    other = choice("calibrated", weights=weights)
    path = write_deployment(tmp_path, choices={"one": choice("vote"), "other": other})
    found = load_deployed(path)
    assert (found.name, found.consensus, found.averages) == ("one", "vote", False)
    found = load_deployed(path, "other")
    assert (found.members, found.classes) == (tuple(MEMBERS), tuple(CLASSES))
    assert (found.weights, found.temperatures, found.averages) == ((0.5, 0.25, 0.25), (0.5, 2.0, 1.5), True)
    assert list(names_of_choices(path)) == ["one", "other"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": [0.5, 0.5, 0]}, "choices/one/weights/2: 0 is not a positive number. A member without weight must"),
        ({"weights": [1.5, -0.25, -0.25]}, "weights/1: -0.25 is not a positive number"),
        ({"weights": [0.5, 0.25, 0.2]}, r"weights: they sum to 0.95; the sum of weights must be 1"),
        ({"weights": [1.0]}, r"weights: expected 3 numbers, one for each member, got \[1.0\]"),
        ({"weights": None}, "weights: expected 3 numbers"),
        ({"weights": ["1", 0, 0]}, "weights/0: '1' is not a positive number"),
        ({"weights": [10**400, 1, 1]}, "weights/0: 10000.* is not a positive number"),
        ({"weights": [True, 1, 1]}, "weights/0: True is not a positive number"),
        ({"weights": [float("nan"), 0.5, 0.5]}, "weights/0: nan is not a positive number"),
        ({"members": ["deit", "resnext", "vgg"]}, "choices/one/members: 'vgg' is not one of deit, resnext, mnasnet"),
        ({"members": ["deit", "deit", "resnext"]}, "members: 'deit' is there 2 times"),
        ({"members": []}, "members: expected a list of names"),
        ({"consensus": "averag"}, "consensus: 'averag' is not one of .*did you mean 'average'"),
        ({"consensus": ["vote"]}, r"consensus: \['vote'\] is not one of"),
        ({"consensus": "calibrated"}, "temperatures are missing; consensus is 'calibrated'"),
        ({"temperatures": [1.0, 1, 1]}, "temperatures belong to consensus 'calibrated' only"),
        ({"consensus": "calibrated", "temperatures": [1.0, 0, 1]}, "temperatures/1: 0 is not a positive number"),
        ({"weight": [0.5, 0.25, 0.25]}, "choices/one: the key 'weight' is not one of .*did you mean 'weights'"),
        ({"consensus": "vote", "weights": [0.5, 0.25, 0.25]}, "'vote' decides with equal weights; only averages have"),
    ],
)
def test_what_cannot_be_applied_is_refused_by_key(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write_deployment(tmp_path, choices={"one": choice() | changes})
    with pytest.raises(StudyError, match=message) as error:
        load_deployed(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1, column 2: the file is not valid JSON .*Undo the last change"),
        ('{"format": 1,\n "choices": one}', "line 2, column 13: the file is not valid JSON"),
        ("", "is not a deployment.json of this workflow: name results/STUDY/deployment.json"),
        ("\x00\xff", "is not a deployment.json of this workflow: name results/STUDY/deployment.json"),
        ("<html>", "is not a deployment.json of this workflow: name results/STUDY/deployment.json"),
        pytest.param('{"a":' * 100000, "is not a deployment.json of this workflow", id="deep"),
        ("[]", "is not a deployment.json of this workflow: name results/STUDY/deployment.json"),
        ('{"id": "a"}', "is not a deployment.json of this workflow: it has no `choices`"),
        ('{"choices": {"a": {"weights": [1], "weights": [2]}}}', "the key 'choices/a/weights' is given twice"),
        ('{"study": "s"}', "An older one is written again when the study is run again"),
        ('{"choices": {}, "format": 2}', "format is 2; this version reads format 1"),
        ('{"choices": {}, "format": 1}', "choices: expected an object with keys"),
        (
            '{"choices": {"a": 3}, "format": 1, "deploy": "a", "classes": ["x"], "members": ["m"]}',
            "choices/a: expected",
        ),
        ('{"choices": {"a": {}}, "format": 1, "deploy": "b"}', "deploy: the choice 'b' is not one of a"),
        ('{"choices": {"a": {}}, "format": 1}', "deploy: expected the name of a choice, got None"),
        ('{"choices": {"a": {}}, "format": 1, "deploy": "a", "classes": [1]}', "classes: expected a list of names"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "deployment.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(StudyError, match=message) as error:
        load_deployed(path)
    assert "delete" not in str(error.value)


def test_a_missing_file_a_folder_and_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="is not a file: name the deployment"):
        load_deployed(tmp_path / "nothing.json")
    with pytest.raises(StudyError, match="is not a file"):
        load_deployed(tmp_path)
    with pytest.raises(StudyError, match="the choice 'tow' is not one of one, two; did you mean 'two'"):
        load_deployed(write_deployment(tmp_path, choices={"one": choice(), "two": choice()}), "tow")


def test_rounded_weights_are_accepted(tmp_path: Path) -> None:
    path = write_deployment(tmp_path, choices={"one": choice(weights=[0.3333333, 0.3333333, 0.3333334])})
    assert sum(load_deployed(path).weights) == pytest.approx(1)


def test_of_many_choices_only_the_first_are_listed(tmp_path: Path) -> None:
    path = write_deployment(tmp_path, choices={f"best-{size}-nll": choice() for size in range(30)})
    with pytest.raises(StudyError, match=r"best-7-nll and 22 more; did you mean 'best-19-nll'\? \(LIST=1 or --list"):
        load_deployed(path, "best-19-nl")


def test_the_byte_order_mark_of_an_editor_is_no_fault(tmp_path: Path) -> None:
    path = write_deployment(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_deployed(path).name == "one"


def test_the_format_of_the_members_files(tmp_path: Path) -> None:
    assert load_deployed(write_deployment(tmp_path)).files == dict.fromkeys(MEMBERS, FileFormat()), "of older versions"
    entry = {"values": "logits", "classes": ["dog", "cat", "bird"]}
    found = load_deployed(write_deployment(tmp_path, files={"resnext": entry})).files
    assert found["resnext"] == FileFormat("logits", ("dog", "cat", "bird"))
    assert found["deit"] == FileFormat()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "files: expected an object with keys"),
        ({"vgg": {"values": "auto"}}, "files: the key 'vgg' is not one of deit, resnext, mnasnet"),
        ({"deit": 1}, "files/deit: expected an object with keys"),
        ({"deit": {"value": "logits"}}, "files/deit: the key 'value' is not one of values, classes"),
        ({"deit": {"values": "logit"}}, "files/deit/values: 'logit' is not one of auto, logits, probabilities"),
        ({"deit": {"classes": "cat"}}, "files/deit/classes: expected a list of names"),
    ],
)
def test_a_wrong_format_of_files_is_refused_by_key(tmp_path: Path, files: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        load_deployed(write_deployment(tmp_path, files=files))

"""The message names the user's own mistake, not one that follows from it."""

from typing import Any

import pytest

from scripts.lib.study.resolve import resolve
from tests.unit.study.test_resolve import refusal, study_with_datasets

# The message names the user's own mistake.


def of_predictions(*validation: dict[str, Any], members: Any = None) -> dict[str, Any]:
    return {
        "name": "p",
        "datasets": {"kind": "predictions", "validation": list(validation)},
        "members": members or {"from": "nowhere/{dataset}/*.npy"},
    }


def test_a_missing_file_of_labels_is_missing() -> None:
    message = refusal(of_predictions({"id": "clean"}))
    assert "datasets/validation/0 (clean)/labels: missing" in message
    assert "only" not in message


def test_the_first_label_of_a_set_of_images_is_refused() -> None:
    message = refusal(study_with_datasets(validation=[{"id": "clean", "first_label": 1}]))
    assert "(clean)/first_label: is a key of datasets of kind predictions only" in message


@pytest.mark.parametrize("names", ["columns", ["cat", "dog"], None])
@pytest.mark.parametrize("first", [0, 1, None])
def test_classes_and_labels_of_files_can_be_said_as_the_messages_propose(names: Any, first: int | None) -> None:
    members = [{"id": name, "kind": "predictions", "file": f"{name}.csv"} for name in "ab"]
    study = of_predictions({"id": "clean", "labels": "l.csv", "first_label": first}, members=members)
    study["datasets"]["class_names"] = names
    resolved = resolve(study)["datasets"]
    assert (resolved["class_names"], resolved["validation"][0]["first_label"]) == (names, first)


@pytest.mark.parametrize("names", [[], ["cat"], ["cat", "cat"], "rows", 3])
def test_other_names_of_classes_are_refused(names: Any) -> None:
    study = of_predictions({"id": "clean", "labels": "l.csv"})
    study["datasets"]["class_names"] = names
    assert "datasets/class_names: " in refusal(study)


def test_labels_of_a_set_of_images_are_refused() -> None:
    message = refusal(study_with_datasets(validation=[{"id": "clean", "labels": "l.csv"}]))
    assert "datasets/validation/0 (clean)/labels: is a key of datasets of kind predictions only" in message


FAULTS_BEFORE_PATTERNS = {
    "null": ({"datasets": None}, "datasets: None is not of type 'object'"),
    "no sets": ({"datasets": {"kind": "predictions", "validation": []}}, "datasets/validation: []"),
    "no labels": (of_predictions({"id": "clean"}), "datasets/validation/0 (clean)/labels: missing"),
    "of": (
        of_predictions(
            {"id": "clean", "labels": "l.csv"},
            {"id": "noise", "labels": "l.csv", "of": "claen", "corruption": "noise", "severity": 1},
        ),
        "datasets/validation/1 (noise)/of: 'claen' is not one of clean",
    ),
}


@pytest.mark.parametrize("case", FAULTS_BEFORE_PATTERNS)
def test_a_pattern_without_files_is_not_blamed_for_another_fault(case: str) -> None:
    changes, said = FAULTS_BEFORE_PATTERNS[case]
    message = refusal(of_predictions({"id": "clean", "labels": "l.csv"}) | changes)
    assert said in message
    assert "stands for no member" not in message
    assert "members" not in message


def test_a_pattern_without_files_is_named_where_the_datasets_are_without_fault() -> None:
    message = refusal(of_predictions({"id": "clean", "labels": "l.csv"}) | {"baseline": "a", "seed": "x"})
    assert message.index("seed: 'x' is not of type") < message.index("members/0/from: nowhere")
    assert "members/0/from: nowhere/{dataset}/*.npy stands for no member (no file matches; the path is" in message
    assert "baseline" not in message


def study_of(members: int, **ensembles: Any) -> dict[str, Any]:
    entries = [{"id": f"m{n}", "kind": "predictions", "file": f"{n}.csv"} for n in range(members)]
    return of_predictions({"id": "clean", "labels": "l.csv"}, members=entries) | {"ensembles": ensembles}


@pytest.mark.parametrize("name", ["median", "min", "max"])
def test_a_consensus_that_costs_too_much_for_the_studys_ensembles_is_refused_before_any_job(name: str) -> None:
    resolve(study_of(13, consensus=["average", name]))
    resolve(study_of(20, consensus=[name], sizes=[2, 3, 4]))
    resolve(study_of(30, consensus=[name]))
    message = refusal(study_of(14, consensus=["average", name]))
    assert (
        f"ensembles/consensus: {name!r} computes each ensemble on its own, for up to 8191 of them; the study has"
        in (message)
    )
    assert "the study has 16369. Remove it, or state fewer `sizes`" in message
    assert "the study has 18435" in refusal(study_of(30, consensus=[name], per_size=1000))
    assert f"{name!r} computes each ensemble on its own, for up to 100 members; the study has 101" in (
        refusal(study_of(101, consensus=[name]))
    )


def test_an_unknown_consensus_is_refused_with_the_most_similar_one() -> None:
    message = refusal(study_of(3, consensus=["average", "geometric_mean"]))
    assert "did you mean 'geometric'?" in message


def test_choices_that_cannot_be_made_are_refused_before_any_job() -> None:
    members = [{"id": name, "kind": "predictions", "file": f"{name}.csv"} for name in "ab"]
    study = of_predictions({"id": "clean", "labels": "l.csv"}, members=members)
    votes = study | {"ensembles": {"consensus": ["vote"]}, "deployment": {"metrics": ["accuracy", "nll"]}}
    assert "deployment/metrics: 'nll' judges probabilities, which vote does not give" in refusal(votes)
    resolve(study | {"ensembles": {"consensus": ["vote"]}})
    resolve(study | {"ensembles": {"consensus": ["vote"]}, "deployment": {"metrics": ["accuracy"]}})
    message = refusal(study | {"deployment": {"over": ["clean", "worst"]}})
    assert "deployment/over: 'worst' needs several validation sets; the study has one" in message
    sets = [{"id": "clean", "labels": "l.csv"}, {"id": "mean", "labels": "m.csv"}]
    of_sets = [member | {"file": "{dataset}/" + member["file"]} for member in members]
    taken = of_predictions(*sets, members=of_sets) | {"deployment": {"over": ["mean"]}}
    assert "deployment/over: 'mean' is also the id of a validation set" in refusal(taken)
    resolve(of_predictions(*sets, members=of_sets))


def test_a_budget_in_a_cost_that_some_member_does_not_state_is_refused_before_any_job() -> None:
    study = study_of(3) | {"deployment": {"budget": {"latency_ms": 40, "members": 2}}}
    message = refusal(study)
    assert "deployment/budget/latency_ms: latency_ms is not known for m0, m1, m2. State it there" in message
    resolve(study | {"members": [member | {"latency_ms": 3} for member in study["members"]]})


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"validation": [{"id": "clean"}, {"id": "new", "folder": "/new"}]}, "datasets/validation/1 (new)/folder"),
        ({"training": {"folder": "/new"}}, "datasets/training/folder"),
        ({"folder": "/new"}, "datasets/folder"),
    ],
)
def test_a_folder_that_would_not_be_read_is_refused(changes: dict[str, Any], where: str) -> None:
    assert f"{where}: datasets of kind digits do not read it; remove it" in refusal(study_with_datasets(**changes))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"budget": {"macs": 0}}, "deployment/budget/macs"),
        ({"budget": {"members": 1.5}}, "deployment/budget/members"),
        ({"budget": {"euros": 3}}, "deployment/budget"),
        ({"metrics": []}, "deployment/metrics"),
        ({"metrics": ["f1"]}, "deployment/metrics"),
        ({"ways": ["boosting"]}, "deployment/ways/0"),
        ({"greedy_weights": {"picks": 0}}, "deployment/greedy_weights/picks"),
        ({"greedy_weights": {"bag_share": 1.5}}, "deployment/greedy_weights/bag_share"),
    ],
)
def test_wrong_values_of_the_section_on_deployment_are_refused_by_key(section: dict[str, Any], message: str) -> None:
    assert message in refusal(study_of(3) | {"deployment": section})

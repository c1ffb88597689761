"""The block says of every ensemble what the tables say of it."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.ensembles.counting import Tally
from scripts.lib.jobs.storage import load_json, load_table, save_json
from scripts.lib.report.explorer import block as module
from scripts.lib.report.explorer import rows
from scripts.lib.report.explorer.arrays import unpacked
from scripts.lib.report.explorer.block import explorer_block
from scripts.lib.report.explorer.rows import SCORE_BYTES
from tests.unit.synthetic_study import make_study


@pytest.fixture(scope="module")
def block(study: Path) -> dict[str, Any]:
    return explorer_block(study, load_json(study / "study.json"))


def test_members_sets_and_baseline(block: dict[str, Any], study: Path) -> None:
    settings = load_json(study / "study.json")
    assert block["members"] == [member["id"] for member in settings["members"]]
    assert [one["name"] for one in block["datasets"]] == ["clean", "noise", "blur", "weather", "digital"]
    assert block["baseline"] == 0
    assert [(way["name"], way["averages"]) for way in block["consensus"]] == [("average", True), ("vote", False)]
    assert block["costs"]["macs"] == load_table(study / "members.parquet")["macs"].to_list()


def test_every_ensemble_has_its_correct_answers_and_scores(block: dict[str, Any], study: Path) -> None:
    assert block["rows"] == {"kind": "every"}
    for one, arrays in zip(block["datasets"], block["ensembles"], strict=True):
        table = load_table(study / f"ensembles/{one['name']}.parquet")
        for way in ("average", "vote"):
            right = unpacked(arrays["right"][way]).astype(np.int64)
            assert len(right) == 32
            for row in table.filter(consensus=way).to_dicts():
                place = sum(1 << member for member in row["members"])
                assert 100 * right[place] / one["samples"] == pytest.approx(row["accuracy"], abs=1e-12)
                for score in ("nll", "brier"):
                    if way == "vote":
                        assert way not in arrays[score]
                    else:
                        assert unpacked(arrays[score][way])[place] == np.float32(row[score])


def test_members_alone(block: dict[str, Any], study: Path) -> None:
    for one in block["datasets"]:
        table = load_table(study / f"accuracies/{one['name']}.parquet")
        assert (100 * np.array(one["right"]) / one["samples"]).tolist() == pytest.approx(table["accuracy"].to_list())
        assert one["nll"] == table["nll"].to_list()


def test_pairs_are_those_of_the_tables_in_the_order_of_the_members(block: dict[str, Any], study: Path) -> None:
    members = block["members"]
    for measure in block["measures"]:
        for one, packed in zip(block["datasets"], measure["pairs"], strict=True):
            table = load_table(study / f"pairwise/{one['name']}/{measure['name']}.parquet")
            values = {(row["member_a"], row["member_b"]): row["value"] for row in table.to_dicts()}
            expected = [values[a, b] for i, a in enumerate(members) for b in members[i + 1 :]]
            assert unpacked(packed).tolist() == expected


def test_choices_are_those_of_deployment(block: dict[str, Any], study: Path) -> None:
    [choice] = [one for one in block["choices"] if (one["dataset"], one["consensus"]) == ("blur", "vote")]
    table = load_table(study / "deployment/blur.parquet").filter(consensus="vote", chosen_for="size")
    best = table.sort("selection_accuracy", "size", descending=[True, False])["members"][0].to_list()
    assert choice["recommended"] == best
    assert sorted(choice["best_of_size"]) == sorted(table["members"].to_list())


def test_what_a_search_found_has_its_correct_answers_on_all_samples(study: Path, tmp_path: Path) -> None:
    """Deployment's accuracies are those on two splits; they are counted together."""
    folder = tmp_path / "copy"
    shutil.copytree(study, folder)
    chosen = load_table(folder / "deployment/blur.parquet").filter(consensus="vote", chosen_for="size").tail(1)
    ours = chosen.with_columns(
        members=pl.Series([[0, 4]], dtype=pl.List(pl.UInt16)),
        size=pl.lit(2, chosen["size"].dtype),
        selection_accuracy=pl.lit(100 * 31 / 40),
        accuracy=pl.lit(100 * 22 / 40),
    )
    ours.write_parquet(folder / "deployment/blur.parquet")
    settings = load_json(folder / "study.json") | {"ensembles": {"consensus": ["vote"]}}
    for name in ("clean", "noise", "weather", "digital"):
        table = load_table(folder / f"deployment/{name}.parquet")
        table.filter(consensus="vote").write_parquet(folder / f"deployment/{name}.parquet")
    best = load_table(folder / "best_ensembles/blur.parquet").filter(pl.col("size") > 2)
    best.write_parquet(folder / "best_ensembles/blur.parquet")
    [choice] = [one for one in explorer_block(folder, settings)["choices"] if one["dataset"] == "blur"]
    assert {"members": [0, 4], "right": 53} in choice["found"]
    for row in best.filter(consensus="vote").to_dicts():
        assert {"members": row["members"], "right": round(row["accuracy"] * 80 / 100)} in choice["found"]


def test_the_samples_on_which_all_are_right_are_counted_back(tmp_path: Path) -> None:
    """Coincident failure diversity is computed from them; with a member that never errs, and with none that does."""
    folder = make_study(tmp_path, members=4, datasets=["clean"], samples=60)
    random = np.random.default_rng(0)
    right = random.random((4, 60)) < 0.8
    right[3] = True
    lists = load_table(folder / "ensembles/clean.parquet")["members"].to_list()
    rewritten(folder, right, lists)
    found = explorer_block(folder, load_json(folder / "study.json"))["ensembles"][0]["all_right"]
    for members in lists:
        assert unpacked(found)[sum(1 << m for m in members)] == right[members].all(0).sum()


def rewritten(folder: Path, right: np.ndarray, lists: list[list[int]]) -> None:
    """Give the tables of a study accuracies and coincident failure diversities of members that are right so."""
    from scripts.lib.ensembles.whole_ensembles import ensemble_measures

    accuracies = load_table(folder / "accuracies/clean.parquet")
    accuracies.with_columns(accuracy=pl.Series(100 * right.mean(1))).write_parquet(folder / "accuracies/clean.parquet")
    chosen = np.array([[member in members for member in range(len(right))] for members in lists])
    tally = Tally.__new__(Tally)
    object.__setattr__(tally, "joint", right.astype(np.int64) @ right.T.astype(np.int64))
    object.__setattr__(tally, "samples", right.shape[1])
    object.__setattr__(tally, "unanimous", np.array([right[row].all(0).sum() for row in chosen]))
    object.__setattr__(tally, "minority", np.zeros(len(chosen), np.int64))
    unused = SimpleNamespace(agreeing=np.zeros((len(right), len(right))), predicted=np.zeros((len(right), 2)))
    object.__setattr__(tally, "of_members", unused)
    values = ensemble_measures(tally, chosen)["coincident_failure_diversity"]
    table = load_table(folder / "ensembles/clean.parquet")
    table.with_columns(coincident_failure_diversity=pl.Series(values)).write_parquet(folder / "ensembles/clean.parquet")


def test_with_too_many_members_for_pairs_each_ensemble_has_its_diversities(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS_WITH_PAIRS", 4)
    found = explorer_block(study, load_json(study / "study.json"))
    assert all("pairs" not in measure for measure in found["measures"])
    table = load_table(study / "ensembles/noise.parquet").filter(consensus="average")
    values = unpacked(found["ensembles"][1]["measures"]["disagreement"])
    for row in table.to_dicts():
        assert values[sum(1 << member for member in row["members"])] == np.float32(row["disagreement"])


def test_scores_for_which_the_page_has_no_room_are_left_out(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_json(study / "study.json")
    room = 32 * 5 * (3 + 2 * SCORE_BYTES)  # ensembles, sets; three counts and two scores of each
    for bytes_, scored in ((room, True), (room - 1, False)):
        monkeypatch.setattr(rows, "MOST_BYTES", bytes_)
        arrays = explorer_block(study, settings)["ensembles"][2]
        assert set(arrays["nll"]) == set(arrays["brier"]) == ({"average"} if scored else set())
        assert set(arrays["right"]) == {"average", "vote"}


def test_pictures_are_those_of_the_chosen_samples(block: dict[str, Any], study: Path) -> None:
    for one, pairs in zip(block["datasets"], block["pairs"], strict=True):
        samples, pictures = pairs["samples"], pairs["pictures"]
        images = np.load(study / f"images/{one['name']}.npy")
        size = pictures["size"]
        assert (pictures["channels"], size) == (1, 32)
        shown = unpacked(pictures["images"]).reshape(len(samples), size, size)
        for sample, image in zip(samples, shown, strict=True):
            assert (image == images[sample["row"], ..., 0]).all()
        maps = unpacked(pictures["maps"]["2"]).reshape(len(samples), 32, 32)
        recorded = np.load(study / f"attributions/{one['name']}/{block['members'][2]}.npy").astype(np.float32)
        for sample, heat in zip(samples, maps, strict=True):
            assert np.abs(heat / 15 - recorded[sample["row"]]).max() <= 1 / 30 + 1e-6


def test_a_study_without_images_and_without_attributions(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(study, folder)
    shutil.rmtree(folder / "images")
    shutil.rmtree(folder / "attributions")
    for path in (folder / "member_pairs").glob("*.json"):
        save_json(path, load_json(path) | {"samples": []})
    pairs = explorer_block(folder, load_json(folder / "study.json"))["pairs"][0]
    assert pairs["samples"] == []
    assert pairs["pictures"] is None
    assert pairs["both_right"]["length"] == 10

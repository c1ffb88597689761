"""A super-network in the real workflow: trained, searched, killed in the middle, and cut into members."""

import shutil
from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.storage import load_json, load_table
from tests.workflow.conftest import ROOT, snakemake
from tests.workflow.test_interruptions import Kill, killed_run

STUDY = ROOT / "tests" / "studies" / "subnets.yaml"
MEMBERS = ["cut", "front-1", "front-2"]
FILES = [f"results/subnets/checkpoints/{member}.json" for member in MEMBERS]
FILES += ["results/subnets/supernets/tiny.stages.parquet", "results/subnets/figures/searches.png"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subnets")
    result = snakemake(folder, *FILES, "results/subnets/figures/supernets.png", study=STUDY)
    assert result.returncode == 0, result.stdout
    return folder / "results" / "subnets"


def test_subnetworks_are_smaller_than_the_supernet_and_better_than_chance(undisturbed: Path) -> None:
    for member in MEMBERS:
        record = load_json(undisturbed / "checkpoints" / f"{member}.json")
        small, whole = record["subnet"]["subnet"], record["subnet"]["supernet"]
        assert small["macs"] <= whole["macs"]
        assert small["parameters"] <= whole["parameters"]
        assert small["latency_ms"] > 0
        assert record["member"]["architecture"]["name"] == "resnet"
    assert load_json(undisturbed / "checkpoints" / "cut.json")["member"]["architecture"]["layers"] == [1, 2, 1, 2]


def test_the_front_of_the_search(undisturbed: Path) -> None:
    found = load_table(undisturbed / "supernets" / "tiny.search.parquet")
    front = found.filter(pareto=True).sort("macs")
    assert front["accuracy"].is_sorted()
    assert found["accuracy"].max() > 30  # ten classes
    macs = [load_json(undisturbed / "checkpoints" / f"front-{n}.json")["subnet"]["subnet"]["macs"] for n in (1, 2)]
    assert macs == [front["macs"][0], front["macs"][-1]]


def test_a_killed_training_and_search_end_with_the_same_bytes(undisturbed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(undisturbed.parents[1], tmp_path / "copy"))
    results, target = folder / "results" / "subnets", "results/subnets/supernets/tiny.search.parquet"
    shutil.rmtree(results / "supernets")  # the member that the super-network starts from is there already
    training, search = (
        Kill("train_supernet", "*/unfinished/tiny.pt"),
        Kill("search_supernet", "*/unfinished/tiny.search.json"),
    )
    assert killed_run(folder, target, kills=[training], study=STUDY) != 0
    assert not (results / "supernets" / "tiny.safetensors").exists()
    assert killed_run(folder, target, kills=[search], study=STUDY) != 0
    assert not (results / "supernets" / "tiny.search.parquet").exists()
    result = snakemake(folder, target, study=STUDY)
    assert result.returncode == 0, result.stdout
    base = "checkpoints/base.safetensors"
    assert (results / base).stat().st_mtime_ns == (undisturbed / base).stat().st_mtime_ns  # not trained again
    for name in ("tiny.safetensors", "tiny.search.parquet", "tiny.stages.parquet"):
        assert (results / "supernets" / name).read_bytes() == (undisturbed / "supernets" / name).read_bytes(), name


def test_more_points_than_the_front_has_are_refused(undisturbed: Path, tmp_path: Path) -> None:
    study = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
    study["members"][2]["subnet"]["search"]["count"] = 50
    changed = tmp_path / "study.yaml"
    changed.write_text(yaml.safe_dump(study), encoding="utf-8")
    folder = undisturbed.parent.parent
    result = snakemake(folder, "results/subnets/checkpoints/front-50.json", study=changed)
    assert result.returncode != 0
    assert "subnet/search/count: is 50, but the Pareto front of the search has only" in result.stdout

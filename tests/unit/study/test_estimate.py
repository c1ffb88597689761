"""Costs before the start: what is multiplied, and that a study of one's own can be estimated."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from scripts.lib.study.estimate import Estimate, Time, main, measure, report
from scripts.lib.study.resolve import ROOT, resolve
from tests.unit.training.test_dino import backbone_entry, study_with

CPU = torch.device("cpu")


def test_what_is_measured_is_the_median_between_the_fastest_and_the_slowest(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, now = iter([0.3, 0.01, 0.01, 0.02, 0.02, 0.08]), [5.0]
    monkeypatch.setattr("scripts.lib.study.estimate.time", SimpleNamespace(perf_counter=lambda: now[0]))

    def step() -> None:
        now[0] += next(waits)

    found = measure(step, CPU)
    assert found.low == pytest.approx(0.01)
    assert found.middle == pytest.approx(0.02)
    assert found.high == pytest.approx(0.08)  # the first step is not counted
    assert (found * 2 + found).middle == pytest.approx(3 * found.middle)


def test_images_are_those_of_all_epochs_and_samples_those_of_all_sets() -> None:
    study = study_with(backbone_entry(training_images=100, epochs=3))
    study["datasets"]["validation"] = [{"id": "clean", "images": 50, "folder": None}, {"id": "noise", "of": "clean"}]
    estimate = Estimate(study, CPU)
    assert estimate.images(study["backbones"][0]) == 300
    assert estimate.images(study["members"][1]) == 1198
    assert estimate.samples == {"clean": 50, "noise": 50}
    disk = estimate.megabytes(study["members"])
    assert disk["predictions"] == pytest.approx(2 * 100 * 10 * 4 / 1e6)
    assert disk["images"] == pytest.approx(100 * 32 * 32 * 3 / 1e6)


def test_twice_the_epochs_take_twice_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.lib.study.estimate.measure", lambda step, device: (step(), Time(1, 1, 2))[1])
    for epochs in (1, 2):
        study = study_with(backbone_entry(training_images=80, epochs=epochs))
        assert Estimate(study, CPU).pretraining(study["backbones"][0]) == Time(10 * epochs, 10 * epochs, 20 * epochs)


def test_a_study_is_estimated(capsys: pytest.CaptureFixture[str]) -> None:
    report(study_with(backbone_entry()), CPU, devices=2)
    said = capsys.readouterr().out
    for line in ("pretrain backbone", "train first", "infer second", "Wall time with 2 devices", "Disk: images"):
        assert line in said


def test_super_networks_and_what_is_cut_out_of_them_are_estimated(capsys: pytest.CaptureFixture[str]) -> None:
    study = resolve(yaml.safe_load((ROOT / "tests" / "studies" / "subnets.yaml").read_text(encoding="utf-8")))
    report(study, CPU, devices=1)
    said = capsys.readouterr().out
    for line in ("train base", "train super-network tiny", "search tiny", "infer cut", "infer front-2"):
        assert line in said


@pytest.mark.parametrize(
    ("batch_size", "image_size", "count"), [(256, 32, 256), (256, 224, 8), (4, 32, 4), (256, 1000, 2)]
)
def test_on_a_cpu_a_step_has_a_whole_batch_of_small_images(batch_size: int, image_size: int, count: int) -> None:
    study = resolve(yaml.safe_load((ROOT / "tests" / "studies" / "subnets.yaml").read_text(encoding="utf-8")))
    estimate = Estimate(study, CPU)
    assert estimate.batch(batch_size, image_size) == count
    study["training"] = study["training"] | {"images_at_once": 3}
    assert estimate.batch(batch_size, image_size) == min(count, 3)


def test_what_a_super_network_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.lib.study.estimate.measure", lambda step, device: Time(1, 1, 1))
    study = resolve(yaml.safe_load((ROOT / "tests" / "studies" / "subnets.yaml").read_text(encoding="utf-8")))
    supernet, estimate = study["supernets"][0], Estimate(study, CPU)
    steps, scored, evaluations = 4 * 160 / 16, (32 + 100) / 100, supernet["bootstrapNAS"]["search"]["num_evals"]
    assert estimate.shrinking(supernet).middle == pytest.approx(steps + 2 * 4 * scored)
    assert estimate.search(supernet).middle == pytest.approx(evaluations * scored)


def test_a_stage_of_a_super_network_has_one_epoch_unless_it_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.lib.study.estimate.measure", lambda step, device: Time(1, 1, 1))
    study = resolve(yaml.safe_load((ROOT / "tests" / "studies" / "subnets.yaml").read_text(encoding="utf-8")))
    supernet, costs = study["supernets"][0], []
    stages = supernet["bootstrapNAS"]["training"]["schedule"]["list_stage_descriptions"]
    for epochs in ({"epochs": 1}, {}):
        stages[:] = [{key: value for key, value in stage.items() if key != "epochs"} | epochs for stage in stages]
        costs.append(Estimate(study, CPU).shrinking(supernet))
    assert costs[0] == costs[1]


def test_only_integrated_gradients_cost_a_pass_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.lib.study.estimate.measure", lambda step, device: Time(1, 1, 1))
    study = study_with(backbone_entry())
    study["attributions"] |= {"samples": 10, "steps": 16}
    costs = {}
    for method in ("InputXGradient", "IntegratedGradients"):
        study["attributions"]["method"] = method
        estimate = Estimate(study, CPU)
        images, sets = sum(estimate.samples.values()), len(estimate.samples)
        per_image = estimate.forward(estimate.member(study["members"][0])).middle
        costs[method] = (estimate.inference(study["members"][0]).middle / per_image - images) / sets
    assert costs == {"InputXGradient": pytest.approx(3 * 10), "IntegratedGradients": pytest.approx(3 * 16 * 10)}


@pytest.mark.parametrize("devices", ["0", "-1", "1.5", "two", "1 2", "00"])
def test_a_number_of_devices_that_is_none_is_refused_before_any_step_is_timed(
    devices: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["estimate", str(tmp_path / "no.yaml"), f"--devices={devices}"])
    assert main() == 1
    assert capsys.readouterr().out == f"Error: DEVICES: '{devices}' must be a whole number of at least 1.\n"

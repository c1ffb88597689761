"""A network made elastic by NNCF against what is cut out of it. NNCF patches torch, so it runs in another process."""

import subprocess
import sys

import pytest

from scripts.lib.study.resolve import ROOT

PREPARE = """
import sys, torch
torch.set_num_threads(1)
import yaml
from scripts.lib.study.resolve import resolve
from scripts.lib.supernets.batch_norm import adaptation_batches, recalibrate
from scripts.lib.datasets.training_images import training_images
from scripts.lib.networks.architectures import build
from scripts.lib.networks.cost import count_macs
from scripts.lib.networks.resnet import full_widths
from scripts.lib.supernets.notation import architecture_of, checked
from scripts.lib.supernets.extract import cut
from scripts.lib.supernets.elastic import Supernet
from scripts.lib.jobs.errors import StudyError

study = resolve(yaml.safe_load(open("tests/studies/subnets.yaml")))
settings = study["supernets"][0]
device = torch.device("cpu")
digits = training_images(study["datasets"])

def elastic(settings):
    torch.manual_seed(0)
    batches = adaptation_batches(digits, settings, 32, device)
    return Supernet(build(settings, 10).model, settings, batches, device), batches
"""
EQUAL = """
supernet, batches = elastic(settings)
optimizer = torch.optim.SGD(supernet.model.parameters(), 0.01)
supernet.start_training(optimizer, len(batches))
for _ in range(4):  # both stages: random sub-networks are trained, filters are sorted by importance
    supernet.start_epoch()
    supernet.model.train()
    for images, labels in batches:
        supernet.start_step()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(supernet.model(images), labels).backward()
        optimizer.step()
supernet.open()
space, base = supernet.space(), full_widths(settings["architecture"])
middle = {str(group): min(choices["widths"]) for group, choices in enumerate(space["groups"]) if group % 2}
for depth, widths in (([], {}), ([0, 2], middle), ([0, 1, 2, 3], middle)):
    config = checked({"depth": depth, "width": widths}, space)
    supernet.activate(config)
    assert supernet.active() == config, (supernet.active(), config)
    recalibrate(supernet.model, batches)
    with torch.no_grad():
        wanted = supernet.model(batches[0][0])
    architecture, kept = architecture_of(config, space, base)
    plain = build(settings | {"architecture": architecture}, 10).model.eval()
    plain.load_state_dict(cut(supernet.weights(), plain.state_dict(), kept))
    with torch.no_grad():
        difference = (plain(batches[0][0]) - wanted).abs().max().item()
    assert wanted.std() > 0.01
    assert difference <= 1e-4, difference
    recalibrate(plain, batches)  # once more, without NNCF: the statistics are the same
    with torch.no_grad():
        assert (plain(batches[0][0]) - wanted).abs().max() <= 1e-4
    assert count_macs(plain, 32) == supernet.macs(), (count_macs(plain, 32), supernet.macs())
    print("equal", difference)
try:
    supernet.activate({"depth": [], "width": {"0": 79}})
except StudyError as error:
    print("refused")
"""
REFUSED = """
import copy
wrong = copy.deepcopy(settings)
wrong["bootstrapNAS"]["training"]["elasticity"]["available_elasticity_dims"] = ["width"]
try:
    elastic(wrong)
except StudyError as error:
    print("first:", error)
wrong = copy.deepcopy(settings)
wrong["bootstrapNAS"]["training"]["elasticity"]["width"]["multipliers"] = [1]
try:
    elastic(wrong)
except StudyError as error:
    print("second:", error)
"""
QUIET = """
import socket
def refuse(*arguments):
    raise AssertionError("NNCF reached for the network")
socket.socket.connect = refuse
"""


def run(program: str) -> str:
    """Standard output of a program; what it writes to standard error fails the test."""
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def equal() -> str:
    return run(QUIET + PREPARE + EQUAL)


def test_what_is_cut_out_is_nncfs_active_subnetwork(equal: str) -> None:
    assert equal.count("equal") == 3


def test_a_subnetwork_that_does_not_exist_is_refused_rather_than_another_one_run(equal: str) -> None:
    assert equal.endswith("refused\n")


def test_nncf_says_nothing_by_itself(equal: str) -> None:
    assert len(equal.splitlines()) == 4


def test_a_section_that_nncf_refuses_is_named() -> None:
    lines = run(PREPARE + REFUSED).splitlines()
    first, second = lines[0], lines[-1]
    assert "first: supernets/tiny/bootstrapNAS" in first
    assert "second: supernets/tiny/bootstrapNAS" in second

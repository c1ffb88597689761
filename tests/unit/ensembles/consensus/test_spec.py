"""How an ensemble decides: what the specs say, and the counts against a decision written out."""

import numpy as np
import pytest
import torch

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.report.labels import consensus_title
from scripts.lib.study.schema import schema

# Two members together outweigh the third; two members alone outvote it.
SCORES = torch.tensor([[[0.4, 0.6]], [[0.45, 0.55]], [[0.9, 0.1]]])
LABELS = torch.tensor([1])


def test_the_schema_offers_the_methods_of_the_registry_and_says_how_each_decides() -> None:
    section = schema()["properties"]["ensembles"]["properties"]["consensus"]
    assert section["items"]["enum"] == list(CONSENSUS_METHODS) == ["average", "vote"]
    for method in CONSENSUS_METHODS.values():
        assert f"`{method.name}` takes {method.decision}" in section["description"]


def test_titles_stand_in_the_spec_and_an_unknown_method_is_shown_by_its_name() -> None:
    assert [consensus_title(name) for name in CONSENSUS_METHODS] == ["averaging of probabilities", "majority vote"]
    assert consensus_title("median_rank") == "median rank"


@pytest.mark.parametrize(("name", "correct"), [("average", 0), ("vote", 1)])
def test_an_ensemble_decides_as_its_method_says(name: str, correct: int) -> None:
    method = CONSENSUS_METHODS[name]
    everyone = torch.ones(1, 3, dtype=torch.bool)
    assert method.count(SCORES, LABELS, everyone).tolist() == [correct]
    bits = np.array([[bool(e >> member & 1) for member in range(3)] for e in range(1, 8)])
    listed = method.count(SCORES, LABELS, torch.from_numpy(bits))
    assert torch.equal(method.count(SCORES, LABELS, "all"), listed)


@pytest.mark.parametrize("name", list(CONSENSUS_METHODS))
@pytest.mark.parametrize("digits", [1, 7], ids=["with ties", "without ties"])
def test_the_decisions_are_those_that_are_counted(name: str, digits: int) -> None:
    """Also of one member, of equal members, and of classes with equal sums and equal votes."""
    method, generator = CONSENSUS_METHODS[name], torch.Generator().manual_seed(3)
    scores = torch.rand(5, 200, 4, generator=generator).mul(10**digits).round().div(10**digits)
    scores[4] = scores[3]
    labels = torch.randint(4, (200,), generator=generator)
    for number in range(1, 2**5):
        members = [member for member in range(5) if number >> member & 1]
        chosen = torch.tensor([[member in members for member in range(5)]])
        expected = method.count(scores, labels, chosen).item()
        assert (method.decide(scores[members]) == labels).sum().item() == expected, members

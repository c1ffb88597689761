"""How an ensemble decides: what the specs say, and the counts against a decision written out."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from scripts.lib.ensembles.consensus.borda import points
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, LOGARITHMS
from scripts.lib.report.labels import consensus_title
from scripts.lib.study.schema import schema

NAMES = ["average", "vote", "geometric", "average_logits", "product", "borda", "median", "min", "max"]
# Two members together outweigh the third; two members alone outvote it.
SCORES = torch.tensor([[[0.4, 0.6]], [[0.45, 0.55]], [[0.9, 0.1]]])
LABELS = torch.tensor([1])
# The example of DESlib's tests of aggregation rules, in which rows need not sum to 1.
DESLIB = torch.tensor(
    [[0.1, 0.5, 0.4], [0, 0, 1], [0.4, 0.3, 0.4], [0.2, 0.7, 0.1], [0.1, 0.8, 0.2]], dtype=torch.float64
)


def form_of(name: str, probabilities: torch.Tensor) -> torch.Tensor:
    """What a method counts with; as files of probabilities are stored, 0 counts as 1e-30."""
    return probabilities.clamp(min=1e-30).log() if CONSENSUS_METHODS[name].form == LOGARITHMS else probabilities


def subsets(members: int) -> torch.Tensor:
    bits = np.array([[bool(e >> member & 1) for member in range(members)] for e in range(1, 1 << members)])
    return torch.from_numpy(bits)


def test_the_schema_offers_the_methods_of_the_registry_and_says_how_each_decides() -> None:
    section = schema()["properties"]["ensembles"]["properties"]["consensus"]
    assert section["items"]["enum"] == list(CONSENSUS_METHODS) == NAMES
    for method in CONSENSUS_METHODS.values():
        assert f"`{method.name}` takes {method.decision}" in section["description"]


def test_titles_stand_in_the_spec_and_an_unknown_method_is_shown_by_its_name() -> None:
    titles = [consensus_title(name) for name in CONSENSUS_METHODS]
    assert titles[:2] == ["averaging of probabilities", "majority vote"]
    assert len(set(titles)) == len(NAMES)
    assert consensus_title("median_rank") == "median rank"


@pytest.mark.parametrize(
    ("name", "correct"),
    [("average", 0), ("vote", 1), ("geometric", 0), ("borda", 1), ("median", 1), ("min", 0), ("max", 0)],
)
def test_an_ensemble_decides_as_its_method_says(name: str, correct: int) -> None:
    method, scores = CONSENSUS_METHODS[name], form_of(name, SCORES)
    everyone = torch.ones(1, 3, dtype=torch.bool)
    assert method.count(scores, LABELS, everyone).tolist() == [correct]
    if method.sweeps:
        assert torch.equal(method.count(scores, LABELS, "all"), method.count(scores, LABELS, subsets(3)))


@pytest.mark.parametrize(
    ("name", "winner"), [("average", 1), ("median", 1), ("product", 2), ("geometric", 2), ("min", 2), ("max", 2)]
)
def test_the_published_example_of_deslib(name: str, winner: int) -> None:
    method, scores = CONSENSUS_METHODS[name], form_of(name, DESLIB[:, None])
    assert method.decide(scores).tolist() == [winner]
    right = [
        method.count(scores, torch.tensor([label]), torch.ones(1, 5, dtype=torch.bool)).item() for label in range(3)
    ]
    assert right == [int(label == winner) for label in range(3)]


def random_scores(digits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities float64 [5, 200, 4], of which two members are equal, and labels."""
    generator = torch.Generator().manual_seed(3)
    scores = torch.rand(5, 200, 4, generator=generator, dtype=torch.float64).mul(10**digits).round().div(10**digits)
    scores[4] = scores[3]
    return scores, torch.randint(4, (200,), generator=generator)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("digits", [1, 7], ids=["with ties", "without ties"])
def test_the_decisions_are_those_that_are_counted(name: str, digits: int) -> None:
    """Also of one member, of equal members, and of classes with equal sums and equal votes."""
    method = CONSENSUS_METHODS[name]
    probabilities, labels = random_scores(digits)
    scores, ensembles = form_of(name, probabilities), subsets(5)
    counts = method.count(scores, labels, ensembles)
    for chosen, expected in zip(ensembles, counts.tolist(), strict=True):
        assert (method.decide(scores[chosen]) == labels).sum().item() == expected, chosen
    if method.sweeps:
        assert torch.equal(method.count(scores, labels, "all"), counts)


def exactly(name: str, scores: list[list[float]]) -> int:
    """The decision on one sample in exact arithmetic; ties are broken as docs/measures.md says."""
    members = [[Fraction(value) for value in member] for member in scores]
    classes = range(len(members[0]))
    totals = [sum(member[c] for member in members) for c in classes]

    def value(c: int) -> tuple[Fraction | int, ...]:
        of_class = sorted(member[c] for member in members)
        if name in ("geometric", "average_logits", "product"):
            found = Fraction(1)
            for probability in of_class:
                found *= probability
            return (found,)
        if name == "borda":
            points = sum(
                Fraction(sum((m[c] > m[d]) - (m[c] < m[d]) for d in classes) + len(classes) - 1, 2) for m in members
            )
            return points, totals[c]
        if name == "vote":
            return sum(max(classes, key=m.__getitem__) == c for m in members), totals[c]
        middle = (of_class[(len(of_class) - 1) // 2] + of_class[len(of_class) // 2]) / 2
        return ({"average": totals[c], "median": middle, "min": of_class[0], "max": of_class[-1]}[name],)

    return max(classes, key=value)  # of equal values, the first


@pytest.mark.parametrize("name", NAMES)
def test_decisions_are_those_of_exact_arithmetic(name: str) -> None:
    """On multiples of 1/64, with many ties. Powers of two have exact sums of logarithms, so ties are seen there too."""
    generator = torch.Generator().manual_seed(8)
    products = CONSENSUS_METHODS[name].form == LOGARITHMS
    numbers = torch.randint(1, 9, (5, 150, 4), generator=generator, dtype=torch.float64)
    scores = 2**-numbers if products else numbers / 64
    for size in range(1, 6):
        found = CONSENSUS_METHODS[name].decide(
            torch.log2(scores[:size]) if products else scores[:size]  # any base has the same decisions
        )
        expected = [exactly(name, scores[:size, n].tolist()) for n in range(150)]
        assert found.tolist() == expected


def test_geometric_mean_product_and_mean_logit_decide_alike_also_where_probabilities_vanish() -> None:
    """Logits of 10 000: the softmax in float64 is 0, and a product of probabilities would be 0 for every class."""
    logits = torch.tensor([[[10000.0, 0, 9000]], [[0.0, 9990, 5000]], [[1.0, 2, 0]]], dtype=torch.float64)
    assert logits.softmax(2).prod(0).tolist() == [[0, 0, 0]]
    for name in ("geometric", "average_logits", "product"):
        assert CONSENSUS_METHODS[name].decide(logits.log_softmax(2)).tolist() == [2], "10001, 9992 and 14000"


def test_points_of_equally_probable_classes_are_shared_and_are_worth_more_than_all_probabilities() -> None:
    scores = torch.tensor([[[0.25, 0.25, 0.25, 0.25], [0.5, 0.2, 0.2, 0.1], [1, 0, 0, 0]]])
    worth = points(torch.zeros_like(scores))[0, 0, 0].item() / 1.5
    found = points(scores) - (scores.double() * 2**20).round() / 2**20
    assert (found / worth).tolist() == [[[1.5] * 4, [3, 1.5, 1.5, 0], [3, 1, 1, 1]]]
    many = torch.rand(1000, 1, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64).softmax(2)
    scaled = points(many) * 2**21
    assert torch.equal(scaled, scaled.round())
    assert scaled.sum(0).max().item() < 2**53


def test_a_tie_of_points_goes_to_the_larger_sum_of_probabilities() -> None:
    """Both members rank the two classes in opposite order."""
    scores = torch.tensor([[[0.6, 0.4]], [[0.3, 0.7]]], dtype=torch.float64)
    assert CONSENSUS_METHODS["borda"].decide(scores).tolist() == [1]
    assert CONSENSUS_METHODS["borda"].decide(scores.flip(2)).tolist() == [0]
    assert CONSENSUS_METHODS["borda"].decide(torch.tensor([[[0.6, 0.4]], [[0.4, 0.6]]])).tolist() == [0]

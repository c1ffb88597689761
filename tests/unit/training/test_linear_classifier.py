"""A linear classifier on a backbone that is not changed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.jobs.storage import load_json
from scripts.lib.networks.weights import load_trained, load_weights
from scripts.lib.training.dino import features_of
from scripts.lib.training.linear_classifier import StandardisedLinear
from tests.unit.conftest import (
    CLASSES,
    SMALL_RESNEXT,
    coloured_validation_set,
)
from tests.unit.training.test_dino import CPU, classified, pretrained, small_backbone

# Classifiers.


def test_a_classifier_leaves_the_backbone_as_it_is_even_its_batch_norm(tmp_path: Path) -> None:
    backbone = pretrained(tmp_path, architecture=SMALL_RESNEXT)
    weights, record = classified(tmp_path, backbone)
    features, _ = features_of(small_backbone(architecture=SMALL_RESNEXT))
    load_weights(features, backbone[0])
    trained = load_trained(load_json(record), weights, CPU).model.state_dict()
    for name, tensor in features.state_dict().items():
        assert torch.equal(trained[name], tensor), name
    assert trained["fc.weight"].shape[0] == len(CLASSES)


def test_a_classifier_learns_from_the_features(tmp_path: Path) -> None:
    _, record = classified(tmp_path, pretrained(tmp_path), epochs=20, optimizer={"name": "AdamW", "lr": 0.03})
    history = load_json(record)["history"]
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["validation_accuracy"] > 60
    assert history[0].keys() == {
        "epoch", "loss", "learning_rate", "training_accuracy", "validation_accuracy", "seconds",
    }  # fmt: skip
    member = load_json(record)["member"]
    assert (member["image_size"], member["architecture"]["name"], member["kind"]) == (32, "deit", "dino")


def test_two_classifiers_of_one_backbone_differ_by_their_seed_only(tmp_path: Path) -> None:
    backbone = pretrained(tmp_path)
    files = [classified(tmp_path / str(seed), backbone, seed=seed)[0].read_bytes() for seed in (5, 15)]
    assert files[0] != files[1]
    assert classified(tmp_path / "again", backbone, seed=5)[0].read_bytes() == files[0]


def test_a_classifier_learns_at_the_constant_rate(tmp_path: Path) -> None:
    history = load_json(classified(tmp_path, pretrained(tmp_path))[1])["history"]
    assert np.allclose([line["learning_rate"] for line in history], 0.1)


def test_standardised_features_have_mean_0_and_deviation_1() -> None:
    features = torch.randn(50, 6) * torch.tensor([1, 10, 0.1, 5, 2, 0]) + torch.arange(6)
    layer = StandardisedLinear(features, 4)
    seen = (features - layer.mean) * layer.factor
    assert torch.allclose(seen.mean(0), torch.zeros(6), atol=1e-5)
    assert torch.allclose(seen.std(0, correction=0), torch.tensor([1.0, 1, 1, 1, 1, 0]), atol=1e-5)
    assert torch.allclose(layer.plain()(features), layer(features), atol=1e-4)


def test_a_classifier_of_standardised_features_is_stored_as_an_ordinary_one(
    tmp_path: Path,
) -> None:
    backbone = pretrained(tmp_path)
    weights, record = classified(tmp_path, backbone, standardise_features=True, epochs=3)
    plain, _ = classified(tmp_path / "plain", backbone, epochs=3)
    assert load_file(weights).keys() == load_file(plain).keys()
    assert not torch.equal(load_file(weights)["head.weight"], load_file(plain)["head.weight"])
    content, validation = load_json(record), coloured_validation_set(9)
    model = load_trained(content, weights, CPU).model
    logits = torch.cat(list(logits_in_batches(model, content["member"], validation.images, CPU)))
    right = (logits.argmax(1).numpy() == validation.labels).mean()
    assert 100 * right == pytest.approx(content["history"][-1]["validation_accuracy"])

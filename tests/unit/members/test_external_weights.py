"""Weights of external members: they give the same logits here, and nothing but tensors is read."""

import argparse
import os
import pickle
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from scripts.lib.members.external_weights import import_weights, read_state, reordered
from scripts.lib.members.kinds.torchvision import source
from scripts.lib.networks.architectures import Network
from scripts.lib.networks.vision import timm, torchvision
from scripts.lib.networks.weights import load_trained

CLASSES = ["cat", "dog", "newt"]
CPU = torch.device("cpu")
STORED = {"image_size": 32, "resize": None}
IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
UNSAID = {"weights": None, "arguments": {}, "classes": None, "crop": None, "mean": None, "std": None, "image_size": 32}
TIMM, TORCHVISION = ("timm", "resnet10t"), ("torchvision", "squeezenet1_1")


def trained(kind: str, model: str, classes: int = 3) -> torch.nn.Module:
    torch.manual_seed(1)
    create: Any = timm.create_model if kind == "timm" else torchvision.models.get_model
    return create(model, num_classes=classes).eval()


def imported(folder: Path, kind: str, model: str, file: Path, **member: Any) -> tuple[torch.nn.Module, dict[str, Any]]:
    settings = UNSAID | {"id": "m", "kind": kind, "model": model} | member
    weights, record = folder / "m.safetensors", folder / "m.json"
    import_weights(settings, str(file), CLASSES, STORED, str(weights), str(record))
    content = load_json(record)
    return load_trained(content, weights, CPU).model, content


@pytest.mark.parametrize(("kind", "model"), [TIMM, TORCHVISION])
@pytest.mark.parametrize("form", ["safetensors", "pt", "checkpoint", "parallel"])
def test_logits_are_those_of_the_model_that_was_saved(tmp_path: Path, kind: str, model: str, form: str) -> None:
    network = trained(kind, model)
    state, file = network.state_dict(), tmp_path / f"w.{'safetensors' if form == 'safetensors' else 'pth'}"
    if form == "safetensors":
        save_file(state, file)
    elif form == "parallel":
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, file)
    else:
        torch.save(state if form == "pt" else {"epoch": 3, "state_dict": state}, file)
    loaded, record = imported(tmp_path, kind, model, file)
    torch.testing.assert_close(loaded(IMAGES), network(IMAGES))
    assert record["member"]["image_size"] == 32
    assert len(record["imported"]["digest"]) == 64
    assert record["training_images"] is None


@pytest.mark.parametrize(("kind", "model"), [TIMM, TORCHVISION])
def test_outputs_are_put_into_the_studys_order(tmp_path: Path, kind: str, model: str) -> None:
    network = trained(kind, model, 4)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    names = ["newt", "eft", "cat", "dog"]
    loaded, record = imported(tmp_path, kind, model, tmp_path / "w.safetensors", classes=names)
    torch.testing.assert_close(loaded(IMAGES), network(IMAGES)[:, [2, 3, 0]])
    assert record["imported"]["remarks"] == ["1 classes that the study does not have are left out"]


def test_auxiliary_classifiers_are_put_into_the_studys_order_too(tmp_path: Path) -> None:
    quick = {"init_weights": False}
    network = torchvision.models.get_model("googlenet", num_classes=4, **quick).eval()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    names = ["newt", "eft", "cat", "dog"]
    file = tmp_path / "w.safetensors"
    loaded, _ = imported(tmp_path, "torchvision", "googlenet", file, classes=names, arguments=quick)
    torch.testing.assert_close(loaded(IMAGES), network(IMAGES)[:, [2, 3, 0]])
    torch.testing.assert_close(loaded.aux1.fc2.weight, network.aux1.fc2.weight[[2, 3, 0]])


def test_layers_with_as_many_outputs_as_classes_are_not_taken_for_classifiers() -> None:
    """The auxiliary classifiers of GoogLeNet begin with a convolution of 128 channels."""
    network = torchvision.models.get_model("googlenet", num_classes=128, init_weights=False)
    found = reordered(dict(network.state_dict()), Network(network, "fc"), list(range(1, 128)))
    shapes = {name: len(found[f"{name}.weight"]) for name in ("fc", "aux1.fc2", "aux2.fc2", "aux1.conv.conv")}
    assert shapes == {"fc": 127, "aux1.fc2": 127, "aux2.fc2": 127, "aux1.conv.conv": 128}


@pytest.mark.parametrize(("model", "converts"), [("googlenet", True), ("squeezenet1_1", False)])
def test_torchvisions_own_weights_get_the_pixels_that_they_expect(
    model: str, converts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = SimpleNamespace(crop_size=[224], resize_size=[256], mean=(0.5,) * 3, std=(0.2,) * 3)
    weights = SimpleNamespace(get_state_dict=lambda **_: {}, transforms=lambda: view)
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda name: {"DEFAULT": weights})
    found = source({"model": model, "weights": None}, pretrained=True, where="members/m")
    assert found.arguments == ({"transform_input": True} if converts else None)


def test_preparation_is_timms_unless_the_study_says_otherwise(tmp_path: Path) -> None:
    network = trained(*TIMM)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    config: Any = network.pretrained_cfg
    member = imported(tmp_path, *TIMM, tmp_path / "w.safetensors", image_size=None)[1]["member"]
    assert member["image_size"] == config["input_size"][-1]
    assert member["transforms"] == {"mean": list(config["mean"]), "std": list(config["std"])}
    assert member["crop"] == config["crop_pct"]
    said = {"mean": [0.1] * 3, "std": [0.2] * 3, "crop": 0.5}
    member = imported(tmp_path, *TIMM, tmp_path / "w.safetensors", **said)[1]["member"]
    assert member["transforms"] == {"mean": said["mean"], "std": said["std"]}
    assert member["crop"] == 0.5


class Bomb:
    """Would write a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"weight": Bomb(tmp_path / "was run")}))
    torch.save({"weight": Bomb(tmp_path / "was run")}, tmp_path / "w.pth")
    for name in ("w.pt", "w.pth"):
        with pytest.raises(StudyError, match=rf"{name} are refused: they are damaged, or hold Python objects"):
            read_state(str(tmp_path / name))
    (tmp_path / "w.safetensors").write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(StudyError, match=r"w\.safetensors cannot be read as safetensors"):
        read_state(str(tmp_path / "w.safetensors"))
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(StudyError, match="are not tensors by name"):
        read_state(str(tmp_path / "list.pt"))
    assert not (tmp_path / "was run").exists()


def whole_model(path: Path) -> None:
    torch.save(torch.nn.Linear(3, 3), path)


def options_beside_tensors(path: Path) -> None:
    torch.save({"state_dict": torch.nn.Linear(3, 3).state_dict(), "options": argparse.Namespace(lr=0.1)}, path)


def scalar_of_numpy(path: Path) -> None:
    torch.save({"state_dict": torch.nn.Linear(3, 3).state_dict(), "accuracy": np.float64(0.9)}, path)


def torchscript(path: Path) -> None:
    torch.jit.script(torch.nn.Linear(3, 3)).save(str(path))


def plain_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weight": [1.0, 2.0]}))


def other_text(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("write", "said"),
    [
        (whole_model, "torch.nn.modules.linear.Linear"),
        (options_beside_tensors, "argparse.Namespace"),
        (scalar_of_numpy, "multiarray.scalar"),
        (torchscript, "TorchScript"),
        (plain_pickle, "not a file of plain tensors"),
        (other_text, "are refused"),
        (Path.touch, "are refused"),
        (Path.mkdir, "Is a directory"),
    ],
)
def test_refused_weights_are_never_advised_to_be_trusted(write: Any, said: str, tmp_path: Path) -> None:
    write(tmp_path / "w.pt")
    with pytest.raises(StudyError) as refusal:
        read_state(str(tmp_path / "w.pt"))
    message = str(refusal.value)
    assert said in message
    assert "safetensors.torch.save_file(model.state_dict(), " in message
    for advice in ("weights_only", "safe_globals", "trust", "\x1b", "\n"):
        assert advice not in message


def resnet_state() -> dict[str, torch.Tensor]:
    return dict(trained(*TIMM).state_dict())


def test_a_changed_bit_in_torchs_file_is_found(tmp_path: Path) -> None:
    """torch does not compare the checksums of its own files."""
    state = {"weight": torch.arange(12.0)}
    torch.save(state, tmp_path / "w.pt")
    content = bytearray((tmp_path / "w.pt").read_bytes())
    content[content.index(state["weight"].numpy().tobytes()) + 7] ^= 0x40
    (tmp_path / "w.pt").write_bytes(content)
    assert torch.load(tmp_path / "w.pt", weights_only=True)["weight"][1] != 1
    with pytest.raises(StudyError, match=r"w\.pt are damaged .* copy or save them again"):
        read_state(str(tmp_path / "w.pt"))


@pytest.mark.parametrize("form", ["w.safetensors", "w.pt", "legacy.pt"])
def test_damaged_weights_are_read_or_refused(form: str, tmp_path: Path) -> None:
    """150 files with changed, missing or additional bytes; nothing but a StudyError comes out."""
    path, state = tmp_path / form, {"fc.weight": torch.arange(12.0).reshape(3, 4), "fc.bias": torch.ones(3)}
    if form == "w.safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "w.pt")
    original, draw, messages = path.read_bytes(), random.Random(form), []
    for _ in range(150):
        content = bytearray(original)
        for _ in range(draw.choice([0, 1, 1, 4])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(content[: draw.choice([len(content), draw.randrange(len(content))])])
        try:
            found = read_state(str(path))
        except StudyError as error:
            messages.append(str(error))
        else:
            assert all(isinstance(name, str) and torch.is_tensor(tensor) for name, tensor in found.items())
    assert 50 < len(messages) < 150
    assert all(str(path) in message and "weights_only" not in message for message in messages)


DAMAGES: dict[str, tuple[Any, str]] = {
    "nan": (lambda tensor: tensor.index_fill(0, torch.tensor([0]), float("nan")), "1 of 3 numbers .* not finite"),
    "infinite": (
        lambda tensor: tensor.index_fill(0, torch.tensor([0, 2]), -float("inf")),
        "2 of 3 numbers .* not finite",
    ),
    "beyond float32": (lambda tensor: tensor.double() + 1e300, "3 of 3 numbers .* not finite"),
    "whole numbers": (lambda tensor: tensor.to(torch.int8), "holds int8 .* float32"),
    "complex": (lambda tensor: tensor.to(torch.complex64), "holds complex64 .* float32"),
    "quantised": (lambda tensor: torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8), "holds qint8 .* float32"),
    "sparse": (lambda tensor: tensor.to_sparse(), "holds .*sparse"),
    "without numbers": (lambda tensor: tensor.to("meta"), "holds .*meta"),
    "of another shape": (lambda tensor: tensor.sum(), "tensors have other shapes"),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("damage", DAMAGES)
def test_tensors_without_usable_numbers_are_named(damage: str, tmp_path: Path) -> None:
    change, said = DAMAGES[damage]
    state = resnet_state()
    torch.save(state | {"fc.bias": change(state["fc.bias"])}, tmp_path / "w.pt")
    with pytest.raises(StudyError, match=said) as refusal:
        imported(tmp_path, *TIMM, tmp_path / "w.pt")
    assert "fc.bias" in str(refusal.value)
    assert "w.pt" in str(refusal.value)


@pytest.mark.parametrize("weight", [torch.tensor(1.0), torch.zeros(0, 512), torch.zeros(3)])
def test_a_classifier_of_no_shape_is_refused(weight: torch.Tensor, tmp_path: Path) -> None:
    torch.save(resnet_state() | {"fc.weight": weight}, tmp_path / "w.pt")
    with pytest.raises(StudyError, match=r"fc\.weight"):
        imported(tmp_path, *TIMM, tmp_path / "w.pt")


@pytest.mark.parametrize(
    "content", [{0: torch.ones(1)}, {"a": torch.ones(1), 1: torch.ones(1)}, {}, {"state_dict": {}}]
)
def test_tensors_without_names_are_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(StudyError, match="are not tensors by name"):
        read_state(str(tmp_path / "w.pt"))


def test_weights_of_another_architecture_show_what_is_missing_and_unexpected(tmp_path: Path) -> None:
    save_file(trained("timm", "resnet18").state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(StudyError) as refusal:
        imported(tmp_path, *TIMM, tmp_path / "w.safetensors")
    assert "does not fit the architecture. Missing (" in str(refusal.value)
    assert "Unexpected (" in str(refusal.value)
    assert "conv1.0.weight (similar to conv1.weight)" in str(refusal.value)


def test_other_numbers_of_classes_and_unknown_models_are_refused(tmp_path: Path) -> None:
    save_file(trained(*TIMM, classes=4).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(StudyError, match="has 4 classes, but the study has 3"):
        imported(tmp_path, *TIMM, tmp_path / "w.safetensors")
    with pytest.raises(StudyError, match=r"timm cannot create 'resnet10x'.*Similar names: resnet"):
        imported(tmp_path, "timm", "resnet10x", tmp_path / "w.safetensors")
    with pytest.raises(StudyError, match=r"torchvision has no classifier 'resnet19' \(similar names: resnet"):
        imported(tmp_path, "torchvision", "resnet19", tmp_path / "w.safetensors")

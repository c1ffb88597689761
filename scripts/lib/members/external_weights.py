"""Turns the weights of an external member into those of an ordinary one: safetensors, and a record as of a training."""

import difflib
import re
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError, first_line, printable
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import digest_of_file, save_json
from scripts.lib.members.spec import Source, kind_of
from scripts.lib.networks.architectures import Network, build, outputs_of
from scripts.lib.networks.preprocessing import relative_crop
from scripts.lib.networks.weights import read_weights, save_weights_of
from scripts.lib.reading.class_columns import class_order, stated_classes
from scripts.lib.training.state import make_record

State = dict[str, torch.Tensor]
# Keys under which training scripts store the tensors, and prefixes that wrappers add to their names.
SECTIONS = ("state_dict", "model_state_dict", "model", "model_ema", "state_dict_ema", "net")
WRAPPERS = ("module.", "_orig_mod.", "model.")
SHOWN_KEYS = 3


def import_weights(
    member: dict[str, Any],
    file: str | None,
    classes: list[str],
    stored: Mapping[str, Any],
    weights: str,
    record: str,
) -> None:
    """Write weights and record of an external member.

    `file` has its weights; None takes the library's. The classifier's outputs are put into the study's order. `stored`
    has `image_size` and `resize` of the study. Raises StudyError for a file that does not hold plain weights, or does
    not fit the architecture.
    """
    start, where = time.perf_counter(), f"members/{member['id']}"
    source = source_of(member, file is None, where)
    given = read_state(file) if file else source.weights
    assert given is not None  # `source_of` raises an error if the library has no weights
    complete = completed(member, source, stored)
    names = stated_classes(member["classes"])
    outputs = len(names) if names else outputs_in(given, complete, len(classes))
    network = build(complete, outputs)
    state = fitting(given, network.model, file or f"{member['kind']}'s weights of {member['model']}", where)
    order, remark = class_order(names, classes, outputs, f"{where} ({file or member['model']})")
    save_weights_of(reordered(state, network, order), weights)
    details = {"file": file, "digest": digest_of_file(file) if file else None, "remarks": [remark] if remark else []}
    content = make_record(complete, classes, 0, [], torch.device("cpu"), weights)
    content |= {"training_images": None, "imported": details, "seconds": time.perf_counter() - start}
    save_json(record, content)
    if remark:
        log.info("%s: %s", member["id"], remark)


def source_of(member: dict[str, Any], pretrained: bool, where: str) -> Source:
    """What the library of the member's kind knows about its model, with the library's own weights if `pretrained`."""
    kind = kind_of(member)
    assert kind.source is not None, f"members of kind {kind.name} do not import weights"
    return kind.source(member, pretrained, where)


def completed(member: dict[str, Any], source: Source, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The member as an ordinary network of the study; the library's values are used where the study gives none."""
    said = {key: member[key] if member[key] is not None else getattr(source, key) for key in ("mean", "std")}
    crop = member["crop"] or source.crop
    kept: dict[str, Any] = {key: member[key] for key in ("id", "kind", "recipe") if key in member}
    return kept | {
        "architecture": {
            "name": member["kind"],
            "model": member["model"],
            "parameters": {**(source.arguments or {}), **member["arguments"]},
        },
        "image_size": member["image_size"] or source.image_size,
        "crop": relative_crop(crop, stored),
        "transforms": {key: list(values) for key, values in said.items()},
    }


def read_state(file: str) -> State:
    """Tensors by name. A pickle file is loaded only if it holds nothing but tensors and plain values.

    Raises StudyError for anything else, and for a torch file that does not match its checksums; no code in the file is
    executed.
    """
    if Path(file).suffix == ".safetensors":
        return plain_names(read_weights(file))
    try:
        damage = _wrong_checksum(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise StudyError(f"the weights {file} do not exist.") from None
    except Exception as error:  # noqa: BLE001 - a damaged file makes torch raise anything
        raise StudyError(
            f"the weights {file} are refused: they are damaged, or hold Python objects, which could run any program "
            f"when they are loaded ({_why_not(error)}). Save only the tensors, in the project that trained the model: "
            'safetensors.torch.save_file(model.state_dict(), "weights.safetensors").'
        ) from None
    if damage:
        raise StudyError(f"the weights {file} are damaged ({damage}): copy or save them again.")
    for section in SECTIONS:
        if isinstance(content, dict) and isinstance(content.get(section), dict):
            content = content[section]
            break
    if not isinstance(content, dict) or not content or not all(map(_is_named_tensor, content.items())):
        raise StudyError(f"the weights {file} are not tensors by name (also looked for under {', '.join(SECTIONS)}).")
    return plain_names(content)


def _wrong_checksum(file: str) -> str:
    """The first part of a torch file whose checksum is wrong; torch itself does not verify the checksums."""
    if not zipfile.is_zipfile(file):
        return ""
    with zipfile.ZipFile(file) as archive:
        part = archive.testzip()
    return f"{printable(part)} in it does not match its checksum" if part else ""


def _why_not(error: Exception) -> str:
    """Why torch does not load a file, without torch's advice to load it anyway."""
    text = str(error)
    if named := re.search(r"GLOBAL (\S+)", text):
        return f"it holds {printable(named[1])}"
    if "TorchScript" in text:
        return "it is TorchScript, which is a program; for a member of kind onnx, export it to ONNX"
    return "it is not a file of plain tensors" if "weights_only" in text else printable(first_line(error))


def _is_named_tensor(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], str) and torch.is_tensor(item[1])


def plain_names(state: State) -> State:
    """Names without the prefix that DataParallel, torch.compile or Lightning adds to all of them."""
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def outputs_in(state: State, member: dict[str, Any], classes: int) -> int:
    """How many classes the weights have, from the classifier head's tensor; `classes` if it is not found."""
    network = build(member, classes)
    tensor = state.get(f"{network.head}.weight")
    if tensor is None or not tensor.ndim or classes not in outputs_of(_head(network)):
        return classes
    return len(tensor)


def fitting(given: State, model: nn.Module, file: str, where: str) -> State:
    """The given tensors, if they are those of the model. Raises StudyError showing what is missing and unexpected."""
    wanted = model.state_dict()
    missing = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in given if name not in wanted]
    shapes = [name for name in wanted if name in given and given[name].shape != wanted[name].shape]
    if missing or unexpected:
        raise StudyError(
            f"{where}: {file} does not fit the architecture. Missing ({len(missing)}): {_keys(missing, given)}. "
            f"Unexpected ({len(unexpected)}): {_keys(unexpected, wanted)}. Is `model` correct?"
        )
    if shapes:
        name = shapes[0]
        raise StudyError(
            f"{where}: {file} does not fit the architecture: {len(shapes)} tensors have other shapes; the first is "
            f"{name}, {list(given[name].shape)} instead of {list(wanted[name].shape)}. Are `model`, `arguments` and "
            "`image_size` correct?"
        )
    return {
        name: _usable(given.get(name, tensor), tensor, f"{where}: {name} in {file}") for name, tensor in wanted.items()
    }


def _usable(given: torch.Tensor, wanted: torch.Tensor, what: str) -> torch.Tensor:
    """The given numbers in the model's data type. Raises StudyError if they cannot be converted to it."""
    plain = given.layout == torch.strided and not given.is_meta
    if not plain or (wanted.is_floating_point() and not given.is_floating_point()):
        kind = given.dtype if plain else "no numbers (meta)" if given.is_meta else given.layout
        raise StudyError(
            f"{what} holds {_name_of(kind)} where {_name_of(wanted.dtype)} is expected: save the weights as they were "
            "trained, not quantised or compressed."
        )
    found = given.to(wanted.dtype)
    wrong = int((~torch.isfinite(found) & torch.isfinite(wanted)).sum())
    if wrong:
        raise StudyError(
            f"{what}: {wrong} of {found.numel()} numbers are not finite (NaN, or beyond {_name_of(wanted.dtype)}). The "
            "file is damaged, or the training diverged: copy or save it again, or use an earlier checkpoint."
        )
    return found


def _name_of(kind: object) -> str:
    return str(kind).removeprefix("torch.")


def _keys(names: Sequence[str], others: Mapping[str, Any]) -> str:
    """The first names, each with the most similar one among the others."""
    if not names:
        return "none"
    shown = []
    for name in names[:SHOWN_KEYS]:
        close = difflib.get_close_matches(name, list(others), n=1)
        shown.append(f"{name} (similar to {close[0]})" if close else name)
    return ", ".join(shown) + (", …" if len(names) > SHOWN_KEYS else "")


def reordered(state: State, network: Network, order: list[int]) -> State:
    """The weights with the outputs of the classifier head, and of auxiliary ones, or some of them, in this order."""
    outputs = outputs_of(_head(network))[0]
    if order == list(range(outputs)):
        return state
    rows = torch.tensor(order)
    return state | {
        name: state[name].index_select(0, rows)
        for head in (network.head, *_auxiliary_heads(network.model))
        for name in (f"{head}.weight", f"{head}.bias")
        if name in state and len(state[name]) == outputs
    }


def _auxiliary_heads(model: nn.Module) -> list[str]:
    """The last layer with outputs of each auxiliary classifier, as `aux1.fc2` and `AuxLogits.fc`."""
    layers = [name for name, layer in model.named_modules() if outputs_of(layer)]
    found = {match.group(): name for name in layers if (match := re.match(r"(?i).*?aux[^.]*", name))}
    return list(found.values())


def _head(network: Network) -> nn.Module:
    return network.model.get_submodule(network.head)

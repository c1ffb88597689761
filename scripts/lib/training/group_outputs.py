"""What the members of a group say of a batch: logits, activations, and attribution maps if their loss needs them."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.architectures import Network, pooled
from scripts.lib.networks.preprocessing import resized
from scripts.lib.training.losses.spec import Axis, Outputs


@dataclass(frozen=True)
class GroupMember:
    """A member of a group: its entry in the study, its network, and what is called (the network, perhaps compiled)."""

    entry: dict[str, Any]
    network: Network
    called: nn.Module

    def sees(self, images: torch.Tensor) -> torch.Tensor:
        """Images [B, 3, S, S] between 0 and 1 at the member's size, normalised as the member's transforms say."""
        size = self.entry["image_size"]
        seen = images if images.shape[-1] == size else resized(images, size)
        values = (self.entry["transforms"][key] for key in ("mean", "std"))
        mean, std = (torch.tensor(value, device=images.device).view(3, 1, 1) for value in values)
        return ((seen - mean) / std).contiguous(memory_format=torch.channels_last)


def speak(
    members: Sequence[GroupMember],
    images: torch.Tensor,
    labels: torch.Tensor,
    axes: Collection[Axis],
    streams: list[int],
    training: bool = True,
) -> Outputs:
    """What all members say of images float32 [B, 3, S, S] between 0 and 1.

    In a training, gradients go through everything; otherwise not through attribution maps, which saves memory. `axes`
    says what is needed besides logits. `streams` has a seed for each member's dropout, which so does not depend on the
    other members. Attribution maps are computed at the smallest image size of the members.
    """
    logits, activations, maps = [], [], []
    smallest = min(member.entry["image_size"] for member in members)
    for member, stream in zip(members, streams, strict=True):
        seen = member.sees(images).requires_grad_("attributions" in axes)
        with _stream(stream, images.device), _activations_of(member) as inputs, _differentiable_twice(axes):
            said = (member.called if training else member.network.model)(seen)
        if "attributions" in axes:
            found = attribution_maps(member, seen, said, labels, training)
            maps.append(found if seen.shape[-1] == smallest else resized(found[:, None], smallest)[:, 0])
        logits.append(said.float())
        activations.append(pooled(inputs[0]).float())
    return Outputs(torch.stack(logits), labels, activations, torch.stack(maps) if maps else None)


def attribution_maps(
    member: GroupMember, images: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor, differentiable: bool
) -> torch.Tensor:
    """Absolute gradients of each image's true logit, summed over the channels, [B, s, s].

    With batch norm in training mode, an image also affects the logits of the others in its batch; the gradient of the
    sum over the batch contains this. Raises StudyError, naming the member, if its logits do not depend on the image.
    """
    true = logits.gather(1, labels[:, None]).sum()
    gradient = None
    if true.requires_grad:
        [gradient] = torch.autograd.grad(true, images, create_graph=differentiable, allow_unused=True)
    if gradient is None:
        architecture = member.entry["architecture"]
        raise StudyError(
            f"members/{member.entry['id']}: the network {architecture.get('model', architecture['name'])!r} has no "
            "gradient with respect to the image, which the loss term `attribution` needs: leave the member out of the "
            "group, or the term out of its loss."
        )
    return gradient.abs().sum(1)


@contextmanager
def _activations_of(member: GroupMember) -> Iterator[list[torch.Tensor]]:
    """The input of the member's classifier head in a pass."""
    found: list[torch.Tensor] = []
    head = member.network.model.get_submodule(member.network.head)
    with head.register_forward_pre_hook(lambda module, inputs: found.append(inputs[0])):
        yield found


@contextmanager
def _stream(seed: int, device: torch.device) -> Iterator[None]:
    """Random numbers from a stream of their own; the global stream is as before afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _differentiable_twice(axes: Collection[Axis]) -> Any:
    """Attention as plain products, because torch's fused kernels can be differentiated only once."""
    return sdpa_kernel(SDPBackend.MATH) if "attributions" in axes else nullcontext()

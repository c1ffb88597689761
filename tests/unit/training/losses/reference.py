"""Outputs of small groups in float64, which the tests of all terms use."""

from collections.abc import Callable

import torch

from scripts.lib.training.losses.spec import LOSS_TERMS, Outputs

MEMBERS, IMAGES, CLASSES, SIZE = 3, 6, 4, 5


def outputs(seed: int = 0, scale: float = 1.0, members: int = MEMBERS, images: int = IMAGES) -> Outputs:
    """Random float64 outputs; the members' activations have different widths."""
    stream = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=stream, dtype=torch.float64) * scale

    return Outputs(
        normal(members, images, CLASSES),
        torch.randint(0, CLASSES, (images,), generator=stream),
        [normal(images, 3 + member) for member in range(members)],
        normal(members, images, SIZE, SIZE).abs() + 0.01,
    )


def equal_members(seed: int = 0, members: int = MEMBERS) -> Outputs:
    """The outputs of several members that are the same."""
    one = outputs(seed)
    maps = None if one.maps is None else one.maps[:1].expand(members, -1, -1, -1).clone()
    return Outputs(one.logits[:1].expand(members, -1, -1).clone(), one.labels, one.activations[:1] * members, maps)


def value(name: str, of: Outputs) -> float:
    """A term of the loss."""
    return LOSS_TERMS[name].value(of).item()


def gradients_are_right(function: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> bool:
    """Whether the gradient with respect to all inputs is that of finite differences."""
    ready = [tensor.clone().requires_grad_() for tensor in inputs]
    return torch.autograd.gradcheck(function, ready)  # type: ignore[no-any-return]

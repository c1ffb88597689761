"""Operations, counted by hand."""

from torch import nn

from scripts.lib.networks.architectures import build
from scripts.lib.networks.cost import count_macs
from tests.unit.networks.test_architectures import paper_member

# Size and cost.


def test_operations_are_those_counted_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16 * 16, 5))
    convolution, linear = 16 * 16 * 8 * 3 * 3 * 3, 8 * 16 * 16 * 5
    assert count_macs(model, 16) == convolution + linear


def test_operations_of_grouped_convolutions_count_their_group_only() -> None:
    assert count_macs(nn.Conv2d(3, 6, 1, groups=3), 10) == 10 * 10 * 6


def test_operations_of_attention_are_counted() -> None:
    """DeiT-tiny at 224 pixels: 197 tokens of 192 channels in 12 blocks."""
    tokens, width = 197, 192
    linear = 12 * width * width  # query, key, value, projection and a perceptron of four times the width
    attention = 2 * tokens * width
    patches, head = 196 * 3 * 16 * 16 * width, width * 1000
    expected = 12 * tokens * (linear + attention) + patches + head
    assert count_macs(build(paper_member("deit_tiny_p16_224"), 1000).model, 224) == expected

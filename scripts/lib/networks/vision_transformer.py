"""A vision transformer (DeiT, Touvron et al. 2021, without the distillation token).

Names, initial weights and results are those of timm's network, bit for bit.
"""

import math

import torch
from torch import nn

EPSILON = 1e-6  # of layer norms
DEVIATION = 0.02  # of initial weights


class Attention(nn.Module):
    """Self-attention with several heads, float [B, N, D] → [B, N, D]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The tokens' answers."""
        count, length, width = tokens.shape
        parts = self.qkv(tokens).reshape(count, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        answers = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.proj(answers.transpose(1, 2).reshape(count, length, width))


class Perceptron(nn.Module):
    """A hidden layer four times as wide, float [B, N, D] → [B, N, D]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The output of the second layer."""
        return self.fc2(self.act(self.fc1(tokens)))


class Block(nn.Module):
    """Attention and a perceptron, each with a shortcut, float [B, N, D] → [B, N, D]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, EPSILON), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, EPSILON), Perceptron(width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The output of the block."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class Patches(nn.Module):
    """Each patch of an image as a token, float [B, 3, H, W] → [B, H / patch, W / patch, D]."""

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.patch, self.proj = patch, nn.Conv2d(3, width, patch, patch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The tokens. Raises ValueError for an image that is not made of whole patches."""
        if any(side % self.patch for side in images.shape[2:]):
            height, width = images.shape[2:]
            raise ValueError(f"images of {height} × {width} pixels cannot be divided into patches of {self.patch}")
        return self.proj(images).permute(0, 2, 3, 1)


class VisionTransformer(nn.Module):
    """Float [B, 3, H, W] → logits [B, classes], for images of any size that is a multiple of `patch`.

    Positions are learned for images of `image_size` pixels and interpolated for others, such as DINO's small crops.
    """

    def __init__(self, image_size: int, patch: int, width: int, heads: int, depth: int, classes: int) -> None:
        super().__init__()
        self.side = image_size // patch  # patches
        # Parameters of a module precede its modules: the names are in timm's order.
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + self.side**2, width))
        self.patch_embed = Patches(patch, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width, EPSILON), nn.Linear(width, classes)
        _draw(self.pos_embed)
        nn.init.normal_(self.cls_token, std=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                _draw(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits."""
        patches = self.patch_embed(images)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches.flatten(1, 2)], 1)
        tokens = tokens + self._positions(*patches.shape[1:3])
        return self.head(self.norm(self.blocks(tokens))[:, 0])

    def _positions(self, rows: int, columns: int) -> torch.Tensor:
        """What is added to the tokens of an image of this many patches, [1, 1 + rows × columns, D]."""
        if rows == columns == self.side:
            return self.pos_embed
        whole, grid = self.pos_embed[:, :1], self.pos_embed[:, 1:].float()
        grid = grid.reshape(1, self.side, self.side, -1).permute(0, 3, 1, 2)
        grid = nn.functional.interpolate(grid, (rows, columns), mode="bicubic", antialias=True)
        return torch.cat([whole, grid.permute(0, 2, 3, 1).flatten(1, 2).to(whole.dtype)], 1)


@torch.no_grad()
def _draw(weights: torch.Tensor) -> None:
    """Fill with normal numbers, drawn as in timm: by the inverse of their distribution, cut off at 2."""
    weights.uniform_(-1, 1).erfinv_().mul_(DEVIATION * math.sqrt(2)).clamp_(-2, 2)

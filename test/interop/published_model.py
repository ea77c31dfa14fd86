"""A vision transformer of the published HIPT in torch, float64, written for these tests: the independent twin of the
program's models. Weights by formula (hipt/base/formula.h), so that no file is needed."""

import dataclasses
import math

import numpy as np
import torch
from torch.nn import functional

TRAINED_GRID = 14


@dataclasses.dataclass(frozen=True)
class Config:
    name: str
    source: str  # "pixels": tokens of 16 x 16 px; "features": a grid of features
    input_dim: int
    dim: int
    depth: int
    heads: int
    mlp_dim: int

    def json(self):
        return dataclasses.asdict(self)


def fnv1a64(text):
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value


def formula_words(salt, name, count):
    """uint64 [count]."""
    words = np.uint64(fnv1a64(f"{salt}:{name}")) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    return words ^ (words >> np.uint64(31))


def formula_uniform(salt, name, shape, center, scale):
    """float32 numbers, as a float64 tensor."""
    uniform = (formula_words(salt, name, math.prod(shape)) >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.from_numpy((center + scale * (2 * uniform - 1)).astype(np.float32).astype(np.float64).reshape(shape))


def formula_weight(salt, name, shape):
    last = name.rsplit(".", 1)[-1]
    if last == "cls_token":
        return formula_uniform(salt, name, shape, 0.0, 0.05)
    if last == "pos_embed":
        return formula_uniform(salt, name, shape, 0.0, 0.2)
    if len(shape) > 1:
        return formula_uniform(salt, name, shape, 0.0, math.sqrt(3.0 / math.prod(shape[1:])))
    return formula_uniform(salt, name, shape, 1.0, 0.1) if last == "weight" else formula_uniform(salt, name, shape, 0.0, 0.05)


class Model:
    def __init__(self, config, salt):
        self.config = config
        self.salt = salt

    def weight(self, name, *shape):
        return formula_weight(self.salt, name, shape)

    def linear(self, x, name, outputs):
        return functional.linear(x, self.weight(f"{name}.weight", outputs, x.shape[-1]), self.weight(f"{name}.bias", outputs))

    def norm(self, x, name):
        dim = self.config.dim
        return functional.layer_norm(x, (dim,), self.weight(f"{name}.weight", dim), self.weight(f"{name}.bias", dim), 1e-6)

    def tokens(self, x):
        """[n, 3, height, width] of bytes, or [n, features, rows, cols] -> [n, rows * cols, dim] and the grid."""
        config = self.config
        if config.source == "pixels":
            x = functional.conv2d((x / 255 - 0.5) / 0.5, self.weight("patch_embed.proj.weight", config.dim, 3, 16, 16),
                                  self.weight("patch_embed.proj.bias", config.dim), stride=16)
            return x.flatten(2).transpose(1, 2), x.shape[2:]
        return functional.gelu(self.linear(x.flatten(2).transpose(1, 2), "phi.0", config.dim)), x.shape[2:]

    def positions(self, rows, cols):
        dim = self.config.dim
        trained = self.weight("pos_embed", 1, TRAINED_GRID**2 + 1, dim)
        if (rows, cols) == (TRAINED_GRID, TRAINED_GRID):
            return trained
        grid = trained[:, 1:].reshape(1, TRAINED_GRID, TRAINED_GRID, dim).permute(0, 3, 1, 2)
        scale = ((rows + 0.1) / TRAINED_GRID, (cols + 0.1) / TRAINED_GRID)
        grid = functional.interpolate(grid, scale_factor=scale, mode="bicubic", recompute_scale_factor=False)
        assert grid.shape[2:] == (rows, cols)
        return torch.cat([trained[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)

    def attention(self, x, name):
        n, tokens, dim = x.shape
        heads = self.config.heads
        q, k, v = self.linear(x, f"{name}.qkv", 3 * dim).reshape(n, tokens, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(dim // heads), dim=-1)
        return self.linear((weights @ v).transpose(1, 2).reshape(n, tokens, dim), f"{name}.proj", dim)

    def __call__(self, x):
        """Class tokens [n, dim]."""
        x, (rows, cols) = self.tokens(x)
        x = torch.cat([self.weight("cls_token", 1, 1, self.config.dim).expand(len(x), -1, -1), x], dim=1)
        x = x + self.positions(rows, cols)
        for block in (f"blocks.{i}" for i in range(self.config.depth)):
            x = x + self.attention(self.norm(x, f"{block}.norm1"), f"{block}.attn")
            hidden = functional.gelu(self.linear(self.norm(x, f"{block}.norm2"), f"{block}.mlp.fc1", self.config.mlp_dim))
            x = x + self.linear(hidden, f"{block}.mlp.fc2", self.config.dim)
        return self.norm(x, "norm")[:, 0]

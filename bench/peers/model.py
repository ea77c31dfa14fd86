"""ViT-256 (vit_small, 256-px patches) as the peers run it: one torch module over bytes, with weights by formula."""

import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "test/interop"))
import published_model  # noqa: E402

SALT = "gold1"
PATCH_PX, TOKEN_PX, DEPTH, DIM, HEADS, MLP_DIM = 256, 16, 12, 384, 6, 1536
CONFIG = published_model.Config(
    name="vit_small", source="pixels", input_dim=3, dim=DIM, depth=DEPTH, heads=HEADS, mlp_dim=MLP_DIM)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.proj = nn.Linear(DIM, DIM)

    def forward(self, x):
        n, tokens, _ = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, HEADS, DIM // HEADS).permute(2, 0, 3, 1, 4)
        x = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(n, tokens, DIM))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(DIM, MLP_DIM)
        self.fc2 = nn.Linear(MLP_DIM, DIM)

    def forward(self, x):
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM, eps=1e-6)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(DIM, eps=1e-6)
        self.mlp = Mlp()

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(3, DIM, TOKEN_PX, TOKEN_PX)


class VisionTransformer(nn.Module):
    """uint8 [n, 256, 256, 3] -> class tokens [n, 384] of the parameters' type. The published forward pass: attention by
    torch's fused call, and positions resized beforehand, as they depend on the patch's size alone."""

    def __init__(self):
        super().__init__()
        grid = PATCH_PX // TOKEN_PX
        self.patch_embed = PatchEmbed()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, DIM))
        self.positions = nn.Parameter(torch.zeros(1, grid * grid + 1, DIM))
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(DIM, eps=1e-6)

    def forward(self, pixels):
        x = pixels.permute(0, 3, 1, 2).float() * (2 / 255) - 1  # mean and standard deviation 0.5; channels stay last
        x = self.patch_embed.proj(x.to(self.cls_token.dtype)).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        return self.norm(self.blocks(x)[:, 0])


def formula_state():
    """The program's random:gold1 by the names of the published state dict, float32."""
    grid = published_model.TRAINED_GRID
    shapes = {name: tuple(tensor.shape) for name, tensor in VisionTransformer().state_dict().items()}
    del shapes["positions"]
    shapes["pos_embed"] = (1, grid * grid + 1, DIM)
    return {name: published_model.formula_weight(SALT, name, shape).float() for name, shape in shapes.items()}


def model_of(state):
    """A VisionTransformer from a state dict as formula_state() gives it."""
    side = PATCH_PX // TOKEN_PX
    state = dict(state)
    trained = state.pop("pos_embed").double()
    scale = (side + 0.1) / published_model.TRAINED_GRID
    grid = trained[:, 1:].reshape(1, published_model.TRAINED_GRID, published_model.TRAINED_GRID, DIM).permute(0, 3, 1, 2)
    grid = functional.interpolate(grid, scale_factor=(scale, scale), mode="bicubic", recompute_scale_factor=False)
    state["positions"] = torch.cat([trained[:, :1], grid.flatten(2).transpose(1, 2)], dim=1).float()
    model = VisionTransformer()
    model.load_state_dict(state)
    return model.eval().requires_grad_(False)


def reference_features(patches):
    """Float64 class tokens of uint8 [n, 256, 256, 3] by the interop tests' twin of the published model."""
    twin = published_model.Model(CONFIG, SALT)
    pixels = torch.from_numpy(patches).permute(0, 3, 1, 2)
    return torch.cat([twin(part.double()) for part in pixels.split(16)])

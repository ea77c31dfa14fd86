#!/usr/bin/env python3
"""train.py [--slides 200 --regions 30 --epochs 20 --prop 1 --unfrozen]: one fold of hipt_lgp on a made cohort, by `hipt
subtype` and by the published loop in PyTorch: a DataLoader, one slide a step, and every region through ViT-4096 in each
epoch, frozen or not. Both start from the same weights and see the same slides in the same order, without dropout, and the
losses are compared. The loop's epochs take the same time each: --peer_epochs of them are measured, the rest is said to be
extrapolated. Needs $HIPT_PROGRAM (build/hipt with hipt-train beside it); run by bench/peers/run --train."""

import argparse
import bisect
import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

ROOT = pathlib.Path(__file__).parents[2]
PATCHES, WIDTH, DIM, HEADS, DEPTH, CLASSES = 256, 384, 192, 6, 6, 2
SIDE, TRAINED_SIDE = 16, 14
ACCUMULATED = 32  # the published loop divides the loss by it and steps after each slide all the same
SEED = 1


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


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM, eps=1e-6)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(DIM, eps=1e-6)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(DIM, 4 * DIM)
        self.mlp.fc2 = nn.Linear(4 * DIM, DIM)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(functional.gelu(self.mlp.fc1(self.norm2(x))))


class Vit4096(nn.Module):
    """[M, 256, 384] -> [M, 192]."""

    def __init__(self):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, DIM))
        self.pos_embed = nn.Parameter(torch.zeros(1, TRAINED_SIDE**2 + 1, DIM))
        self.phi = nn.Sequential(nn.Linear(WIDTH, DIM), nn.GELU())
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(DIM, eps=1e-6)

    def positions(self):
        scale = (SIDE + 0.1) / TRAINED_SIDE
        grid = self.pos_embed[:, 1:].reshape(1, TRAINED_SIDE, TRAINED_SIDE, DIM).permute(0, 3, 1, 2)
        grid = functional.interpolate(grid, scale_factor=(scale, scale), mode="bicubic", recompute_scale_factor=False)
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)

    def forward(self, regions):
        x = self.phi(regions)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.positions()
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]


class GatedAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_a = nn.Sequential(nn.Linear(DIM, DIM), nn.Tanh())
        self.attention_b = nn.Sequential(nn.Linear(DIM, DIM), nn.Sigmoid())
        self.attention_c = nn.Linear(DIM, 1)

    def forward(self, x):
        return self.attention_c(self.attention_a(x) * self.attention_b(x)).T


class HiptLgp(nn.Module):
    def __init__(self):
        super().__init__()
        self.local_vit = Vit4096()
        self.global_phi = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU())
        self.global_transformer = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(DIM, 3, DIM, dropout=0.0, activation="relu"), 2, enable_nested_tensor=False)
        self.global_attn_pool = GatedAttention()
        self.global_rho = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU())
        self.classifier = nn.Linear(DIM, CLASSES)

    def forward(self, regions):
        x = self.global_phi(self.local_vit(regions))
        x = self.global_transformer(x.unsqueeze(1)).squeeze(1)
        pooled = torch.softmax(self.global_attn_pool(x), dim=1) @ x
        return self.classifier(self.global_rho(pooled))


class Bags(torch.utils.data.Dataset):
    def __init__(self, folder, slides):
        self.folder, self.slides = folder, slides

    def __len__(self):
        return len(self.slides)

    def __getitem__(self, index):
        name, label = self.slides[index]
        return torch.load(self.folder / f"{name}.pt", weights_only=True), label


def loader(folder, slides, order=None):
    return torch.utils.data.DataLoader(Bags(folder, slides), sampler=order, batch_size=None, num_workers=4)


def evaluate(model, bags):
    model.eval()
    with torch.no_grad():
        return sum(functional.cross_entropy(model(bag), torch.tensor([label])).item() for bag, label in bags) / len(bags)


def published_loop(initial, folder, parts, orders, frozen):
    """Mean training loss of each epoch, the seconds of each, and those of the evaluation at the end."""
    model = HiptLgp()
    model.load_state_dict(initial)
    if frozen:
        model.local_vit.requires_grad_(False)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-4, weight_decay=1e-5)
    losses, seconds = [], []
    for order in orders:
        begin = time.monotonic()
        model.train()
        total = 0.0
        for bag, label in loader(folder, parts["train"], order):
            loss = functional.cross_entropy(model(bag), torch.tensor([label]))
            total += loss.item()
            (loss / ACCUMULATED).backward()
            optimiser.step()
            optimiser.zero_grad()
        losses.append(total / len(order))
        evaluate(model, loader(folder, parts["val"]))
        seconds.append(time.monotonic() - begin)
    begin = time.monotonic()
    evaluate(model, loader(folder, parts["val"]))
    evaluate(model, loader(folder, parts["test"]))
    return losses, seconds, time.monotonic() - begin


def seeded_words(seeds):
    """64-bit words of C++'s std::mt19937_64 seeded by std::seed_seq: what `hipt subtype` draws each epoch's order with."""
    mask32, mask64, size = 2**32 - 1, 2**64 - 1, 624
    v, p = [0x8B8B8B8B] * size, (size - 11) // 2
    q = p + 11

    def mixed(x):
        return x ^ (x >> 27)

    for k in range(size):
        a = 1664525 * mixed(v[k] ^ v[(k + p) % size] ^ v[k - 1]) & mask32
        b = (a + (len(seeds) if k == 0 else k + (seeds[k - 1] if k <= len(seeds) else 0))) & mask32
        v[(k + p) % size] = (v[(k + p) % size] + a) & mask32
        v[(k + q) % size] = (v[(k + q) % size] + b) & mask32
        v[k] = b
    for k in range(size):
        a = 1566083941 * mixed((v[k] + v[(k + p) % size] + v[k - 1]) & mask32) & mask32
        b = (a - k) & mask32
        v[(k + p) % size] ^= a
        v[(k + q) % size] ^= b
        v[k] = b
    state = [v[2 * i] | v[2 * i + 1] << 32 for i in range(312)]
    while True:
        for i in range(312):
            y = (state[i] & ~(2**31 - 1) & mask64) | (state[(i + 1) % 312] & (2**31 - 1))
            state[i] = state[(i + 156) % 312] ^ (y >> 1) ^ (0xB5026F5AA96619E9 if y & 1 else 0)
        for y in list(state):
            y ^= (y >> 29) & 0x5555555555555555
            y ^= (y << 17) & 0x71D67FFFEDA60000
            y ^= (y << 37) & 0xFFF7EEE000000000
            yield y ^ (y >> 43)


def weighted_order(train, epoch):
    """Places in `train`, drawn with replacement, each class as often as the other."""
    labels = [label for _, label in train]
    sums = np.cumsum([len(labels) / labels.count(label) for label in labels]).tolist()
    words = seeded_words([SEED, epoch])
    return [min(bisect.bisect_right(sums, (next(words) >> 11) * 2.0**-53 * sums[-1]), len(sums) - 1) for _ in labels]


def write_csv(file, rows):
    with open(file, "w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


def make_cohort(folder, slides, regions):
    """Bags by a seed, with a class signal; a tenth of the slides each for validation and test. (slide, label) by part."""
    (folder / "bags").mkdir()
    (folder / "splits").mkdir()
    random = torch.Generator().manual_seed(SEED)
    names = [(f"S{i:04}", i % CLASSES) for i in range(slides)]
    for name, label in names:
        bag = torch.randn(regions, PATCHES, WIDTH, generator=random)
        bag[:, :, :8] += 0.5 * label
        torch.save(bag, folder / f"bags/{name}.pt")
    tenth = max(CLASSES, slides // 10)
    parts = {"train": names[: slides - 2 * tenth], "val": names[slides - 2 * tenth : slides - tenth],
             "test": names[slides - tenth :]}
    write_csv(folder / "task.csv", [["kind", "class"], ["A", 0], ["B", 1]])
    write_csv(folder / "slides.csv", [["case_id", "slide_id", "kind"]] + [[n, n, "AB"[label]] for n, label in names])
    columns = [[name for name, _ in parts[part]] for part in ("train", "val", "test")]
    rows = [[i] + [column[i] if i < len(column) else "" for column in columns] for i in range(len(columns[0]))]
    write_csv(folder / "splits/splits_0.csv", [["", "train", "val", "test"]] + rows)
    return parts


def hipt_subtype(folder, results, arguments, more):
    """Seconds, the fold's folder."""
    command = [os.environ["HIPT_PROGRAM"], "subtype", "--task", folder / "task.csv", "--csv_path", folder / "slides.csv",
               "--split_dir", folder / "splits", "--bags", folder / "bags", "--results_dir", folder / results,
               "--model_type", "hipt_lgp", "--seed", SEED, "--k", 10, "--k_start", 0, "--k_end", 1, "--no_drop_out",
               "--prop", arguments.prop, "--quiet", *([] if arguments.unfrozen else ["--freeze_4k"]), *more]
    begin = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begin
    (fold,) = (folder / results).rglob("fold_0.json")
    return seconds, fold.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slides", type=int, default=200)
    parser.add_argument("--regions", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--peer_epochs", type=int, default=1, help="measured of the published loop")
    parser.add_argument("--prop", type=float, default=1.0, help="part of the training slides")
    parser.add_argument("--unfrozen", action="store_true", help="train ViT-4096 too")
    arguments = parser.parse_args()
    if not os.environ.get("HIPT_PROGRAM"):
        sys.exit("train.py: HIPT_PROGRAM does not name the program hipt")
    peer_epochs = min(arguments.peer_epochs, arguments.epochs)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        parts = make_cohort(folder, arguments.slides, arguments.regions)
        # A run that cannot move gives the weights that ours starts from.
        _, start = hipt_subtype(folder, "start", arguments, ["--max_epochs", 1, "--lr", 0, "--cache_dir", folder / "start"])
        initial = torch.load(start / "s_0_checkpoint.pt", weights_only=True)
        ours, results = hipt_subtype(folder, "results", arguments, ["--max_epochs", arguments.epochs])
        epochs = json.loads((results / "fold_0.json").read_text(encoding="utf-8"))["epochs"]

        train = parts["train"]
        if arguments.prop < 1:
            rows = np.random.RandomState(SEED).permutation(len(train))[: round(arguments.prop * len(train))]
            train = [train[row] for row in rows]
        orders = [weighted_order(train, epoch) for epoch in range(peer_epochs)]
        losses, seconds, last = published_loop(
            initial, folder / "bags", {**parts, "train": train}, orders, not arguments.unfrozen)
    theirs = sum(seconds) / peer_epochs * arguments.epochs + last
    worst = max(abs(epochs[i]["train/loss"] - loss) for i, loss in enumerate(losses))
    if not math.isfinite(worst) or worst > 1e-3:
        sys.exit(f"train.py: the losses differ by {worst}: {[epoch['train/loss'] for epoch in epochs]}, {losses}")
    kind = "unfrozen" if arguments.unfrozen else "frozen"
    said = "" if peer_epochs == arguments.epochs else f", of {peer_epochs} measured"
    print(f"hipt_lgp, ViT-4096 {kind}, {arguments.slides} slides x {arguments.regions} regions, prop {arguments.prop}, "
          f"{arguments.epochs} epochs, {len(os.sched_getaffinity(0))} cores, torch {torch.__version__}\n\n"
          f"| | seconds | |\n|---|---|---|\n"
          f"| published loop in PyTorch | {theirs:.1f} | {arguments.epochs} epochs{said} |\n"
          f"| hipt subtype, everything included | {ours:.1f} | {theirs / ours:.1f} times as fast |\n\n"
          f"Training losses of the first {peer_epochs} epochs: worst difference {worst:.1e}")


if __name__ == "__main__":
    main()

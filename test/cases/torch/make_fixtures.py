#!/usr/bin/env python3
"""Makes the files of this folder with torch itself (needs torch 2.13, safetensors 0.8 and numpy): run it here. expected.json holds what
torch.load reads from each of them: dtype, shape and first values of every tensor by its path."""
import argparse
import collections
import io
import json
import pathlib
import pickle
import struct
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent


# Weights by formula (docs/parity.md).
def words(salt, name, count):
    seed = 0xCBF29CE484222325
    for byte in f"{salt}:{name}".encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def weight(salt, name, shape):
    last = name.rsplit(".", 1)[-1]
    center = 1.0 if len(shape) == 1 and last == "weight" else 0.0
    if last == "cls_token": scale = 0.05
    elif last == "pos_embed": scale = 0.2
    elif len(shape) == 1: scale = 0.1 if last == "weight" else 0.05
    else: scale = (3.0 / (int(np.prod(shape)) / shape[0])) ** 0.5
    u = (words(salt, name, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) / 2.0**24
    return torch.from_numpy((center + scale * (2.0 * u - 1.0)).astype(np.float32).reshape(shape))


# A ViT small enough for the repository: token 4 px, dim 8, one block of 2 heads, MLP 16, trained for a 2 x 2 grid.
BACKBONE = {
    "cls_token": (1, 1, 8), "pos_embed": (1, 5, 8), "patch_embed.proj.weight": (8, 3, 4, 4), "patch_embed.proj.bias": (8,),
    "blocks.0.norm1.weight": (8,), "blocks.0.norm1.bias": (8,), "blocks.0.attn.qkv.weight": (24, 8),
    "blocks.0.attn.qkv.bias": (24,), "blocks.0.attn.proj.weight": (8, 8), "blocks.0.attn.proj.bias": (8,),
    "blocks.0.norm2.weight": (8,), "blocks.0.norm2.bias": (8,), "blocks.0.mlp.fc1.weight": (16, 8),
    "blocks.0.mlp.fc1.bias": (16,), "blocks.0.mlp.fc2.weight": (8, 16), "blocks.0.mlp.fc2.bias": (8,),
    "norm.weight": (8,), "norm.bias": (8,),
}  # fmt: skip


def state_dict(salt, prefix=""):
    return collections.OrderedDict((prefix + name, weight(salt, name, shape)) for name, shape in BACKBONE.items())


def dino_checkpoint(teacher_prefix):
    teacher = state_dict("gold1", teacher_prefix + "backbone.")
    teacher[teacher_prefix + "head.mlp.0.weight"] = torch.ones(4, 8)
    student = state_dict("gold1/student", "module.backbone.")
    parameters = [torch.nn.Parameter(tensor) for tensor in student.values()]
    optimizer = torch.optim.AdamW(parameters, lr=5e-4)
    for parameter in parameters[:3]: parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return dict(student=student, teacher=teacher, optimizer=optimizer.state_dict(), epoch=3,
                args=argparse.Namespace(arch="vit_small", lr=5e-4, global_crops_scale=(0.4, 1.0), data_path="x"),
                dino_loss=collections.OrderedDict(center=torch.zeros(1, 4)), fp16_scaler=dict(scale=65536.0, _growth_tracker=17))


class Subclass(torch.Tensor):
    pass


def many_kinds():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    parameter = torch.nn.Parameter(torch.tensor([1.5, -2.5]))
    attributed = torch.nn.Parameter(torch.tensor([3.0]))
    attributed.note = "kept by torch, dropped by us"
    return collections.OrderedDict(
        float32=torch.tensor([1.0, -0.0, 3.4e38, 1e-45]), float64=torch.tensor([1 / 3, -1e300], dtype=torch.float64),
        float16=torch.tensor([1.5, -65504.0, 6e-8], dtype=torch.float16),
        bfloat16=torch.tensor([1.5, -3e38, 1e-40], dtype=torch.bfloat16), bool=torch.tensor([True, False, True]),
        uint8=torch.tensor([0, 255], dtype=torch.uint8), int8=torch.tensor([-128, 127], dtype=torch.int8),
        int16=torch.tensor([-32768, 32767], dtype=torch.int16), int32=torch.tensor([-2**31, 2**31 - 1], dtype=torch.int32),
        int64=torch.tensor([-2**53, 2**53]), scalar=torch.tensor(7.25), empty=torch.zeros(0, 3), whole=base,
        transposed=base.t(), part=base[1:3, 2:5], every_second=base[::2, 1::2], offset=base.view(-1)[5:], permuted=base.view(2, 3, 4).permute(2, 0, 1),
        expanded=torch.tensor([[1.0], [2.0]]).expand(2, 3), strided_bool=torch.tensor([[True, False], [True, True]]).t(),
        parameter=parameter, attributed=attributed, complex=torch.tensor([1 + 2j]),
        nested=[1, (2.5, None, {"deep": [torch.tensor([9])]}), True, torch.Size([2, 3])],
        text="Gewebe µm", big=2**70, negative=-5, large=-2**40, some_set={1}, default=collections.defaultdict(list, a=1),
        device=torch.device("cpu"), dtype=torch.float32, raw=b"bytes", numpy=np.float64(2.0),
    )  # fmt: skip


def big_endian(source, target):
    """The zip file `source` as a big-endian machine would have written it."""
    sizes = {}

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, pid):
            sizes[pid[2]] = torch._utils._element_size(pid[1].dtype) if pid[1] is not torch.UntypedStorage else 1
            complex_half = 4 if pid[1].dtype in (torch.complex64,) else 0
            sizes[pid[2]] = complex_half or sizes[pid[2]]
            return torch.storage.TypedStorage(pid[4], dtype=pid[1].dtype)

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        folder = old.namelist()[0].split("/")[0]
        Unpickler(io.BytesIO(old.read(folder + "/data.pkl"))).load()
        for name in old.namelist():
            data = old.read(name)
            key = name.split("/")[-1]
            if name.endswith("/byteorder"): data = b"big"
            elif "/data/" in name: data = np.frombuffer(data, np.uint8).reshape(-1, sizes[key])[:, ::-1].tobytes()
            new.writestr(zipfile.ZipInfo(name), data)


def legacy_with_view(path):
    """Storages that are parts of another, as torch 0.4 wrote them: id (..., root key, device, elements, (key, first, elements))."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, tuple) and len(obj) == 6 and obj[0] == "storage": return obj
            return None

    class Call:
        def __init__(self, function, *arguments): self.call = (function, arguments)
        def __reduce__(self): return self.call

    def tensor(view, offset, size):
        storage = ("storage", torch.FloatStorage, "11", "cpu", 10, view)
        return Call(torch._utils._rebuild_tensor, storage, offset, (size,), (1,))

    with open(path, "wb") as f:
        for head in (0x1950A86A20F9469CFC6C, 1001, dict(protocol_version=1001, little_endian=False, type_sizes=dict(short=2, int=4, long=4))):
            pickle.dump(head, f, protocol=2)
        Pickler(f, protocol=2).dump({"root": tensor(None, 0, 10), "view": tensor(("12", 4, 5), 1, 4)})
        pickle.dump(["11"], f, protocol=2)
        f.write(struct.pack("<q", 10) + np.arange(10, dtype="<f4").tobytes())


def listed(value, path, out):
    if isinstance(value, torch.Tensor):
        if value.is_complex(): return
        flat = value.detach().reshape(-1).to(torch.float64) if value.is_floating_point() else value.detach().reshape(-1)
        out[path] = dict(dtype=str(value.dtype).removeprefix("torch."), shape=list(value.shape), first_values=[float(x) for x in flat[:24].tolist()])
    elif isinstance(value, dict):
        for key, item in value.items(): listed(item, f"{path}/{key}" if path else str(key), out)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value): listed(item, f"{path}/{i}", out)


def main():
    torch.manual_seed(0)
    small = {"w": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "epoch": 7}
    for name, value, options in [
        ("dino_zip.pth", dino_checkpoint(""), {}),
        ("dino_legacy.pth", dino_checkpoint("module."), dict(_use_new_zipfile_serialization=False)),
        ("bare.pth", state_dict("gold1"), {}),
        ("kinds_zip.pt", many_kinds(), {}),
        ("kinds_legacy.pt", many_kinds(), dict(_use_new_zipfile_serialization=False)),
        ("protocol3.pt", small, dict(pickle_protocol=3)), ("protocol4.pt", small, dict(pickle_protocol=4)),
        ("protocol5.pt", small, dict(pickle_protocol=5)),
        ("untyped.pt", {"uint16": torch.tensor([1, 65535], dtype=torch.uint16), "storage": small["w"].untyped_storage()}, {}),
    ]:  # fmt: skip
        torch.save(value, HERE / name, **options)
    big_endian(HERE / "kinds_zip.pt", HERE / "kinds_big_endian.pt")
    legacy_with_view(HERE / "views_legacy.pt")
    with zipfile.ZipFile(HERE / "protocol3.pt") as old, zipfile.ZipFile(HERE / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist(): new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    save_file({"float32": torch.arange(6, dtype=torch.float32).reshape(2, 3), "bfloat16": torch.tensor([1.0, -0.5], dtype=torch.bfloat16),
               "bool": torch.tensor([False, True, True]), "int64": torch.tensor(-7)}, HERE / "small.safetensors", metadata={"format": "pt"})
    save_file(dict(state_dict("gold1")), HERE / "bare.safetensors")

    expected = {}
    for file in sorted(HERE.glob("*.p*t*")):
        if file.suffix not in (".pt", ".pth"): continue
        listed(torch.load(file, weights_only=False), "", expected.setdefault(file.name, {}))
        print(file.name, file.stat().st_size, "bytes,", len(expected[file.name]), "tensors")
    rows = [f"{json.dumps(name)}: {{\n" + ",\n".join(f"{json.dumps(path)}: {json.dumps(value)}" for path, value in tensors.items()) + "\n}"
            for name, tensors in expected.items()]
    (HERE / "expected.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()

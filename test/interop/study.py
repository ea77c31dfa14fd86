"""A study's folder read as its users do: h5py as CLAM and TRIDENT read coordinates and features, torch.load for bags."""

import json
import pathlib
import struct
import zipfile
import zlib

import h5py
import numpy as np
import torch

PATCH_FEATURES = "vits_tcga_pancancer_dino_pt_patch_features"
REGION_FEATURES = "vit4k_xs_dino_pt_region_features"
SLIDE_FEATURES = "vit4k_xs_dino_pt_slide_features"


def clam_coordinates(folder, slide):
    """Coordinates and the two numbers that CLAM's bag reader takes from them."""
    with h5py.File(pathlib.Path(folder, "patches", f"{slide}.h5"), "r") as file:
        coords = file["coords"]
        return coords[:], int(coords.attrs["patch_level"]), int(coords.attrs["patch_size"])


def attributes(file, name):
    with h5py.File(file, "r") as opened:
        return dict(opened[name].attrs)


def features(folder, kind, slide):
    """The tensor of the .pt after comparing it with the .h5 beside it; coords of the .h5."""
    base = pathlib.Path(folder, kind, slide)
    tensor = torch.load(f"{base}.pt", weights_only=True)
    assert isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float32 and tensor.is_contiguous()
    with h5py.File(f"{base}.h5", "r") as file:
        assert file["features"].dtype == np.float32
        assert file["coords"].dtype == np.int64
        assert np.array_equal(file["features"][:], tensor.numpy())
        assert torch.isfinite(tensor).all()
        return tensor, file["coords"][:]


def fingerprints(folder, kind, slide):
    """What the .pt and the .h5 say that made them: two dictionaries of text."""
    base = pathlib.Path(folder, kind, slide)
    with zipfile.ZipFile(f"{base}.pt") as archive:
        names = [name for name in archive.namelist() if name.endswith("/hipt.json")]
        assert len(names) == 1
        of_pt = json.loads(archive.read(names[0]))
    with h5py.File(f"{base}.h5", "r") as file:
        of_h5 = json.loads(file.attrs["hipt_fingerprint"])
    return of_pt, of_h5


def write_png(file, picture):
    """An 8-bit RGB PNG from uint8 [height, width, 3]."""
    height, width, _ = picture.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    pathlib.Path(file).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
        chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def tissue_picture(width=1560, height=1150):
    """White glass with one ellipse of noisy pink tissue that reaches the right border; no two patches are alike."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[:height, :width]
    inside = ((x - 0.62 * width) / (0.5 * width)) ** 2 + ((y - 0.5 * height) / (0.44 * height)) ** 2 < 1
    picture = np.full((height, width, 3), 244, np.uint8)
    tissue = np.stack([200 - 40 * x // width, 90 + 60 * y // height, 170 - 30 * (x + y) // (width + height)], axis=-1)
    picture[inside] = (tissue + random.integers(-30, 30, tissue.shape))[inside]
    return picture


def patch_pixels(picture, corner, side):
    """[side, side, 3] from (x, y); black outside the picture."""
    x, y = (int(value) for value in corner)
    part = picture[max(y, 0):max(y + side, 0), max(x, 0):max(x + side, 0)]
    result = np.zeros((side, side, 3), np.uint8)
    top, left = max(-y, 0), max(-x, 0)
    result[top:top + part.shape[0], left:left + part.shape[1]] = part
    return result

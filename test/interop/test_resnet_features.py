"""`hipt encode --model resnet50_trunc` against torch: a state dict saved by torch.save, CLAM's resizing by Pillow."""

import numpy as np
import PIL.Image
import torch
from torch.nn import functional

import study

FOLDER = "resnet50_trunc_pt_patch_features"
TOLERANCE = 2e-6  # float32 against float64, of the largest feature
STAGES = ((1, 3, 64, 1), (2, 4, 128, 2), (3, 6, 256, 2))  # number, blocks, width, stride of the first block
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def layers():
    """(convolution, batch norm, out, in, kernel) with torchvision's names."""
    yield "conv1", "bn1", 64, 3, 7
    channels = 64
    for stage, blocks, width, _ in STAGES:
        for block in range(blocks):
            name = f"layer{stage}.{block}."
            yield name + "conv1", name + "bn1", width, channels, 1
            yield name + "conv2", name + "bn2", width, width, 3
            yield name + "conv3", name + "bn3", 4 * width, width, 1
            if block == 0:
                yield name + "downsample.0", name + "downsample.1", 4 * width, channels, 1
            channels = 4 * width


def state_dict():
    """Seeded weights with everything that torchvision's file has, the parts that are cut off too."""
    generator = torch.Generator().manual_seed(3)
    state = {}
    for convolution, norm, out, channels, kernel in layers():
        scale = (2.0 / (channels * kernel * kernel)) ** 0.5
        state[convolution + ".weight"] = torch.randn(out, channels, kernel, kernel, generator=generator) * scale
        gain = 0.2 if norm.endswith("bn3") else 1.0  # keeps the sum of the blocks from growing
        state[norm + ".weight"] = gain + 0.1 * torch.randn(out, generator=generator)
        state[norm + ".bias"] = 0.1 * torch.randn(out, generator=generator)
        state[norm + ".running_mean"] = 0.1 * torch.randn(out, generator=generator)
        state[norm + ".running_var"] = 0.5 + torch.rand(out, generator=generator)
        state[norm + ".num_batches_tracked"] = torch.tensor(7)
    state["layer4.0.conv1.weight"] = torch.zeros(4)
    state["fc.weight"] = torch.zeros(1000, 8)
    return state


def network(state, patches):
    """The features of uint8 [n, side, side, 3], in float64."""
    state = {name: tensor.double() for name, tensor in state.items()}

    def layer(x, convolution, norm, stride=1):
        kernel = state[convolution + ".weight"]
        x = functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        return functional.batch_norm(x, state[norm + ".running_mean"], state[norm + ".running_var"],
                                     state[norm + ".weight"], state[norm + ".bias"], eps=1e-5)

    x = torch.from_numpy(patches).double().permute(0, 3, 1, 2) / 255
    x = (x - torch.tensor(MEAN).double().view(3, 1, 1)) / torch.tensor(STD).double().view(3, 1, 1)
    x = functional.max_pool2d(layer(x, "conv1", "bn1", 2).relu(), 3, 2, 1)
    for stage, blocks, _, first_stride in STAGES:
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}.", first_stride if block == 0 else 1
            inner = layer(x, name + "conv1", name + "bn1").relu()
            inner = layer(inner, name + "conv2", name + "bn2", stride).relu()
            shortcut = layer(x, name + "downsample.0", name + "downsample.1", stride) if block == 0 else x
            x = (layer(inner, name + "conv3", name + "bn3") + shortcut).relu()
    return x.mean(dim=(2, 3))


def test_rows_are_those_of_torch(hipt, tmp_path):
    """Patches of 256 px as they are, and resized to 224 as CLAM's script does."""
    state = state_dict()
    torch.save(state, tmp_path / "resnet50.pth")
    picture = study.tissue_picture()
    study.write_png(tmp_path / "made.png", picture)
    for out, target in (("as_they_are", None), ("resized", 224)):
        resizing = [] if target is None else ["--target_patch_size", target]
        hipt("encode", tmp_path / "made.png", "--save_dir", tmp_path / out, "--preset", "bwh_biopsy", "--patch_level", 0,
             "--step_size", 512, "--model", "resnet50_trunc", "--weights_resnet", tmp_path / "resnet50.pth", *resizing)
        coords, _, size = study.clam_coordinates(tmp_path / out, "made")
        features, feature_coords = study.features(tmp_path / out, FOLDER, "made")
        assert features.shape == (len(coords), 1024) and len(coords) > 3
        assert np.array_equal(coords, feature_coords)
        patches = [PIL.Image.fromarray(study.patch_pixels(picture, corner, size)) for corner in coords]
        if target is not None:
            patches = [patch.resize((target, target), PIL.Image.Resampling.BILINEAR) for patch in patches]
        expected = network(state, np.stack([np.asarray(patch) for patch in patches]))
        worst = ((features - expected).abs().max() / expected.abs().max()).item()
        print(f"{out}: worst difference to torch {worst:.3g} of {expected.abs().max():.3g} (tolerance {TOLERANCE:.3g})")
        assert worst <= TOLERANCE
        of_pt, of_h5 = study.fingerprints(tmp_path / out, FOLDER, "made")
        assert of_pt == of_h5


def test_slide_without_tissue_opens(hipt, tmp_path):
    """A bag of no patches is a tensor of no rows."""
    study.write_png(tmp_path / "glass.png", np.full((700, 700, 3), 244, np.uint8))
    hipt("encode", tmp_path / "glass.png", "--save_dir", tmp_path / "out", "--preset", "bwh_biopsy", "--patch_level", 0,
         "--model", "resnet50_trunc", "--weights_resnet", "random:x")
    features, coords = study.features(tmp_path / "out", FOLDER, "glass")
    assert features.shape == (0, 1024) and coords.shape == (0, 2)


def test_pretraining_folders(hipt, tiny_models, tmp_path):
    """What main_dino256.py and main_dino4k.py read: pictures by Pillow, [patches, dim] by torch.load."""
    slides = tmp_path / "root" / "tcga_x" / "WSIs"
    slides.mkdir(parents=True)
    picture = study.tissue_picture()
    study.write_png(slides / "made.png", picture)
    folder = tmp_path / "root" / "tcga_x" / "extracted_mag20x_patch512_fp"
    hipt("encode", slides / "made.png", "--save_dir", folder, "--preset", "bwh_biopsy", "--patch_level", 0, "--patch_size", 512,
         *tiny_models)
    regions, _ = study.features(folder, study.PATCH_FEATURES, "made")
    coords, _, _ = study.clam_coordinates(folder, "made")
    assert len(regions) > 1
    for what in ("patches", "regions"):
        hipt("organise", what, tmp_path / "root", "--save_dir", tmp_path / "out", "--patch_size", 512)
    for number, region in enumerate(regions, 1):
        tensor = torch.load(tmp_path / "out" / "region_4096_pretraining" / f"made_{number}.pt", weights_only=True)
        assert tensor.dtype == torch.float32 and torch.equal(tensor, region)
    for x, y in coords:
        for corner in ((x, y), (x + 256, y), (x, y + 256), (x + 256, y + 256)):
            file = tmp_path / "out" / "patch_256_pretraining" / f"made_{corner[0]}_{corner[1]}.png"
            assert np.array_equal(np.asarray(PIL.Image.open(file)), study.patch_pixels(picture, corner, 256))

"""What the contestants share, in FOLDER: prepare.py SLIDE FOLDER PATCHES writes patches, weights, exported models and the
reference features (float64)."""

import contextlib
import hashlib
import logging
import os
import pathlib
import sys

import numpy as np


def tissue_patches(file, count):
    """`count` patches for measurements and as many others for calibration, uint8 [n, 256, 256, 3], spread over those of
    the slide that are not mostly glass (mean saturation above 15)."""
    import openslide

    slide = openslide.OpenSlide(file)
    width, height = slide.dimensions
    tissue = []
    for y in range(0, height - 255, 256):
        for x in range(0, width - 255, 256):
            pixels = np.asarray(slide.read_region((x, y), 0, (256, 256)).convert("RGB"))
            if (pixels.max(axis=2).astype(int) - pixels.min(axis=2)).mean() > 15:
                tissue.append(pixels)
    if len(tissue) < 2 * count:
        sys.exit(f"{file}: {len(tissue)} patches of tissue, {2 * count} are needed: take fewer by --patches")
    chosen = [tissue[i * len(tissue) // (2 * count)] for i in range(2 * count)]
    return np.stack(chosen[::2]), np.stack(chosen[1::2])


def has_vnni():
    flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return "avx512_vnni" in flags or "avx_vnni" in flags


def export_onnx(network, folder):
    """f32, and int8 by dynamic quantisation: weights a scale for each channel. Without VNNI the kernels add pairs of
    products in 16 bits, which overflow unless weights keep to 7 bits."""
    import torch
    from onnxruntime.quantization import QuantType, quant_pre_process, quantize_dynamic

    example = torch.zeros(2, 256, 256, 3, dtype=torch.uint8)
    torch.onnx.export(network, (example,), folder / "model.onnx", input_names=["pixels"], output_names=["features"],
                      dynamic_axes={"pixels": {0: "n"}, "features": {0: "n"}}, opset_version=20, dynamo=False)
    quant_pre_process(folder / "model.onnx", folder / "model-shapes.onnx", skip_symbolic_shape=True)
    quantize_dynamic(folder / "model-shapes.onnx", folder / "model-int8.onnx", op_types_to_quantize=["MatMul", "Gemm"],
                     per_channel=True, weight_type=QuantType.QInt8, reduce_range=not has_vnni())


def export_openvino(network, folder, calibration):
    """f32, and int8 by NNCF's quantisation after training for transformers, calibrated on patches of the same slide."""
    import nncf
    import openvino
    import torch

    example = torch.zeros(1, 256, 256, 3, dtype=torch.uint8)
    converted = openvino.convert_model(network, example_input=example, input=[-1, 256, 256, 3])
    openvino.save_model(converted, folder / "openvino.xml", compress_to_fp16=False)
    dataset = nncf.Dataset([patch[None] for patch in calibration])
    quantized = nncf.quantize(converted, dataset, subset_size=len(calibration), model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(quantized, folder / "openvino-int8.xml", compress_to_fp16=False)


def prepare(slide, folder, count):
    import model
    import torch
    from safetensors.torch import save_file

    patches, calibration = tissue_patches(slide, count)
    here = pathlib.Path(__file__).parent
    stamp = hashlib.sha256(patches.tobytes() + calibration.tobytes())
    for file in (here / "prepare.py", here / "model.py", here / "run"):  # run: versions
        stamp.update(file.read_bytes())
    if (folder / "stamp").is_file() and (folder / "stamp").read_text(encoding="utf-8") == stamp.hexdigest():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stamp").unlink(missing_ok=True)
    patches.tofile(folder / "patches.u8")
    state = model.formula_state()
    save_file(state, folder / "weights.safetensors")
    network = model.model_of(state)
    with torch.no_grad():
        export_onnx(network, folder)
        export_openvino(network, folder, calibration)
        model.reference_features(patches).numpy().tofile(folder / "reference.f64")
    (folder / "stamp").write_text(stamp.hexdigest(), encoding="utf-8")


def main():
    slide, folder, count = sys.argv[1:]
    os.environ["CI"] = "true"  # so that OpenVINO's tools send no statistics
    logging.disable(logging.WARNING)
    with contextlib.redirect_stdout(sys.stderr):
        prepare(slide, pathlib.Path(folder), int(count))


if __name__ == "__main__":
    main()

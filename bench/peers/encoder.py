"""One peer that encodes patches: encoder.py PEER PRECISION FOLDER THREADS STREAMS BATCH (see contestant.py).

Streams run at the same time, each on THREADS / STREAMS threads and on BATCH patches a call. compare.py finds the
setting that is fastest for each peer on the machine.
"""

import pathlib
import sys
import time

import numpy as np

import contestant

PATCH_PX = 256


def require_bf16():
    flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if "avx512_bf16" not in flags and "amx_bf16" not in flags:
        sys.exit("the processor has no bf16 products")  # torch would emulate them, many times slower than f32


def torch_encoder(folder, precision, threads, batch, compiled):
    """Inference mode, channels last; compiled: Inductor with frozen weights (packed for oneDNN), static shapes."""
    if precision == "bf16":
        require_bf16()
    import torch
    from safetensors.torch import load_file

    import model

    torch.set_num_threads(threads)
    network = model.model_of(load_file(folder / "weights.safetensors"))
    network = network.to(torch.bfloat16 if precision == "bf16" else torch.float32, memory_format=torch.channels_last)
    if compiled:
        torch._inductor.config.freezing = True
        network = torch.compile(network, dynamic=False)
        with torch.no_grad():  # Inductor packs weights only without gradients; not in inference mode
            network(torch.zeros(batch, PATCH_PX, PATCH_PX, 3, dtype=torch.uint8))
    guard = torch.no_grad if compiled else torch.inference_mode

    def encode(patches):
        with guard():
            return network(torch.from_numpy(patches)).float().numpy()

    return lambda: encode


def onnx_encoder(folder, precision, threads):
    """All graph optimisations; the int8 file is quantised dynamically (prepare.py)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    file = folder / {"f32": "model.onnx", "int8": "model-int8.onnx"}[precision]
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda: lambda patches: session.run(None, {"pixels": patches})[0]


def openvino_encoder(folder, precision, threads, streams, batch):
    """Static shapes, as many streams as asked. int8: linears quantised by NNCF (prepare.py), the rest in bf16 where the
    processor has it."""
    import openvino
    from openvino import properties
    from openvino.properties import hint

    core = openvino.Core()
    has_bf16 = "BF16" in core.get_property("CPU", properties.device.capabilities)
    if precision == "bf16" and not has_bf16:
        sys.exit("the processor has no bf16 products (OpenVINO does not list BF16)")
    network = core.read_model(folder / ("openvino-int8.xml" if precision == "int8" else "openvino.xml"))
    network.reshape([batch, PATCH_PX, PATCH_PX, 3])
    use_bf16 = has_bf16 and precision != "f32"
    compiled = core.compile_model(network, "CPU", {
        hint.performance_mode: hint.PerformanceMode.THROUGHPUT,
        hint.inference_precision: openvino.Type.bf16 if use_bf16 else openvino.Type.f32,
        properties.inference_num_threads: threads * streams,
        properties.streams.num: streams,
    })

    def make_encode():
        request = compiled.create_infer_request()
        return lambda patches: request.infer([patches], share_inputs=True)[compiled.output(0)]

    return make_encode


def main():
    peer, precision, folder, threads, streams, batch = sys.argv[1:]
    folder, streams, batch = pathlib.Path(folder), int(streams), int(batch)
    threads = int(threads) // streams
    if peer == "onnxruntime":
        make_encode = onnx_encoder(folder, precision, threads)
    elif peer == "openvino":
        make_encode = openvino_encoder(folder, precision, threads, streams, batch)
    else:
        make_encode = torch_encoder(folder, precision, threads, batch, peer == "torch-compiled")
    patches = np.fromfile(folder / "patches.u8", np.uint8).reshape(-1, PATCH_PX, PATCH_PX, 3)
    features = np.zeros((len(patches), 384), np.float32)
    calls = len(patches) // batch
    encoders = [make_encode() for _ in range(streams)]

    def make_call(stream):
        def call(i):
            part = slice(i * batch, (i + 1) * batch)
            features[part] = encoders[stream](patches[part])
        return call

    def one_pass():
        begin = time.perf_counter()
        contestant.on_threads(streams, calls, make_call)
        return time.perf_counter() - begin

    make_call(0)(0)
    contestant.answer(one_pass, features.tofile)


if __name__ == "__main__":
    main()

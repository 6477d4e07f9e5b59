"""Prints as JSON what onnxruntime was built with, and what a session of it runs on, in a process where nothing else was imported.

usage: python benchmarks/gpu/onnx_providers.py nothing | preload | torch
"""

import json
import sys
import time


def main(before: str) -> None:
    """`before` says what brings CUDA's libraries along: nothing, onnxruntime.preload_dlls (as the program does), or torch."""
    started = time.monotonic()
    if before == "torch":
        import torch  # noqa: F401, PLC0415  (what importing it does is asked)
    import onnx  # noqa: PLC0415  (after torch)
    import onnxruntime  # noqa: PLC0415

    if before == "preload":
        onnxruntime.preload_dlls()
    shape = [1, 4]
    numbers = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "small", numbers[:1], numbers[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    built = onnxruntime.get_available_providers()
    wanted = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in built]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=wanted)
    print(json.dumps({"built": built, "session": session.get_providers(), "seconds": round(time.monotonic() - started, 2)}))


if __name__ == "__main__":
    main(sys.argv[1])

"""Small networks in the formats of InsightFace's packs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
SIDE = 128  # of the faces that the detector reports
LANDMARKS = np.array([[-24, -20], [24, -20], [0, 4], [-18, 28], [18, 28]])  # around the middle of the face, in pixels


def save(path, nodes, weights, outputs, size):
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *size])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def save_detector(path):
    """Nine outputs: scores, boxes and landmarks at three strides; a white cell of 32 x 32 is the corner of a face's middle."""
    nodes, weights, outputs = [], {}, {}
    heads = {"score": (1, 0.0), "box": (4, SIDE / 2 / 32), "landmarks": (10, LANDMARKS.ravel() / 32)}
    for head, (width, values) in heads.items():
        for stride in STRIDES:
            name = f"{head}{stride}"
            look = float(head == "score" and stride == 32)  # the finer strides never see a face
            # Two anchors a cell; the second of them never answers.
            kernel = np.zeros((2 * width, 3, 1, 1), np.float32)
            kernel[:width] = look / 3
            weights[f"{name}.kernel"] = kernel
            weights[f"{name}.bias"] = np.tile(np.broadcast_to(values, width), 2).astype(np.float32)
            weights[f"{name}.shape"] = np.array([-1, width], np.int64)
            nodes += [
                helper.make_node("AveragePool", ["image"], [f"{name}.cells"], kernel_shape=[stride] * 2, strides=[stride] * 2),
                helper.make_node("Conv", [f"{name}.cells", f"{name}.kernel", f"{name}.bias"], [f"{name}.map"]),
                helper.make_node("Transpose", [f"{name}.map"], [f"{name}.last"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}.last", f"{name}.shape"], [name]),
            ]
            outputs[name] = [f"n{stride}", width]
    save(path, nodes, weights, outputs, ["height", "width"])


def save_recogniser(path, size=112):
    """Averages of squares of a fourth of the side: first of red, then of green, then of blue."""
    part = size // 4
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[part] * 2, strides=[part] * 2),
        helper.make_node("Flatten", ["cells"], ["embedding"]),
    ]
    save(path, nodes, {}, {"embedding": [1, 48]}, [size, size])

"""ONNX files of ArcFace's form with random weights, as torch's exporter writes them from InsightFace's iresnets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FULL_WIDTHS, FULL_BLOCKS = (64, 64, 128, 256, 512), (3, 4, 14, 3)  # of iresnet50


def save_arcface(
    path: Path,
    widths: Sequence[int] = (8, 8, 8, 16, 16),
    blocks: Sequence[int] = (1, 1, 2, 1),
    dimension: int = 512,
    *,
    folded: bool = True,
) -> None:
    """A residual network: widths of the stem and of its four stages, and blocks of each stage.

    With `folded`, normalisations after a convolution are parts of it, as in the published packs.
    """
    net = _Net(folded)
    x = net.conv("data", 3, widths[0], size=3, stride=1)
    x = net.prelu(x, widths[0])
    for before, after, count in zip(widths[:-1], widths[1:], blocks, strict=True):
        for i in range(count):
            x = net.block(x, after if i else before, after, stride=1 if i else 2)
    x = net.add("Flatten", [net.norm(x, widths[-1])], axis=1)
    weight, bias = net.weight((dimension, widths[-1] * 49), (widths[-1] * 49) ** -0.5), net.weight((dimension,), 0.1)
    x = net.add("Gemm", [x, weight, bias], alpha=1.0, beta=1.0, transB=1)
    x = net.norm(x, dimension)
    graph = helper.make_graph(
        net.nodes,
        "main_graph",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["None", 3, 112, 112])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, dimension])],
        net.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))


class _Net:
    def __init__(self, folded: bool) -> None:
        self.folded, self.nodes, self.weights, self._random = folded, [], [], np.random.default_rng(0)

    def weight(self, shape: tuple[int, ...], spread: float, around: float = 0.0) -> str:
        values = (around + spread * self._random.standard_normal(shape)).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def add(self, kind: str, inputs: list[str], **settings) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [f"x{len(self.nodes)}"], **settings))
        return self.nodes[-1].output[0]

    def conv(self, x: str, before: int, after: int, size: int, stride: int) -> str:
        weight = self.weight((after, before, size, size), (before * size**2) ** -0.5)
        bias = [self.weight((after,), 0.1)] if self.folded else []
        pads, sizes, strides = [size // 2] * 4, [size] * 2, [stride] * 2
        x = self.add(
            "Conv", [x, weight, *bias], dilations=[1, 1], group=1, kernel_shape=sizes, pads=pads, strides=strides
        )  # fmt: skip
        return x if self.folded else self.norm(x, after)

    def norm(self, x: str, width: int) -> str:
        gain, offset, mean = (self.weight((width,), 0.1, around) for around in (1.0, 0.0, 0.0))
        return self.add(
            "BatchNormalization", [x, gain, offset, mean, self.weight((width,), 0.05, 1.0)], epsilon=1e-5, momentum=0.9
        )

    def prelu(self, x: str, width: int) -> str:
        return self.add("PRelu", [x, self.weight((width, 1, 1), 0.05, 0.25)])

    def block(self, x: str, before: int, after: int, stride: int) -> str:
        y = self.prelu(self.conv(self.norm(x, before), before, after, size=3, stride=1), after)
        y = self.conv(y, after, after, size=3, stride=stride)
        beside = x if stride == 1 else self.conv(x, before, after, size=1, stride=stride)
        return self.add("Add", [y, beside])

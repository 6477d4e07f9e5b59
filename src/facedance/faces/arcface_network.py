"""ArcFace in torch, from a pack's own ONNX file: onnxruntime's numbers, and gradients.

InsightFace's recognisers are residual networks (iresnet50 in buffalo_l, iresnet100 in antelopev2) of six kinds of layer. The
file lists the layers in their order with what they read and what they are called, so that depth, widths, and which of the
normalisations the export has put into the convolutions before them, are the file's own.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from facedance.faces.dlib_network import sampled
from facedance.faces.onnx_pack import CHIP, read_onnx
from facedance.job import InputError

DIMENSION = 512  # of the published packs' embeddings
_PLACES = torch.tensor([
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
])  # fmt: skip
"""Where ArcFace has eyes, tip of the nose and corners of the mouth in a chip, in pixels."""


class ArcFaceNetwork(nn.Module):
    """From aligned faces (N, 3, CHIP, CHIP) in [-1, 1] to ArcFace's numbers (N, D), whose direction says who it is."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        """Raises ValueError or KeyError where the graph holds anything but the six kinds of layer."""
        super().__init__()
        weights = {weight.name: torch.tensor(numpy_helper.to_array(weight)).float() for weight in graph.initializer}
        data = [value.name for value in graph.input if value.name not in weights]
        self._reads = [[name for name in node.input if name not in weights] for node in graph.node]
        self._writes = [node.output[0] for node in graph.node]
        self._input, self._output = data[0], graph.output[0].name
        self.layers = nn.ModuleList(_layer(node, weights) for node in graph.node)

    def forward(self, faces: Tensor) -> Tensor:
        known, needed = {self._input: faces}, [name for names in self._reads for name in names]
        for layer, reads, writes in zip(self.layers, self._reads, self._writes, strict=True):
            known[writes] = layer(*(known[name] for name in reads))
            needed = needed[len(reads) :]
            for name in {*reads} - {*needed}:
                del known[name]  # so that nothing is held but what the gradient needs
        return known[self._output]


class _Scaled(nn.Module):
    """A normalisation by numbers that stay: a scale (C,) and a shift (C,) for each channel of (N, C, ...)."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1, *[1] * (x.ndim - 2))
        return x * self.scale.view(shape) + self.shift.view(shape)


class _Sum(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


def _convolution(settings: Mapping[str, Any], weight: Tensor, bias: Tensor | None = None) -> nn.Module:
    top, left, bottom, right = settings.get("pads", [0] * 4)
    if (top, left) != (bottom, right) or settings.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise ValueError("a convolution that is padded unevenly")
    outputs, inputs, height, width = weight.shape
    groups, strides, dilations = settings.get("group", 1), settings.get("strides", [1, 1]), settings.get("dilations", [1, 1])
    layer = nn.Conv2d(inputs * groups, outputs, (height, width), strides, (top, left), dilations, groups, bias is not None)
    return _filled(layer, weight, bias)


def _normalisation(settings: Mapping[str, Any], gain: Tensor, offset: Tensor, mean: Tensor, variance: Tensor) -> nn.Module:
    scale = gain / (variance + settings.get("epsilon", 1e-5)).sqrt()
    return _Scaled(scale, offset - mean * scale)


def _product(settings: Mapping[str, Any], weight: Tensor, bias: Tensor | None = None) -> nn.Module:
    if settings.get("transA", 0) or {settings.get("alpha", 1.0), settings.get("beta", 1.0)} != {1.0}:
        raise ValueError("a matrix product of another form")
    weight = weight if settings.get("transB", 0) else weight.T
    return _filled(nn.Linear(weight.shape[1], weight.shape[0], bias is not None), weight, bias)


def _flattening(settings: Mapping[str, Any]) -> nn.Module:
    return nn.Flatten(settings.get("axis", 1))


def _filled(layer: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    layer.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return layer


_KINDS: Mapping[str, Callable[..., nn.Module]] = {
    "Conv": _convolution,
    "BatchNormalization": _normalisation,
    "PRelu": lambda _, slopes: _filled(nn.PReLU(slopes.numel()), slopes.flatten(), None),
    "Add": lambda _: _Sum(),
    "Flatten": _flattening,
    "Gemm": _product,
}


def _layer(node: onnx.NodeProto, weights: Mapping[str, Tensor]) -> nn.Module:
    if node.op_type not in _KINDS:
        raise ValueError(f"a layer {node.op_type}")
    settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    return _KINDS[node.op_type](settings, *(weights[name] for name in node.input if name in weights))


def load_arcface_network(path: Path) -> ArcFaceNetwork:
    """The network with the weights of a pack's recogniser, frozen.

    Raises:
        InputError: the file is damaged, or its network is of another form.
    """
    try:
        network = ArcFaceNetwork(read_onnx(path).graph)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path} has {str(error)[:160]}, of which no gradient is known here: choose a pack whose recogniser is a residual "
            "network (faces.insightface_model), such as buffalo_l, or set train.identity_weight to 0"
        ) from None
    return network.eval().requires_grad_(False)


def aligned(frames: Tensor, landmarks: Tensor) -> Tensor:
    """Faces (N, 3, CHIP, CHIP) as ArcFace was trained to see them, of frames (N, 3, H, W) with landmarks (N, 5, 2) in pixels."""
    there, here = torch.view_as_complex(_PLACES), torch.view_as_complex(landmarks.contiguous())  # (5,), (N, 5)
    from_middle = here - here.mean(1, keepdim=True)
    turn = ((there - there.mean()) * from_middle.conj()).sum(1) / from_middle.abs().square().sum(1)  # (N,) from frame to chip
    across = torch.arange(CHIP, dtype=torch.float32)
    points = torch.complex(*torch.meshgrid(across, across, indexing="xy")) - there.mean()
    return sampled(frames, points / turn[:, None, None] + here.mean(1)[:, None, None])

"""MediaPipe's network of body landmarks in torch, read from its TFLite file: so it has a gradient."""

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mediapipe.tasks.metadata import schema_py_generated as tflite
from torch import Tensor

SIDE, JOINTS = 256, 39  # of its picture; 33 landmarks, and 6 points of which two say where the body is
_NETWORK, _COORDINATES, _HEATMAPS = "pose_landmarks_detector.tflite", b"Identity", b"Identity_3"
_DTYPES = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.INT32: np.int32}
_AFTER: dict[int, Callable[[Tensor], Tensor]] = {
    tflite.ActivationFunctionType.NONE: lambda x: x,
    tflite.ActivationFunctionType.RELU: F.relu,
    tflite.ActivationFunctionType.RELU6: F.relu6,
}


class BlazePose:
    """The network in a pose landmarker's `.task` file, whose weights stay as they are.

    Raises:
        ValueError: the network has an operation that is not known here.
    """

    def __init__(self, task: Path) -> None:
        with zipfile.ZipFile(task) as archive:
            model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAsModel(archive.read(_NETWORK), 0))
        graph = model.subgraphs[0]
        stored = ((i, _stored(tensor, model.buffers)) for i, tensor in enumerate(graph.tensors))
        known = {i: tensor for i, tensor in stored if tensor is not None}
        self._steps: list[tuple[list[int], int, Callable[..., Tensor]]] = []
        for operator in graph.operators:
            code, gives = model.operatorCodes[operator.opcodeIndex].builtinCode, operator.outputs[0]
            constant, takes = [known[i] for i in operator.inputs if i in known], [i for i in operator.inputs if i not in known]
            if code == tflite.BuiltinOperator.DEQUANTIZE:
                known[gives] = constant[0].float()
            else:
                self._steps.append((takes, gives, _operation(code, operator.builtinOptions, constant)))
        named = {graph.tensors[i].name: i for i in graph.outputs}
        self._picture, self._coordinates, self._heatmaps = graph.inputs[0], named[_COORDINATES], named[_HEATMAPS]

    def __call__(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Joints (N, 39, 2) in pixels, and logits (N, 39, 64, 64) of where each is, in pictures (N, 3, 256, 256) in [0, 1]."""
        values = {self._picture: pictures.contiguous(memory_format=torch.channels_last)}
        for takes, gives, compute in self._steps:
            values[gives] = compute(*(values[i] for i in takes))
        return values[self._coordinates].unflatten(1, (JOINTS, -1))[..., :2], values[self._heatmaps]


def _stored(tensor: Any, buffers: list[Any]) -> Tensor | None:
    """A tensor that the file holds; kernels (out, in, height, width), as torch has them."""
    data = buffers[tensor.buffer].data
    if data is None:
        return None
    values = torch.from_numpy(np.frombuffer(data.tobytes(), _DTYPES[tensor.type]).reshape(tensor.shape).copy())
    return values.permute(0, 3, 1, 2) if values.ndim == 4 else values


def _operation(code: int, options: Any, constant: list[Tensor]) -> Callable[..., Tensor]:
    known = tflite.BuiltinOperator
    match code:
        case known.CONV_2D:
            found = partial(_convolved, options=options, weight=constant[0], bias=constant[1])
        case known.DEPTHWISE_CONV_2D:
            found = partial(_convolved, options=options, weight=constant[0].transpose(0, 1), bias=constant[1])
        case known.ADD:
            found = partial(_added, options=options)
        case known.PAD:
            _, rows, columns, _ = constant[0].tolist()
            found = partial(F.pad, pad=(*columns, *rows))
        case known.RESIZE_BILINEAR if options.halfPixelCenters:
            found = partial(F.interpolate, size=constant[0].tolist(), mode="bilinear")
        case known.MAX_POOL_2D:
            found = partial(F.max_pool2d, kernel_size=options.filterHeight, stride=options.strideH)
        case known.LOGISTIC:
            found = partial(torch.sigmoid)
        case known.RESHAPE:
            found = partial(torch.flatten, start_dim=1)
        case _:
            raise ValueError(f"{_NETWORK} has an operation that is not known here: {code}, {vars(options)}")
    return found


def _added(x: Tensor, y: Tensor, options: Any) -> Tensor:
    return _AFTER[options.fusedActivationFunction](x + y)


def _convolved(x: Tensor, options: Any, weight: Tensor, bias: Tensor) -> Tensor:
    """With as many groups as the weights ask for, and TensorFlow's padding, which is larger on the right and below."""
    if options.padding == tflite.Padding.SAME:
        sizes = zip(x.shape[:1:-1], weight.shape[:1:-1], (options.strideW, options.strideH), strict=True)  # columns first
        missing = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size, kernel, stride in sizes]
        x = F.pad(x, [side for all_of in missing for side in (all_of // 2, all_of - all_of // 2)])
    x = F.conv2d(x, weight, bias, (options.strideH, options.strideW), groups=x.shape[1] // weight.shape[1])
    return _AFTER[options.fusedActivationFunction](x)

"""Which networks of an InsightFace pack find faces, and which says whose they are: a pack holds more than these two."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from facedance.job import InputError

CHIP = 112  # pixels: side of the aligned face that ArcFace takes
_DETECTOR_OUTPUTS = (9, 15)  # scores, boxes and landmarks at 3 or 5 strides


def pack_networks(folder: Path) -> tuple[Path, Path]:
    """Files of a pack's detector with landmarks and of its recogniser; the first by name, where there are several.

    Raises:
        InputError: one of them is missing, or a file is damaged.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.onnx")):
        graph = read_onnx(path).graph
        weights = {weight.name for weight in graph.initializer}
        (data, *others) = [value for value in graph.input if value.name not in weights]
        shape = [size.dim_value for size in data.type.tensor_type.shape.dim]
        if len(graph.output) in _DETECTOR_OUTPUTS:
            found.setdefault("detector with landmarks", path)
        elif len(graph.output) == 1 and not others and shape[2:] == [CHIP, CHIP]:
            found.setdefault("recogniser", path)
    for what in ("detector with landmarks", "recogniser"):
        if what not in found:
            raise InputError(
                f"{folder} holds no InsightFace {what}: put the .onnx files of a pack such as buffalo_l there, "
                "or set faces.backend to dlib"
            )
    return found["detector with landmarks"], found["recogniser"]


def read_onnx(path: Path) -> onnx.ModelProto:
    """What an ONNX file holds.

    Raises:
        InputError: the file is damaged.
    """
    try:
        model = onnx.load(path)
    except DecodeError as error:
        raise unusable(path, error) from None
    if not (model.graph.node and model.graph.input and model.graph.output):
        raise unusable(path, "it has no layers")
    return model


def unusable(path: Path, why: object) -> InputError:
    """What is said of a damaged file."""
    return InputError(f"{path} is no usable ONNX network ({str(why)[:160]}): delete it and fetch it again")

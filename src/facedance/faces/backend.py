"""The face recogniser that params.yaml names."""

from collections.abc import Callable
from pathlib import Path

from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.face import FaceBackend
from facedance.faces.insightface_backend import InsightFaceBackend

_BACKENDS: dict[str, Callable[[Path], FaceBackend]] = {"dlib": DlibBackend, "insightface": InsightFaceBackend}


def open_backend(name: str, folder: Path) -> FaceBackend:
    """Load the weights of `name` ("dlib" or "insightface") from `folder`.

    Raises:
        InputError: the weights are missing or damaged.
        ValueError: there is no such backend.
    """
    if name not in _BACKENDS:
        raise ValueError(f"unknown face backend {name!r}; known are {', '.join(_BACKENDS)}")
    return _BACKENDS[name](Path(folder))

"""The face recogniser that params.yaml names."""

from collections.abc import Callable
from pathlib import Path

from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.face import FaceBackend


def _insightface(folder: Path) -> FaceBackend:
    from facedance.faces.insightface_backend import InsightFaceBackend  # noqa: PLC0415  (half a second that dlib does not need)

    return InsightFaceBackend(folder)


_BACKENDS: dict[str, Callable[[Path], FaceBackend]] = {"dlib": DlibBackend, "insightface": _insightface}


def open_backend(name: str, folder: Path) -> FaceBackend:
    """Load the weights of `name` ("dlib" or "insightface") from `folder`.

    Raises:
        InputError: the weights are missing or damaged, or it cannot be told which GPU is free.
        ValueError: there is no such backend.
    """
    if name not in _BACKENDS:
        raise ValueError(f"unknown face backend {name!r}; known are {', '.join(_BACKENDS)}")
    return _BACKENDS[name](Path(folder))

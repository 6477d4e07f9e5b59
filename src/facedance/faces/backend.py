"""The face recogniser that params.yaml names."""

import importlib
from pathlib import Path

from facedance.faces.face import FaceBackend

# By where they are: each comes with libraries that take a second to import, and only one of them is asked for.
_BACKENDS = {
    "dlib": ("facedance.faces.dlib_backend", "DlibBackend"),
    "insightface": ("facedance.faces.insightface_backend", "InsightFaceBackend"),
}


def open_backend(name: str, folder: Path) -> FaceBackend:
    """Load the weights of `name` ("dlib" or "insightface") from `folder`.

    Raises:
        InputError: the weights are missing or damaged.
        ValueError: there is no such backend.
    """
    if name not in _BACKENDS:
        raise ValueError(f"unknown face backend {name!r}; known are {', '.join(_BACKENDS)}")
    module, kind = _BACKENDS[name]
    backend: FaceBackend = getattr(importlib.import_module(module), kind)(Path(folder))
    return backend

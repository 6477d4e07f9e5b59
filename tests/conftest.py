"""What all tests share: no model hub, the same random state at the start, the pose model, and an order."""

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run side by side

_keys = tempfile.TemporaryDirectory(prefix="facedance-keys-")
os.environ.setdefault("FACEDANCE_KEYS", _keys.name)  # workers get that of the process that starts them

FORKING = ("clips/test_cut.py", "poses/test_extract.py")
"""Their workers are forked, and hang in MediaPipe if the process they come from has opened a landmarker before."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that fork before all others, on whichever worker, then the long ones, so that no worker ends with one."""

    def place(item: pytest.Item) -> int:
        name = "/".join(item.path.parts[-2:])
        is_long = "workflow" in item.path.parts or item.get_closest_marker("workflow") is not None
        return FORKING.index(name) if name in FORKING else len(FORKING) + (not is_long)

    items.sort(key=place)


@pytest.fixture(scope="session")
def pose_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MediaPipe's pose model."""
    from facedance.models.pose_bundle import fetch_pose_model  # noqa: PLC0415  (tests of the workflow need none of it)

    path = tmp_path_factory.mktemp("model") / "pose.task"
    fetch_pose_model(path)
    return path

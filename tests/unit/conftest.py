"""Order of the unit tests, and what several of them need."""

from pathlib import Path

import pytest

from facedance.models.pose_bundle import fetch_pose_model
from facedance.wan.dataset import Dataset, read_dataset

from .training_world import WAN, files_in, write_world

FORKING = ("test_clips_cut.py", "test_poses_extract.py")
"""Their workers are forked, and hang in MediaPipe if the process they come from has opened a landmarker before."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that fork before all others, on whichever worker."""

    def place(item: pytest.Item) -> int:
        return FORKING.index(item.path.name) if item.path.name in FORKING else len(FORKING)

    items.sort(key=place)


@pytest.fixture(scope="session")
def pose_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "pose.task"
    fetch_pose_model(path)
    return path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training needs, in a folder."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(world: Path) -> Dataset:
    return read_dataset(files_in(world), WAN)

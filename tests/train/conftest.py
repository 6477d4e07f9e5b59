"""What the tests of a training learn from."""

from pathlib import Path

import pytest

from facedance.train.dataset import Dataset
from tests.train.training_world import dataset_in, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training needs, in a folder."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(world: Path) -> Dataset:
    return dataset_in(world)

"""What the laboratory's tests share with the product's; all of them are thorough."""

from pathlib import Path

import pytest

from tests.conftest import pose_model
from tests.workflow.conftest import finished, project

__all__ = ["finished", "pose_model", "project"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.thorough)

"""What the laboratory's tests share with the product's."""

from tests.conftest import pose_model
from tests.workflow.conftest import finished, project

__all__ = ["finished", "pose_model", "project"]

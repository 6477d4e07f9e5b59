"""What the tests of a face branch's training learn from."""

from pathlib import Path

import pytest

from tests.face_branch.portrait_world import write_people


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts, texts and a model, in a folder."""
    folder = tmp_path_factory.mktemp("people")
    write_people(folder)
    return folder

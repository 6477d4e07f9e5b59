"""What the file beside a render tells of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facedance.files import read_json


def read_sidecar(path: Path) -> Mapping[str, Any]:
    """All that it tells; nothing where there is none."""
    told: Mapping[str, Any] = read_json(path) if path.exists() else {}
    return told

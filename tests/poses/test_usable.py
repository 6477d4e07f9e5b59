"""A run stops before it trains when no dance can be followed."""

import pandas as pd
import pytest

from facedance.job import InputError
from facedance.poses.usable import require_poses


def manifest(path, **reasons):
    rows = [(clip, "rejected" if reason else "accepted", reason) for clip, reason in reasons.items()]
    pd.DataFrame(rows, columns=["clip", "status", "reason"]).to_csv(path, index=False)
    return path


def test_one_clip_is_enough(tmp_path):
    require_poses([manifest(tmp_path / "0.csv", a="is lost"), manifest(tmp_path / "control.csv", b="")])
    require_poses([manifest(tmp_path / "0.csv")])


def test_the_reasons_are_told(tmp_path):
    many = {f"clip{i}": "is lost" for i in range(9)}
    with pytest.raises(InputError, match=r"no dance can be followed.*: clip0: is lost; .*clip4: is lost; and 4 more$"):
        require_poses([manifest(tmp_path / "0.csv", **many)])

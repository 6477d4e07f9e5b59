"""One table tells why a video did not reach the end."""

import pandas as pd

from facedance.report.fates import read_fates
from facedance.report.left_out import left_out


def test_each_video_that_is_in_no_render_has_one_row(tmp_path):
    clips = [
        ("a_000", "data/videos/a.mp4", "accepted", ""),
        ("b_000", "data/videos/b b.mp4", "accepted", ""),
        ("c_000", "data/videos/c.mp4", "accepted", ""),
        ("e_000", "data/videos/e.mp4", "accepted", ""),
        ("d", "data/videos/d.mp4", "rejected", "is too short"),
    ]
    poses = [
        ("a_000", "accepted", ""),
        ("b_000", "rejected", "dancer lost"),
        ("c_000", "accepted", ""),
        ("e_000", "accepted", ""),
    ]
    controls = [("control-x", "data/control/x.mp4", "rejected", "no pictures")]
    pd.DataFrame(clips, columns=["clip", "source", "status", "reason"]).to_csv(tmp_path / "clips.csv", index=False)
    pd.DataFrame(poses, columns=["clip", "status", "reason"]).to_csv(tmp_path / "0000.csv", index=False)
    pd.DataFrame(controls, columns=["clip", "source", "status", "reason"]).to_csv(tmp_path / "control.csv", index=False)
    fates = read_fates(tmp_path / "clips.csv", [tmp_path / "0000.csv", tmp_path / "control.csv"])
    rows = left_out(fates, {"a_000"}, {"a_000", "e_000"})
    assert [tuple(row.values()) for row in rows] == [
        ("data/videos/d.mp4", "d", "clips", "is too short"),
        ("data/videos/b b.mp4", "b_000", "poses", "dancer lost"),
        ("data/control/x.mp4", "control-x", "poses", "no pictures"),
        ("data/videos/c.mp4", "c_000", "render", "is usable, and nothing in render.batches asks for it"),
        ("data/videos/e.mp4", "e_000", "render", "has nobody of the cast that is asked for in it"),
    ]

"""One table tells why a video did not reach the end."""

import pandas as pd

from facedance.report.fates import Fate, read_fates
from facedance.report.left_out import left_out


def test_each_video_that_is_left_out_of_something_is_told(tmp_path):
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
    rows = left_out(fates, {"a_000"}, {"ann": [], "2~ben": ["a_000", "e_000"]})
    assert [tuple(row.values()) for row in rows] == [
        ("data/videos/d.mp4", "d", "clips", "is too short"),
        ("data/videos/b b.mp4", "b_000", "poses", "dancer lost"),
        ("data/control/x.mp4", "control-x", "poses", "no pictures"),
        ("data/videos/a.mp4", "a_000", "render", "nobody in it becomes somebody in 2~ben"),
        ("data/videos/e.mp4", "e_000", "render", "nobody in it becomes somebody in 2~ben"),
        ("data/videos/c.mp4", "c_000", "render", "is usable, and nothing in render.batches asks for it"),
    ]


def test_of_very_many_the_first_are_listed():
    fates = [Fate(f"clip_{i:03}", "", "", "") for i in range(503)]
    rows = left_out(fates, {"clip_000"}, {"2~ben": ["clip_001"]})
    assert [row["clip"] for row in rows] == ["clip_001", *(f"clip_{i:03}" for i in range(2, 502)), "1 more"]
    assert rows[0]["reason"] != rows[-1]["reason"] == rows[1]["reason"]

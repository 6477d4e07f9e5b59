"""Cutting real (small, bar-coded) videos; only the finding of people is made up."""

import contextlib
import json
import logging
import os
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facedance import workers
from facedance.clips import control, cut
from facedance.clips.control import prepare_control
from facedance.clips.cut import CutFiles, cut_shard, cut_video
from facedance.clips.tables import COLUMNS, list_clips
from facedance.config.parts import Part
from facedance.config.sections import Clips, WanModel
from facedance.job import InputError
from facedance.names import video_id
from facedance.poses.usable import require_clips
from facedance.video.frames import read_frames
from facedance.video.opening import UnreadableVideo
from facedance.video.sound import read_sound
from facedance.video.times import inspect
from tests.clips.videos import beeps, code_of, codes_of, make_video, onset

WAN = WanModel(
    repo=None, revision=None, sizes=[(80, 32)], frames=17, fps=16,
    clip_scale=2, drawing_side=128, dtype="float32",
)  # fmt: skip
CENTER = Clips(max_per_video=2, margin=0.1, crop="center", people_score=0.5, ignore_list=None)
STEADY = np.arange(150) / 60  # 2.5 s: room for two clips of 17 frames at 16 fps


def standing(x: float, y: float, height: float) -> np.ndarray:
    """Landmarks (33, 4) of a thin person."""
    landmarks = np.ones((33, 4), np.float32)
    landmarks[:, 0] = x
    landmarks[:, 1] = y + np.linspace(0, 1, 33) * height
    return landmarks


def one(_frame, _timestamp_ms=0):
    return np.stack([standing(80, 10, 40)])


def nobody(_frame, _timestamp_ms=0):
    return np.zeros((0, 33, 4), np.float32)


def two(_frame, _timestamp_ms=0):
    return np.stack([standing(40, 10, 40), standing(120, 10, 35)])


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("60.mp4", STEADY),
        ("59.94.mp4", np.arange(150) * 1001 / 60000),
        ("30.mkv", np.arange(75) / 30),
        ("variable.mp4", np.concatenate([[0], np.cumsum(np.random.default_rng(2).uniform(0.004, 0.06, 99))])),
    ],
)
def test_a_clip_shows_the_frames_of_its_times(tmp_path, name, times):
    video = make_video(tmp_path / name, times)
    rows = cut_video(video.stem, video, tmp_path / "out", CENTER, WAN, one)
    assert [(row["start_s"], row["status"]) for row in rows] == [(0.0, "accepted"), (1.0625, "accepted")]
    for row in rows:
        frames = read_frames(tmp_path / "out" / f"{row['clip']}.mp4")
        assert frames.shape == (17, 64, 160, 3)
        codes = codes_of(frames)
        wanted = row["start_s"] + np.arange(17) / 16
        nearest = np.abs(times[None] - wanted[:, None]).min(axis=1)
        assert np.all(np.abs(times[codes] - wanted) <= nearest + 2e-3)
        assert np.all(np.diff(codes) > 0)
        assert inspect(tmp_path / "out" / f"{row['clip']}.mp4").seconds == pytest.approx(17 / 16)


def test_a_clip_has_the_sound_of_its_seconds(tmp_path):
    video = make_video(tmp_path / "v.mp4", STEADY, sound=beeps(2.5, [1.5]))
    first, second = cut_video(video.stem, video, tmp_path, CENTER, WAN, one)
    assert onset(read_sound(tmp_path / f"{second['clip']}.mp4", 0, 1).samples) == pytest.approx(1.5 - 1.0625, abs=0.005)
    assert np.abs(read_sound(tmp_path / f"{first['clip']}.mp4", 0, 1).samples).max() < 0.02


def test_the_row_tells_everything_about_a_clip(tmp_path):
    video = make_video(tmp_path / "gBR_sBM_c01_d04_mBR0_ch01.mp4", STEADY, size=(320, 180))
    dancer = CENTER.model_copy(update={"crop": "dancer", "max_per_video": 1})
    (row,) = cut_video(video.stem, video, tmp_path, dancer, WAN, lambda frame: np.stack([standing(250, 60, 60)]))
    assert (row["genre"], row["situation"], row["camera"]) == ("gBR", "sBM", "c01")
    assert (row["dancer"], row["music"], row["choreography"]) == ("d04", "mBR0", "ch01")
    assert (row["frames"], row["fps"], row["width"], row["height"]) == (17, 16, 160, 64)
    assert (row["source"], row["source_width"], row["source_height"]) == (video.as_posix(), 320, 180)
    x, y, w, h = (row[f"crop_{side}"] for side in "xywh")
    assert w < 320
    assert w / h == pytest.approx(2.5, rel=0.02)
    assert (x <= 250 <= x + w, y <= 55, y + h >= 125) == (True, True, True)
    # The clip shows that window: its columns are the source's, 2 pixels of the source for each of the clip's.
    source, clip = read_frames(video, [60])[0], read_frames(tmp_path / f"{row['clip']}.mp4")[16]
    columns = (x + (np.arange(8, 160, 16) + 0.5) * w / 160).astype(int)
    assert np.array_equal(source[90, columns, 0] > 127, clip[32, 8::16, 0] > 127)


def test_people_are_looked_for_from_a_clips_first_to_its_last_frame(tmp_path):
    video = make_video(tmp_path / "v.mp4", STEADY)
    seen = []

    def find(frame):
        seen.append(code_of(frame))
        return one(frame)

    cut_video(video.stem, video, tmp_path, CENTER, WAN, find)
    assert 8 <= len(seen) / 2 <= 12
    assert seen == sorted(seen)
    assert (seen[0], seen[len(seen) // 2 - 1], seen[len(seen) // 2], seen[-1]) == (0, 60, 64, 124)


@pytest.mark.parametrize(
    ("find", "reason"),
    [(nobody, "shows nobody in 10 sampled frames"), (two, "shows several people of similar size in 10 of 10 sampled frames")],
)
def test_a_clip_without_one_dancer_is_rejected(tmp_path, find, reason):
    video = make_video(tmp_path / "v.mp4", STEADY)
    rows = cut_video(video.stem, video, tmp_path / "out", CENTER, WAN, find)
    assert [(row["clip"], row["status"], row["reason"]) for row in rows] == [(f"v_00{i}", "rejected", reason) for i in (0, 1)]
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("whole", [False, True])
def test_several_people_are_let_in_where_a_group_is_said_to_dance(tmp_path, whole):
    video = make_video(tmp_path / "gBR_sGR_c01_d04_d05_mBR0_ch01.mp4", STEADY)
    params = CENTER.model_copy(update={"crop": "dancer", "max_per_video": 1, "whole": whole})
    (row,) = cut_video(video.stem, video, tmp_path / "out", params, WAN, two)
    assert (row["status"], row["dancers"], row["dancer"]) == ("accepted", 2, "d04_d05")
    assert row["crop_x"] <= 40, "both are in view"
    assert row["crop_x"] + row["crop_w"] >= 120
    named = params.model_copy(update={"group": ("tour*",)})
    assert cut_video(video.stem, video, tmp_path / "out", named, WAN, two)[0]["status"] == "rejected"
    (row,) = cut_video("tour_1", video, tmp_path / "out", named, WAN, one)
    assert (row["status"], row["dancers"]) == ("accepted", 1)


def test_only_groups_have_the_sizes_of_groups(tmp_path):
    wan = WAN.model_copy(update={"sizes": ((32, 32),), "group_sizes": ((80, 32),)})
    params = CENTER.model_copy(update={"crop": "dancer", "max_per_video": 1})
    assert (wan.all_sizes, wan.largest) == (((32, 32), (80, 32)), (80, 32))
    for name, find, size in (("gBR_sGR_c01_d04_d05_mBR0_ch01", two, (160, 64)), ("gBR_sBM_c01_d04_mBR0_ch01", one, (64, 64))):
        video = make_video(tmp_path / f"{name}.mp4", STEADY)
        (row,) = cut_video(name, video, tmp_path / "out", params, wan, find)
        assert (row["width"], row["height"]) == size


def _broken(path: Path, whole: float = 0.2) -> None:
    """Zeros in place of all pictures but the first ones."""
    content = bytearray(path.read_bytes())
    first, end = content.find(b"mdat") + 4, content.find(b"moov") - 4
    start = first + round(whole * (end - first))
    content[start:end] = bytes(end - start)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("times", "spoil", "reason"),
    [
        (STEADY[:45], lambda path: None, "is too short: it has 0.75 s, and 17 frames at 16 fps need 1.06 s"),
        (STEADY, lambda path: path.write_bytes(b""), "is an empty file"),
        (STEADY, lambda path: path.write_bytes(path.read_bytes()[:5000]), "has no pictures, or is cut off"),
        (STEADY, _broken, "cannot be decoded after its first "),
    ],
    ids=["short", "empty", "truncated", "damaged"],
)
def test_an_unusable_video_is_rejected_with_the_reason(tmp_path, times, spoil, reason):
    video = make_video(tmp_path / "gBR_sCY_c03.mp4", times)
    spoil(video)
    (row,) = cut_video(video.stem, video, tmp_path / "out", CENTER, WAN, one)
    assert (row["clip"], row["status"], row["genre"]) == ("gBR_sCY_c03", "rejected", "gBR")
    assert row["reason"].startswith(reason)
    assert "frames" not in row
    assert not list(tmp_path.glob("out/*"))


def test_a_damaged_video_is_used_up_to_the_damage(tmp_path):
    video = make_video(tmp_path / "v.mp4", STEADY)
    _broken(video, whole=0.7)
    (row,) = cut_video(video.stem, video, tmp_path / "out", CENTER, WAN, one)
    assert (row["clip"], row["status"], row["frames"]) == ("v_000", "accepted", 17)
    assert re.fullmatch(r"its video cannot be decoded after its first \d+ frames", row["note"])


def test_a_short_video_gives_a_short_clip(tmp_path):
    """66 frames at 16 fps, where the model has 81."""
    video = make_video(tmp_path / "v.mp4", np.arange(66) / 16, sound=beeps(4.2, [2.0]))
    (row,) = cut_video(video.stem, video, tmp_path / "out", CENTER, WAN.model_copy(update={"frames": 81}), one)
    assert (row["status"], row["frames"], row["note"]) == ("accepted", 65, "65 of 81 frames, as there is no room for more")
    assert codes_of(read_frames(tmp_path / "out" / "v_000.mp4")) == list(range(65))


def test_a_part_is_used_where_one_is_given(tmp_path):
    video = make_video(tmp_path / "tour_1.mp4", STEADY)
    stretches = {"tour_*": Part(start=1.05, end=2.2), "*": Part(start=2.0)}
    (row,) = cut_video(video.stem, video, tmp_path / "out", CENTER.model_copy(update={"stretches": stretches}), WAN, one)
    assert (row["start_s"], row["frames"]) == (1.05, 17)
    assert codes_of(read_frames(tmp_path / "out" / "tour_1_000.mp4"))[:2] == [63, 67]
    (row,) = cut_video(
        "v", video.rename(tmp_path / "v.mp4"), tmp_path, CENTER.model_copy(update={"stretches": stretches}), WAN, one
    )
    assert row["reason"] == "has no scene in clips.stretches' 2 to 2.5 s as long as 17 frames at 16 fps, 1.06 s"


def test_a_video_that_fails_halfway_leaves_no_clip(tmp_path, monkeypatch):
    def write(path, *_args, **_kwargs):
        if path.stem == "v_001":
            raise UnreadableVideo("has a sound that cannot be decoded")
        path.parent.mkdir(exist_ok=True)
        path.touch()

    monkeypatch.setattr(cut, "write_video", write)
    (row,) = cut_video("v", make_video(tmp_path / "v.mp4", STEADY), tmp_path / "out", CENTER, WAN, one)
    assert (row["clip"], row["status"], row["reason"]) == ("v", "rejected", "has a sound that cannot be decoded")
    assert not list(tmp_path.glob("out/*"))


def test_a_slow_video_is_cut_and_the_repeats_are_told(tmp_path, caplog):
    video = make_video(tmp_path / "slow.mp4", np.arange(24) / 12)
    with caplog.at_level(logging.INFO, "facedance"):
        (row,) = cut_video(video.stem, video, tmp_path, CENTER, WAN, one)
    codes = codes_of(read_frames(tmp_path / f"{row['clip']}.mp4"))
    assert len(set(codes)) == 13
    assert "slow_000: its video has 12.00 fps, the model 16, so 4 of 17 frames are shown twice" in caplog.text


# A whole shard


@pytest.fixture
def shard(tmp_path, monkeypatch):
    """Runs `cut_shard` on videos and returns its manifest; the landmarker sees the one that it is told to."""
    (tmp_path / "pose.task").write_text("model")
    stamp = tmp_path / "stamp.json"
    stamp.write_text(json.dumps({"params": {}, "code": "1"}))

    def run(videos, workers=1, find=one, code="1", out="out", **params):
        class Landmarker:
            detect = staticmethod(find)

        monkeypatch.setattr(cut, "open_landmarker", lambda *_args, **_kwargs: contextlib.nullcontext(Landmarker))
        stamp.write_text(json.dumps({"params": {}, "code": code}))
        files = CutFiles(
            {video_id(path): path for path in videos},
            tmp_path / "pose.task",
            tmp_path / out,
            tmp_path / out / "shards" / "0000.csv",
        )
        cut_shard(files, CENTER.model_copy(update=params), WAN, stamp, workers)
        return pd.read_csv(tmp_path / out / "shards" / "0000.csv", dtype=str, keep_default_na=False)

    return run


def _fail(_frame, _timestamp_ms=0):
    raise AssertionError("people must not be looked for again")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_shard_is_the_same_whatever_the_workers_and_the_order(tmp_path, shard):
    names = ["gBR_sBM_c01_d04_mBR0_ch01.mp4", "a 'b' $(touch x) ü.mp4", "short.mp4", "c.mp4"]
    sound = beeps(2.5, [0.5])
    videos = [make_video(tmp_path / name, STEADY[: 30 if name == "short.mp4" else 150], sound=sound) for name in names]
    table = shard(videos, workers=1, out="one")
    shard(videos[::-1], workers=3, out="two")
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")
    assert table.columns.tolist() == COLUMNS
    assert table["clip"].tolist() == sorted(table["clip"])
    assert table["status"].tolist().count("accepted") == 6
    short = table.set_index("clip").loc["short"]
    assert (short["status"], short["frames"], short["start_s"], short["crop_x"]) == ("rejected", "", "", "")
    assert {path.stem for path in (tmp_path / "one").glob("*.mp4")} == set(table["clip"]) - {"short"}


def test_only_what_changed_is_cut_again(tmp_path, shard):
    a, b = (make_video(tmp_path / name, STEADY) for name in ("a.mp4", "b.mp4"))
    first = shard([a, b])
    assert shard([a, b], find=_fail).equals(first)
    with pytest.raises(AssertionError, match="again"):
        shard([a, b], find=_fail, code="2")
    (tmp_path / "out" / "a_001.mp4").write_bytes(b"damaged")
    assert shard([a, b]).equals(first)
    assert len(read_frames(tmp_path / "out" / "a_001.mp4")) == 17
    make_video(b, STEADY[:90])
    changed = shard([a, b], max_per_video=2)
    assert changed["clip"].tolist() == ["a_000", "a_001", "b_000"]
    assert not (tmp_path / "out" / "b_001.mp4").exists()


def test_an_ignored_video_is_listed_and_loses_its_clips(tmp_path, shard):
    videos = [make_video(tmp_path / f"gBR_sBM_c0{camera}_d04_mBR0_ch01.mp4", STEADY) for camera in (1, 2)]
    shard(videos)
    (tmp_path / "ignore.txt").write_text("gBR_sBM_c02_d04_mBR0_ch01\n")
    table = shard(videos, find=_fail, ignore_list=str(tmp_path / "ignore.txt"))
    assert table["clip"].tolist() == [f"{videos[0].stem}_000", f"{videos[0].stem}_001", videos[1].stem]
    assert table["reason"].tolist() == ["", "", "is in the ignore list"]
    assert not list((tmp_path / "out").glob("gBR_sBM_c02*"))


def test_a_link_that_leads_nowhere_is_a_row(tmp_path, shard, prepared):
    good, link = make_video(tmp_path / "good.mp4", STEADY), tmp_path / "link.mp4"
    os.symlink(tmp_path / "gone.mp4", link)
    for table, name in ((shard([good, link]), "link"), (prepared([good, link]), "control-link")):
        row = table.set_index("clip").loc[name]
        assert (row["status"], row["reason"]) == ("rejected", "cannot be read (No such file or directory)")
        assert (table["status"] == "accepted").sum() == (1 if name.startswith("control") else 2)


def hostile(monkeypatch, module, name):
    """Let a reader crash on the file `crash.*` and hang on `hang.*`."""
    read = getattr(module, name)

    def reads(path, *args, **kwargs):
        if path.stem == "crash":
            os._exit(3)
        if path.stem == "hang":
            time.sleep(60)
        return read(path, *args, **kwargs)

    monkeypatch.setattr(module, name, reads)
    monkeypatch.setattr(workers, "STILL_S", 0.5)


def test_a_video_that_ends_its_worker_is_a_row_and_the_others_go_on(tmp_path, shard, prepared, monkeypatch):
    videos = [make_video(tmp_path / f"{name}.mp4", STEADY) for name in ("a", "crash", "d", "hang", "z")]
    whole = shard(videos, workers=2)
    assert (whole["status"] == "accepted").all()
    hostile(monkeypatch, cut, "inspect")
    hostile(monkeypatch, control, "inspect")
    for table, prefix in ((shard(videos, workers=2, code="2"), ""), (prepared(videos), "control-")):
        rows = table.set_index("clip")
        assert rows.loc[f"{prefix}crash", "reason"] == "cannot be decoded: its reader crashed (exit 3)"
        assert rows.loc[f"{prefix}hang", "reason"] == "cannot be decoded: its reader stood still for 0.5 s"
        good = [f"control-{name}" for name in "adz"] if prefix else [f"{name}_00{i}" for name in "adz" for i in (0, 1)]
        assert rows.index[rows["status"] == "accepted"].tolist() == good
        assert {path.stem for path in (tmp_path / "out").glob("*.mp4")} >= set(good)
    assert not [*(tmp_path / "out").glob("*crash*.mp4"), *(tmp_path / "out").glob("*hang*.mp4")]


# The table of all clips


def test_the_list_holds_every_row_as_it_was(tmp_path, shard):
    shard([make_video(tmp_path / "nan.mp4", STEADY)], out="x")
    shard([make_video(tmp_path / "b.mp4", STEADY[:30]), make_video(tmp_path / "a.mp4", STEADY)], out="y")
    manifests = [tmp_path / out / "shards" / "0000.csv" for out in ("x", "y")]
    list_clips(manifests, {"day 1/notes.txt": "is no video"}, tmp_path / "clips.csv")
    lines = (tmp_path / "clips.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert [line.split(",")[0] for line in lines[1:]] == ["a_000", "a_001", "b", "day 1/notes.txt", "nan_000", "nan_001"]
    (other,) = [line for line in lines if line.startswith("day 1/notes.txt")]
    assert other.strip(",").endswith("rejected,is no video")
    assert {*lines} - {other} == {line for manifest in manifests for line in manifest.read_text().splitlines()}


def test_a_list_without_a_usable_video_is_written_and_stops_the_run_with_the_reasons(tmp_path, shard):
    shard([make_video(tmp_path / "b.mp4", STEADY[:30]), make_video(tmp_path / "a.mp4", STEADY)], find=nobody)
    manifests, out = [tmp_path / "out" / "shards" / "0000.csv"], tmp_path / "clips.csv"
    list_clips(manifests, {}, out)
    with pytest.raises(InputError, match=r"^no video can be used.*a\.mp4 shows nobody.*; .*b\.mp4 is too short.*data/videos$"):
        require_clips(out, controls=False)
    require_clips(out, controls=True)


def test_an_empty_world_has_an_empty_list(tmp_path):
    list_clips([], {}, tmp_path / "clips.csv")
    assert (tmp_path / "clips.csv").read_text() == ",".join(COLUMNS) + "\n"
    require_clips(tmp_path / "clips.csv", controls=False)


# Ready-made control videos


@pytest.fixture
def prepared(tmp_path):
    stamp = tmp_path / "stamp.json"
    stamp.write_text(json.dumps({"params": {}, "code": "1"}))

    def run(videos, whole=False):
        manifest = tmp_path / "out" / "control.csv"
        named = {video_id(path): path for path in videos}
        prepare_control(named, {"sub/notes.txt": "is no video"}, tmp_path / "out", manifest, WAN, stamp, whole=whole)
        return pd.read_csv(manifest, dtype=str, keep_default_na=False)

    return run


def test_a_control_video_keeps_its_whole_picture_and_its_sound(tmp_path, prepared):
    video = make_video(tmp_path / "pose.mp4", STEADY, size=(80, 64), sound=beeps(2.5, [0.5]))
    table = prepared([video])
    assert table.columns.tolist() == COLUMNS
    assert table.loc[0, ["clip", "frames", "fps", "width", "height", "status"]].tolist() == [
        "control-pose", "17", "16", "160", "64", "accepted",
    ]  # fmt: skip
    frames = read_frames(tmp_path / "out" / "control-pose.mp4")
    assert frames.shape == (17, 64, 160, 3)
    assert frames[:, :, :36].max() < 12  # black beside a picture that is narrower than the clip
    assert frames[:, :, 124:].max() < 12
    assert codes_of(frames[:, :, 40:120]) == [round(k * 3.75 - 0.01) for k in range(17)]
    assert onset(read_sound(tmp_path / "out" / "control-pose.mp4", 0, 1).samples) == pytest.approx(0.5, abs=0.005)


def test_a_short_control_video_is_rejected_and_the_others_are_kept(tmp_path, prepared):
    good, short = make_video(tmp_path / "good.mp4", STEADY), make_video(tmp_path / "short.mp4", STEADY[:40])
    (tmp_path / "broken.mp4").write_text("no video")
    table = prepared([short, good, tmp_path / "broken.mp4"]).set_index("clip")
    assert table["status"].to_dict() == {
        "control-broken": "rejected", "control-good": "accepted", "control-short": "rejected",
        "control-sub/notes.txt": "rejected",
    }  # fmt: skip
    assert table.loc["control-short", "reason"] == "is too short: it has 0.67 s, and 17 frames at 16 fps need 1.06 s"
    assert [path.name for path in (tmp_path / "out").glob("*.mp4")] == ["control-good.mp4"]


def test_a_control_video_is_not_made_again(tmp_path, prepared):
    video = make_video(tmp_path / "pose.mp4", STEADY)
    first = prepared([video])
    made = (tmp_path / "out" / "control-pose.mp4").stat().st_mtime_ns
    assert prepared([video]).equals(first)
    assert (tmp_path / "out" / "control-pose.mp4").stat().st_mtime_ns == made


def test_a_whole_control_video_has_all_its_frames(prepared, tmp_path):
    table = prepared([make_video(tmp_path / "pose.mp4", STEADY)], whole=True)
    assert table.loc[0, ["frames", "note"]].tolist() == ["37", ""]
    assert codes_of(read_frames(tmp_path / "out" / "control-pose.mp4"))[-1] == 135

"""From clips to landmarks and control videos with MediaPipe's real model, on the public-domain astronaut moved about."""

import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import pandas as pd
import pytest
import skimage.data

from facedance.config.sections import Poses, WanModel
from facedance.files import sha256, write_json
from facedance.job import InputError
from facedance.poses import extract
from facedance.poses.extract import PoseFiles, extract_shard
from facedance.poses.landmarker import open_landmarker
from facedance.poses.quiet import without_chatter
from facedance.poses.skeleton import MEDIAPIPE
from facedance.poses.track import follow
from facedance.sample.group import Stage
from facedance.video.frames import Footage, read_frames
from facedance.video.times import inspect
from facedance.video.writing import write_video
from tests.poses.drawn_group import side_by_side

_ASTRONAUT = skimage.data.astronaut()
_NOSE = 220 / 512, 110 / 512  # where it is in the portrait, as a share of its side
_POSES = {
    "detection_confidence": 0.5,
    "tracking_confidence": 0.5,
    "min_visibility": 0.3,
    "max_gap_frames": 3,
    "min_tracked": 0.6,
    "max_hidden_legs": 1.0,  # the astronaut is an upper body
    "max_unsure": 1.0,
    "smoothing": "none",
    "face_dots": False,
    "use_keypoints2d": True,
}
_WAN = WanModel(
    repo=None,
    revision=None,
    sizes=[(128, 128)],
    frames=9,
    fps=16,
    clip_scale=2,
    drawing_side=256,
    dtype="float32",
)


def _frame(*people, width=256, height=256):
    """A grey picture with portraits at (side, x, y, light)."""
    picture = np.full((height, width, 3), 127, np.uint8)
    for side, x, y, light in people:
        small = cv2.resize(_ASTRONAUT, (side, side), interpolation=cv2.INTER_AREA)
        picture[y : y + side, x : x + side] = (small * light).astype(np.uint8)
    return picture


def _walk(frames=9):
    return np.stack([_frame((200, 20 + 3 * i, 30, 1.0)) for i in range(frames)])


@pytest.fixture(scope="session")
def model(pose_model):
    return pose_model


# Landmarker


def test_landmarks_are_pixels_of_the_picture(model):
    with open_landmarker(model, "image") as landmarker:
        small = landmarker.detect(_frame((200, 20, 30, 1.0)))
        large = landmarker.detect(cv2.resize(_frame((200, 20, 30, 1.0)), (768, 512)))
        nobody = landmarker.detect(_frame())
    assert small.shape == large.shape == (1, 33, 4)
    assert small.dtype == np.float32
    nose = small[0, MEDIAPIPE.index("nose")]
    np.testing.assert_allclose(nose[:2], [20 + 200 * _NOSE[0], 30 + 200 * _NOSE[1]], atol=6)
    assert nose[3] > 0.9
    np.testing.assert_allclose(large[0, 0, :2], nose[:2] * [3, 2], atol=12)
    assert nobody.shape == (0, 33, 4)


def test_a_missing_or_damaged_model_is_one_sentence(tmp_path):
    (tmp_path / "damaged.task").write_bytes(b"no model")
    for name in ("missing", "damaged"):
        with pytest.raises(InputError, match=f"{name}\\.task"), open_landmarker(tmp_path / f"{name}.task", "image"):
            pass


def test_mediapipe_says_nothing_when_all_is_well(model, capfd):
    with open_landmarker(model, "video") as landmarker:
        landmarker.detect(_frame((200, 20, 30, 1.0)), 0)
    assert capfd.readouterr() == ("", "")


def test_errors_on_stderr_are_passed_on(capfd):
    with pytest.raises(RuntimeError), without_chatter():  # noqa: PT012
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nE0000 out of memory\n")
        raise RuntimeError
    assert capfd.readouterr().err == "E0000 out of memory\n"


# Who is followed


def _followed(model, frames):
    with open_landmarker(model, "video") as tracker, open_landmarker(model, "image", people=3) as finder:
        return follow(frames, 16, tracker, finder)


def _mediapipes_own(model, frames):
    with open_landmarker(model, "video") as tracker:
        found = [tracker.detect(frame, round(i * 1000 / 16)) for i, frame in enumerate(frames)]
    return np.stack([f[0] if len(f) else np.full((33, 4), np.nan, np.float32) for f in found])


def test_one_person_is_tracked_as_mediapipe_does(model):
    frames = list(_walk(5))
    np.testing.assert_array_equal(_followed(model, frames), _mediapipes_own(model, frames))


def test_the_largest_person_is_followed_even_if_mediapipe_is_surer_of_another(model):
    frames = [_frame((240, 20, 20, 1.0), (330, 300, 5 + i, 0.3), width=640, height=360) for i in range(3)]
    assert (_mediapipes_own(model, frames)[:, 0, 0] < 200).all()
    assert (_followed(model, frames)[:, 0, 0] > 400).all()


def test_after_a_loss_the_same_person_is_followed_although_a_larger_one_has_come(model):
    def alone(i):
        return _frame((240, 20 + i, 20, 1.0), width=640, height=360)

    def both(i):
        return _frame((240, 20 + i, 20, 1.0), (330, 300, 5, 1.0), width=640, height=360)

    frames = [alone(0), both(1), _frame(width=640, height=360), both(3), both(4)]
    assert (_mediapipes_own(model, frames)[3:, 0, 0] > 400).all()
    path = _followed(model, frames)
    assert np.isnan(path[2]).all()
    assert (path[[0, 1, 3, 4], 0, 0] < 200).all()


# A shard


@pytest.fixture(scope="session")
def clean_process():
    """A process in which no landmarker has been open: the stage forks, and MediaPipe's threads do not survive that."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def shard(model, clean_process, tmp_path):
    """Runs the stage on clips given as frames, and says where things are."""

    class Shard:
        clips, out, stamp = tmp_path / "clips", tmp_path / "poses", tmp_path / "stamp.json"
        keypoints = tmp_path / "keypoints2d"
        landmarks, manifest = tmp_path / "landmarks.parquet", tmp_path / "manifest.csv"
        rows: list = []  # noqa: RUF012

        def add(self, clip, frames, status="accepted", dancers=1):
            write_video(self.clips / f"{clip}.mp4", frames, 16)
            row = {"clip": clip, "start_s": 0.5, "frames": len(frames), "fps": 16, "camera": "c02", "status": status}
            row |= {"crop_x": 140, "crop_y": 0, "crop_w": 360, "crop_h": 360, "source_width": 640, "source_height": 360}
            row |= {"width": 256, "height": 256, "dancers": dancers}
            self.rows = [*self.rows, row]

        def run(self, workers=1, version=1, stage=extract_shard, **poses):
            pd.DataFrame(self.rows).to_csv(tmp_path / "clips.csv", index=False)
            write_json(self.stamp, {"params": poses, "code": str(version), "items": []})
            files = PoseFiles(
                clips=tmp_path / "clips.csv",
                clips_folder=self.clips,
                keypoints={path.stem: path for path in self.keypoints.glob("*.pkl")},
                model=model,
                landmarks=self.landmarks,
                manifest=self.manifest,
                folder=self.out,
            )
            clean_process.submit(stage, files, Poses(**(_POSES | poses)), _WAN, self.stamp, workers).result(timeout=120)
            return pd.read_csv(self.manifest, keep_default_na=False), pd.read_parquet(self.landmarks)

    return Shard()


def test_a_clip_gets_landmarks_and_a_control_video(shard):
    shard.add("dance_000", _walk())
    shard.add("short_000", _walk(), status="rejected")
    manifest, landmarks = shard.run()
    (row,) = manifest.to_dict("records")
    control = sha256(shard.out / "dance_000.mp4")
    expected = {"status": "accepted", "reason": "", "origin": "mediapipe", "dancers": 1, "surety": 1.0}
    expected |= {"tracked_rate": 1.0, "sha256": control}
    assert row == {"clip": "dance_000"} | expected
    assert list(landmarks) == ["clip", "dancer", "frame", "joint", "x", "y", "z", "visibility", "interpolated"]
    assert len(landmarks) == 9 * 33
    assert not landmarks["interpolated"].any()
    nose = landmarks[landmarks["joint"] == "nose"]
    np.testing.assert_allclose(nose["x"], 20 + 3 * np.arange(9) + 200 * _NOSE[0], atol=8)

    video = inspect(shard.out / "dance_000.mp4")
    assert (video.width, video.height, len(video.timestamps), video.has_audio) == (256, 256, 9, False)
    frame = read_frames(shard.out / "dance_000.mp4")[4]
    x, y = nose[["x", "y"]].to_numpy()[4].astype(int)
    assert np.abs(frame[y, x].astype(int) - (0, 0, 255)).max() < 60  # the nose's disc, in spite of 4:2:0
    assert (frame.max(axis=2) < 30).mean() > 0.8


def test_a_clip_of_two_has_both_in_its_table_and_its_control_video(shard):
    frames, truth = zip(*side_by_side(("d02", "d20"), Stage(854, 480, 9, 16)), strict=True)
    shard.add("duet_000", np.stack(frames), dancers=2)
    manifest, landmarks = shard.run()
    (row,) = manifest.to_dict("records")
    assert (row["status"], row["reason"]) == ("accepted", "")
    assert (row["dancers"], row["surety"], row["tracked_rate"]) == (2, 1.0, 1.0)
    noses = landmarks[(landmarks["joint"] == "nose") & (landmarks["frame"] == 2)].set_index("dancer")
    np.testing.assert_allclose(noses["x"] * 854 / 256, truth[2][:, 0, 0], atol=12)
    control = read_frames(shard.out / "duet_000.mp4")[2]
    for x, y in noses[["x", "y"]].to_numpy().astype(int):
        assert control[y - 2 : y + 3, x - 2 : x + 3].max() > 120


def test_equal_inputs_give_equal_bytes_whatever_the_number_of_workers(shard):
    for n in range(3):
        shard.add(f"dance{n}_000", _walk()[n:])
    shard.run(workers=1)
    products = [shard.landmarks, shard.manifest, *(shard.out / f"dance{n}_000.mp4" for n in range(3))]
    before = [sha256(p) for p in products]
    shard.run(workers=2, version=2)
    assert [sha256(p) for p in products] == before


def test_only_what_has_changed_is_done_again(shard):
    shard.add("a_000", _walk())
    shard.add("b_000", _walk())
    shard.run()

    def times():
        return [(shard.out / f"{clip}_000.mp4").stat().st_mtime_ns for clip in "ab"]

    first = times()
    manifest, landmarks = shard.run()
    assert times() == first
    assert len(manifest) == 2
    assert len(landmarks) == 2 * 9 * 33
    write_video(shard.clips / "a_000.mp4", _walk()[::-1], 16)
    (shard.out / "b_000.mp4").write_bytes(b"damaged")
    shard.run()
    second = times()
    assert second[0] != first[0]
    assert len(read_frames(shard.out / "b_000.mp4")) == 9
    shard.run(version=2)
    assert all(now != before for now, before in zip(times(), second, strict=True))


def test_short_gaps_are_interpolated_and_marked(shard):
    frames = _walk()
    frames[4:6] = 127
    shard.add("dance_000", frames)
    manifest, landmarks = shard.run()
    assert manifest["tracked_rate"].item() == pytest.approx(7 / 9, abs=1e-4)
    assert sorted(landmarks.loc[landmarks["interpolated"], "frame"].unique()) == [4, 5]
    assert landmarks["x"].notna().all()


def test_a_clip_with_nobody_is_rejected_with_the_reason_and_leaves_nothing(shard):
    shard.add("dance_000", _walk())
    shard.run()
    write_video(shard.clips / "dance_000.mp4", np.full((9, 256, 256, 3), 127, np.uint8), 16)
    manifest, landmarks = shard.run()
    assert manifest["status"].item() == "rejected"
    assert manifest["reason"].item() == "dancer tracked in 0 of 9 frames; min_tracked is 0.6"
    assert len(landmarks) == 0
    assert not list(shard.out.glob("*.mp4"))
    assert shard.run()[0].equals(manifest)


def _extract_where_bad_crashes(*given):
    """The stage with a reader that ends its process on the clip `bad_000`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract, "Footage", lambda path: os._exit(3) if path.stem == "bad_000" else Footage(path))
        extract_shard(*given)


def test_a_clip_that_ends_its_worker_is_a_row_and_the_others_go_on(shard):
    for clip in ("bad_000", "c_000"):
        shard.add(clip, _walk())
    manifest, landmarks = shard.run(stage=_extract_where_bad_crashes)
    assert manifest["clip"].tolist() == ["bad_000", "c_000"]
    assert manifest["status"].tolist() == ["rejected", "accepted"]
    assert manifest["reason"][0] == "dancer cannot be followed: its reader crashed (exit 3)"
    assert set(landmarks["clip"]) == {"c_000"} == {path.stem for path in shard.out.glob("*.mp4")}


def test_a_shard_without_clips_has_empty_tables_of_the_same_form(shard):
    shard.add("short_000", _walk(), status="rejected")
    manifest, landmarks = shard.run()
    assert list(manifest) == ["clip", "status", "reason", "origin", "dancers", "surety", "tracked_rate", "sha256"]
    assert landmarks.dtypes.astype(str).to_dict() == {
        "clip": "str", "dancer": "int32", "frame": "int32", "joint": "str", "x": "float32", "y": "float32", "z": "float32",
        "visibility": "float32", "interpolated": "bool",
    }  # fmt: skip
    assert len(manifest) == len(landmarks) == 0


def test_keypoints_are_used_where_their_sequence_has_them(shard):
    table = np.zeros((9, 200, 17, 3))
    table[1, :, :, 0] = 960 + np.arange(200)[:, None]  # camera c02 moves right by a pixel a frame
    table[1, :, :, 1:] = 540, 0.8
    shard.keypoints.mkdir()
    (shard.keypoints / "gBR_sBM_cAll_d04_mBR0_ch01.pkl").write_bytes(pickle.dumps({"keypoints2d": table}))
    shard.add("gBR_sBM_c02_d04_mBR0_ch01_000", _walk())
    manifest, landmarks = shard.run()
    assert manifest["origin"].item() == "keypoints2d"
    assert landmarks["joint"].nunique() == 17
    nose = landmarks[landmarks["joint"] == "nose"]
    # 30 frames of 60 fps into the video, (960 + 30) / 3 - 140 pixels from the crop's left, 360 pixels made 256.
    assert nose["x"].iloc[0] == pytest.approx(((960 + 30) / 3 - 140) * 256 / 360, abs=0.01)
    assert nose["z"].isna().all()
    before = sha256(shard.landmarks)
    (shard.keypoints / "gBR_sBM_cAll_d04_mBR0_ch01.pkl").write_bytes(pickle.dumps({"keypoints2d": table + 1}))
    shard.run()
    assert sha256(shard.landmarks) != before


def test_mediapipe_is_asked_where_the_keypoints_do_not_know_the_camera(shard):
    table = np.full((9, 200, 17, 3), 300.0)
    table[1] = np.nan
    shard.keypoints.mkdir()
    (shard.keypoints / "gBR_sBM_cAll_d04_mBR0_ch01.pkl").write_bytes(pickle.dumps({"keypoints2d": table}))
    shard.add("gBR_sBM_c02_d04_mBR0_ch01_000", _walk())
    manifest, landmarks = shard.run()
    assert (manifest["origin"].item(), manifest["status"].item()) == ("mediapipe", "accepted")
    assert landmarks["joint"].nunique() == 33


def test_a_keypoints_file_that_is_none_is_one_sentence(shard):
    shard.keypoints.mkdir()
    (shard.keypoints / "gBR_sBM_cAll_d04_mBR0_ch01.pkl").write_bytes(b"hello")
    shard.add("gBR_sBM_c02_d04_mBR0_ch01_000", _walk())
    with pytest.raises(InputError, match=r"gBR_sBM_cAll_d04_mBR0_ch01\.pkl is not a keypoints2d file"):
        shard.run()


def test_the_options_change_what_they_say(shard):
    shard.add("dance_000", _walk())
    _, plain = shard.run()
    shard.run(face_dots=True)
    dotted = read_frames(shard.out / "dance_000.mp4")
    assert (dotted.min(axis=3) > 200).any(axis=(1, 2)).all()
    _, smooth = shard.run(smoothing="one_euro")
    assert not np.allclose(smooth["x"], plain["x"])
    shard.run(min_visibility=1.0)
    assert read_frames(shard.out / "dance_000.mp4").max() < 30

"""Which frames of a video are judged, when they are shown, and at which size."""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from facedance.config.sections import WanModel
from facedance.video.frames import Footage
from facedance.video.opening import UnreadableVideo
from facedance.video.writing import write_video
from facedance.yardstick.pictures import choose, judged_size, same_shape

FPS, SIDE = 16, 64
WAN = WanModel(
    repo=None, revision=None, sizes=[(SIDE, SIDE), (96, 48)], frames=17, fps=FPS, clip_scale=2, drawing_side=256, dtype="float32",
)  # fmt: skip


def brightening(count: int, size: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    """Frames over a pattern, the k-th with a patch of grey level 4 k."""
    pattern = (
        np.random.default_rng(0).integers(60, 200, (size[1] // 8, size[0] // 8, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    )
    frames = np.stack([pattern] * count)
    for k in range(count):
        frames[k, : size[1] // 2, : size[0] // 2] = 4 * k
    return frames


def written(path: Path, count: int, fps: float, size: tuple[int, int] = (SIDE, SIDE)) -> Path:
    write_video(path, brightening(count, size), fps)
    return path


def are(frames: Iterable[np.ndarray], path: Path, indices: Sequence[int]) -> bool:
    """Whether these are the video's frames at the indices, in twice their size."""
    whole = list(Footage(path, 2))
    return [frame.tobytes() for frame in frames] == [whole[index].tobytes() for index in indices]


def test_a_render_is_judged_frame_by_frame_in_the_pixels_of_its_scores(tmp_path):
    shots = choose(written(tmp_path / "a.mp4", 17, FPS), WAN, None)
    assert shots.indices.tolist() == list(range(17))
    np.testing.assert_allclose(shots.times, np.arange(17) / FPS)
    assert (shots.size, shots.own_size, shots.note, shots.repeats) == ((128, 128), (SIDE, SIDE), "", False)
    assert shots.own_fps == pytest.approx(FPS)
    np.testing.assert_array_equal(np.stack(list(shots.frames())), np.stack(list(Footage(tmp_path / "a.mp4", 2))))


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_of_a_faster_video_the_frames_nearest_in_time_are_judged(tmp_path, fps):
    shots = choose(written(tmp_path / "a.mp4", fps + 1, fps), WAN, None)
    assert len(shots.indices) == 17
    np.testing.assert_allclose(shots.times, shots.indices / fps, atol=1e-3)
    assert np.abs(shots.times - np.arange(17) / FPS).max() <= 0.5 / fps + 2e-3
    assert not shots.repeats
    assert are(shots.frames(), tmp_path / "a.mp4", shots.indices.tolist())


def test_a_slower_video_shows_frames_again(tmp_path):
    shots = choose(written(tmp_path / "a.mp4", 5, 8), WAN, None)
    assert shots.indices.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert shots.repeats
    assert are(shots.frames(), tmp_path / "a.mp4", shots.indices.tolist())
    assert are(shots.distinct(), tmp_path / "a.mp4", range(5))


def test_what_cannot_be_judged_is_told(tmp_path):
    (tmp_path / "text.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableVideo, match="cannot be opened"):
        choose(tmp_path / "text.mp4", WAN, None)
    with pytest.raises(UnreadableVideo, match=r"has 1 frames in 0\.00 s, too few to judge"):
        choose(written(tmp_path / "one.mp4", 1, FPS), WAN, None)


@pytest.mark.parametrize(
    ("own", "driving", "size"),
    [
        ((64, 64), None, (128, 128)),  # a size of the model's: as renders are
        ((96, 48), (192, 96), (192, 96)),  # the driving clip's
        ((854, 480), (850, 480), (850, 480)),  # the same shape but for rounding
        ((512, 512), None, (128, 128)),
        ((1080, 1920), None, (96, 170)),  # its own shape, as many pixels as 128 x 128
        ((1920, 1080), (128, 128), (182, 102)),  # as many as 192 x 96, whose shape is nearer
    ],
)
def test_size_at_which_a_video_is_judged(own, driving, size):
    assert judged_size(own, WAN, driving) == size


def test_shapes_are_the_same_within_two_hundredths():
    assert same_shape((1024, 576), (854, 480))
    assert not same_shape((832, 480), (854, 480))


def test_a_phone_s_video_is_judged_upright(tmp_path):
    path = written(tmp_path / "a.mp4", 4, FPS, (96, 48))
    lying = next(iter(choose(path, WAN, None).frames()))
    content = bytearray(path.read_bytes())
    start = content.find(b"tkhd") + 4 + 40  # the display matrix in the track header, ISO 14496-12
    content[start : start + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 0x40000000)
    path.write_bytes(content)
    shots = choose(path, WAN, (96, 192))
    assert (shots.own_size, shots.size) == ((48, 96), (96, 192))
    upright = next(iter(shots.frames()))
    assert np.abs(upright.astype(int) - np.rot90(lying, 3)).mean() < 4
